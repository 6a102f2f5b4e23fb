#!/bin/bash
# webvtt-py 0.5.1: from SRT to WebVTT and back, words between < and > are lost.
#
# In WebVTT, < begins markup and & a character reference, so that a text that has them is written
# with &lt; and &amp;. SRT knows no references. webvtt-py turns SRT into WebVTT without writing
# them: its own reading of what it wrote, as a player's, takes the words for a tag and drops them.
# The other way it leaves the references as they are, and viewers read "&lt;". A course on algebra
# loses its inequalities without a word.
#
# Seen on 2026-11-30: see the end.
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check webvtt-py==0.5.1
cat > given.srt <<'END'
1
00:00:01,000 --> 00:00:02,000
Let x <y, and z> 0 & so on.
END
cat > given.vtt <<'END'
WEBVTT

00:00:01.000 --> 00:00:02.000
Let x &lt;y, and z&gt; 0 &amp; so on.
END
cat > turn.py <<'END'
import io

import webvtt

written = webvtt.from_srt("given.srt").content
print(written.strip())
print("read again:", webvtt.from_buffer(io.StringIO(written))[0].text)
back = io.StringIO()
webvtt.read("given.vtt").write(back, "srt")
print(back.getvalue().strip())
END
venv/bin/python turn.py > seen.txt
cat seen.txt

diff seen.txt - <<'END'
WEBVTT

00:00:01.000 --> 00:00:02.000
Let x <y, and z> 0 & so on.
read again: Let x  0 & so on.
1
00:00:01,000 --> 00:00:02,000
Let x &lt;y, and z&gt; 0 &amp; so on.
END
echo "As seen with webvtt-py 0.5.1."
