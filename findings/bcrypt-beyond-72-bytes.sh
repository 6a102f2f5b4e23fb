#!/bin/bash
# A password of 80 bytes that signed in at a school on Node.js raises in Python, right or wrong.
#
# npm's bcryptjs 3.0.3 hashes the first 72 bytes and says nothing. libpass 1.9.4 over bcrypt 5.0.0
# then answers neither yes nor no: `verify` raises ValueError. So a school that moves such hashes
# has to cut what was typed to 72 bytes, or these people get an error page where everybody else
# gets in or is refused.
#
# Seen on 2026-11-28 with Node.js 20:
#   bcryptjs, all 80 bytes: true
#   bcryptjs, another 80th byte: true
#   libpass, all 80 bytes: ValueError
#   libpass, the first 72: True
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check libpass==1.9.4 bcrypt==5.0.0
npm install --silent --no-save --prefix . bcryptjs@3.0.3

cat > hash.cjs <<'EOF'
const bcrypt = require("bcryptjs");
const hash = bcrypt.hashSync("x".repeat(80), 4);
console.error("bcryptjs, all 80 bytes:", bcrypt.compareSync("x".repeat(80), hash));
console.error("bcryptjs, another 80th byte:", bcrypt.compareSync("x".repeat(79) + "y", hash));
console.log(hash);
EOF
hash=$(node hash.cjs 2> seen)

cat > verify.py <<'EOF'
import sys
from passlib.hash import bcrypt

for name, length in (("all 80 bytes", 80), ("the first 72", 72)):
    try:
        answer = bcrypt.verify("x" * length, sys.argv[1])
    except ValueError as error:
        answer = type(error).__name__
    print(f"libpass, {name}: {answer}")
EOF
venv/bin/python verify.py "$hash" >> seen
cat seen

diff - seen <<'EOF'
bcryptjs, all 80 bytes: true
bcryptjs, another 80th byte: true
libpass, all 80 bytes: ValueError
libpass, the first 72: True
EOF
