#!/bin/bash
# pysubs2 1.8.1: comments and names of a WebVTT file are read as words that are spoken.
#
# In WebVTT a blank line ends a cue, a block that begins with NOTE is a comment, and the line above
# the times is the cue's name: no player shows either. pysubs2 reads on to the next times, so that
# a comment for editors, and the name of the cue that follows, become the last lines of the cue
# before. Written as SRT (or as WebVTT again), everybody reads them. Whoever turns captions of one
# format into another with it has to take comments and names out first.
#
# Seen on 2026-11-30: see the end.
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pysubs2==1.8.1
cat > turn.py <<'END'
import pysubs2

CAPTIONS = """WEBVTT

hello
00:00:01.000 --> 00:00:02.000
Good morning.

NOTE Ask Kim whether this is loud enough.

goodbye
00:00:03.000 --> 00:00:04.000
Good night.
"""
for event in pysubs2.SSAFile.from_string(CAPTIONS):
    print(event.start, event.end, event.text)
print(pysubs2.SSAFile.from_string(CAPTIONS).to_string("srt").strip())
END
venv/bin/python turn.py > seen.txt
cat seen.txt

diff seen.txt - <<'END'
1000 2000 Good morning.\N\NNOTE Ask Kim whether this is loud enough.\N\Ngoodbye
3000 4000 Good night.
1
00:00:01,000 --> 00:00:02,000
Good morning.
NOTE Ask Kim whether this is loud enough.
goodbye

2
00:00:03,000 --> 00:00:04,000
Good night.
END
echo "As seen with pysubs2 1.8.1."
