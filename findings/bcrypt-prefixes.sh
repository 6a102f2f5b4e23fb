#!/bin/bash
# Two Python libraries disagree on which prefixes of bcrypt they read, and on what they answer.
#
# One hash under each prefix that has been in use: bcrypt 5.0.0 verifies `$2x$` like `$2b$`, and
# raises for `$2$`; libpass 1.9.4 over that bcrypt does the reverse, in two ways: it raises for
# `$2x$`, and says "wrong password" for `$2$`. So whoever is moved with such a hash gets in, is
# refused, or sees an error page, by the library that the new portal chose.
#
# Seen on 2026-11-29 with Python 3.11:
#   2: bcrypt ValueError, libpass False
#   2a: bcrypt True, libpass True
#   2b: bcrypt True, libpass True
#   2x: bcrypt True, libpass ValueError
#   2y: bcrypt True, libpass True
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check libpass==1.9.4 bcrypt==5.0.0

cat > verify.py <<'PYTHON'
import bcrypt
from passlib.hash import bcrypt as libpass

made = bcrypt.hashpw(b"correct horse", bcrypt.gensalt(4)).decode()


def answer(verify):
    try:
        return verify()
    except ValueError as error:
        return type(error).__name__


for prefix in ("2", "2a", "2b", "2x", "2y"):
    text = f"${prefix}{made[3:]}"
    first = answer(lambda: bcrypt.checkpw(b"correct horse", text.encode()))
    second = answer(lambda: libpass.verify("correct horse", text))
    print(f"{prefix}: bcrypt {first}, libpass {second}")
PYTHON
venv/bin/python verify.py | tee seen

diff - seen <<'SEEN'
2: bcrypt ValueError, libpass False
2a: bcrypt True, libpass True
2b: bcrypt True, libpass True
2x: bcrypt True, libpass ValueError
2y: bcrypt True, libpass True
SEEN
