#!/bin/bash
# npm's argon2 0.45.1 writes the parameters of a hash in another order than 0.44.0 did, and
# argon2-cffi 25.1.0 reads them but can't verify the hash.
#
# 0.44.0 writes `m=19456,t=2,p=1`, as the reference implementation does; 0.45.1 writes
# `m=19456,p=1,t=2`. argon2-cffi's `extract_parameters` accepts both, so that an importer which
# asks it "is this a hash?" counts the person as able to sign in. `verify` then raises
# VerificationError ("Decoding failed"), which is neither InvalidHashError nor
# VerifyMismatchError. In the standard order the same hash verifies.
#
# Seen on 2026-11-28 with Node.js 20:
#   0.44.0 writes m,t,p: parsed, verified
#   0.45.1 writes m,p,t: parsed, VerificationError: Decoding failed
#   0.45.1 put in order: parsed, verified
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check argon2-cffi==25.1.0
npm install --silent --no-save --prefix . before@npm:argon2@0.44.0 after@npm:argon2@0.45.1

cat > hash.cjs <<'EOF'
const argon2 = require(process.argv[2]);
const cost = { memoryCost: 19456, timeCost: 2, parallelism: 1 };
const hash = argon2.hash || argon2.default.hash;
hash("correct horse", cost).then((text) => console.log(text));
EOF
cat > hash.mjs <<'EOF'
import { hash } from "after";
console.log(await hash("correct horse", { memoryCost: 19456, timeCost: 2, parallelism: 1 }));
EOF
before=$(node hash.cjs before)
after=$(node hash.mjs)

cat > verify.py <<'EOF'
import sys
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import Argon2Error


def outcome(name, text):
    order = ",".join(part[0] for part in text.split("$")[3].split(","))
    extract_parameters(text)
    try:
        verified = "verified" if PasswordHasher().verify(text, "correct horse") else "refused"
    except Argon2Error as error:
        verified = f"{type(error).__name__}: {error}"
    return f"{name} {order}: parsed, {verified}"


before, after = sys.argv[1:]
parts = after.split("$")
memory, lanes, passes = parts[3].split(",")
parts[3] = ",".join((memory, passes, lanes))
print(outcome("0.44.0 writes", before))
print(outcome("0.45.1 writes", after))
print(outcome("0.45.1 put in order", "$".join(parts)).replace(" m,t,p", ""))
EOF
venv/bin/python verify.py "$before" "$after" | tee seen

diff - seen <<'EOF'
0.44.0 writes m,t,p: parsed, verified
0.45.1 writes m,p,t: parsed, VerificationError: Decoding failed
0.45.1 put in order: parsed, verified
EOF
