#!/bin/bash
# Babel 2.19.0 shows 15 currencies with fewer decimals than ISO 4217 gives them.
#
# `get_currency_precision` follows CLDR, which says how prices are *written*: 0 digits for HUF, COP
# or IDR, 0 for IQD, which has 3. ISO 4217 (iso4217 1.16.20260101) says what a minor unit *is*, and
# that is what payment services count in. Whoever takes Babel's precision for the factor between
# an amount and its minor units is wrong by 100 or 1,000 in these; `format_currency` rounds
# 1,234.56 HUF to whole forints on the receipt.
#
# Seen on 2026-11-28:
#   AFN 2/0, ALL 2/0, COP 2/0, HUF 2/0, IDR 2/0, IQD 3/0, IRR 2/0, KPW 2/0, LAK 2/0, LBP 2/0,
#   MGA 2/0, MMK 2/0, SOS 2/0, SYP 2/0, YER 2/0 (ISO/Babel), and 'HUF1,235'
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check babel==2.19.0 iso4217==1.16.20260101
cat > compare.py <<'EOF'
from babel.numbers import format_currency, get_currency_precision
from iso4217 import Currency

for currency in sorted(Currency, key=lambda one: one.code.upper()):
    code, units = currency.code.upper(), currency.exponent
    if units is not None and units != get_currency_precision(code):
        print(f"{code} {units}/{get_currency_precision(code)}")
print(format_currency("1234.56", "HUF", locale="en_GB"))
EOF
venv/bin/python compare.py | tee seen

diff - seen <<'EOF'
AFN 2/0
ALL 2/0
COP 2/0
HUF 2/0
IDR 2/0
IQD 3/0
IRR 2/0
KPW 2/0
LAK 2/0
LBP 2/0
MGA 2/0
MMK 2/0
SOS 2/0
SYP 2/0
YER 2/0
HUF1,235
EOF
