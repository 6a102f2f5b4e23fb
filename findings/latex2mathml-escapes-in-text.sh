#!/bin/bash
# A price or a share inside \text{} of a formula is shown with its backslash.
#
# In LaTeX \$, \% and \& are the signs themselves, inside \text{} as well as outside. latex2mathml
# 3.81.1 resolves them outside alone: what a teacher writes as \text{5 \%} reaches the learner as
# "5 \%", without an error or a warning. So a portal that shows formulas by it has to say so, or to
# let authors keep such signs out of \text{}.
#
# Seen on 2026-11-29:
#   50\% + x            -> 50 % + x
#   \text{50\%} + x     -> 50\% + x
#   \text{a \& b}       -> a \& b
#   \text{5 \$}         -> 5 \$
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check latex2mathml==3.81.1

cat > show.py <<'EOF'
import re
from html import unescape

from latex2mathml.converter import convert

for latex in (r"50\% + x", r"\text{50\%} + x", r"\text{a \& b}", r"\text{5 \$}"):
    words = re.findall(r">([^<>]+)<", unescape(convert(latex)))
    print(f"{latex:20}-> {' '.join(words)}".replace("\N{NO-BREAK SPACE}", " "))
EOF
venv/bin/python show.py > seen
cat seen

diff - seen <<'EOF'
50\% + x            -> 50 % + x
\text{50\%} + x     -> 50\% + x
\text{a \& b}       -> a \& b
\text{5 \$}         -> 5 \$
EOF
