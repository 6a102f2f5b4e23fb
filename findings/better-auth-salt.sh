#!/bin/bash
# better-auth 1.7.25 keeps a password as `salt:key`, both in hexadecimal, and its salt is the text.
#
# The key is scrypt with N=16384, r=16, p=1 over the 32 *letters* of the salt, not over the 16
# bytes that they spell; and r is 16, where Node.js, Python's examples and werkzeug have 8. A
# reader who decodes both halves, as the form suggests, refuses every right password.
#
# Seen on 2026-11-28 with Node.js 20:
#   salt as text, r=16: verified
#   salt as bytes, r=16: refused
#   salt as text, r=8: refused
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT

npm install --silent --no-save --prefix . better-auth@1.7.25
cat > hash.mjs <<'EOF'
import { hashPassword } from "better-auth/crypto";
console.log(await hashPassword("correct horse"));
EOF
kept=$(node hash.mjs)

cat > verify.py <<'EOF'
import hashlib
import sys

salt, key = sys.argv[1].split(":")
for name, given, blocks in (
    ("text", salt.encode(), 16),
    ("bytes", bytes.fromhex(salt), 16),
    ("text", salt.encode(), 8),
):
    made = hashlib.scrypt(
        b"correct horse", salt=given, n=16384, r=blocks, p=1, dklen=64, maxmem=2**27
    )
    print(f"salt as {name}, r={blocks}: {'verified' if made.hex() == key else 'refused'}")
EOF
python3 verify.py "$kept" | tee seen

diff - seen <<'EOF'
salt as text, r=16: verified
salt as bytes, r=16: refused
salt as text, r=8: refused
EOF
