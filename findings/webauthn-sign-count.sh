#!/bin/bash
# webauthn 3.0.1 refuses a rightly signed passkey whose counter did not rise, and names no reason.
#
# WebAuthn leaves it to the relying party what a counter that did not rise means: a copied key, or
# a passkey that has moved to another device. `verify_authentication_response` decides for it: such
# an answer raises InvalidAuthenticationResponse, as a wrong origin does. No other class, attribute
# or option tells the two apart, only the English of the message. So a passkey that has counted
# once, and since it was synced says 0, is locked out for good unless 0 is kept in place of its
# count.
#
# Seen on 2026-11-28, answers made by soft-webauthn 0.1.3:
#   kept 0, answered 1: verified
#   kept 9, answered 2: InvalidAuthenticationResponse, attributes: none
#   kept 5, answered 0: InvalidAuthenticationResponse, attributes: none
#   kept 0, answered 0: verified
#   another origin: InvalidAuthenticationResponse, attributes: none
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check webauthn==3.0.1 soft-webauthn==0.1.3
cat > verify.py <<'EOF'
from base64 import urlsafe_b64encode

from soft_webauthn import SoftWebauthnDevice
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers.exceptions import InvalidAuthenticationResponse

PARTY, ORIGIN, CHALLENGE = "school.example", "https://school.example", b"1" * 32
device = SoftWebauthnDevice()
expected = {"expected_challenge": CHALLENGE, "expected_rp_id": PARTY}


def text(value):
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def as_json(made):
    response = {name: text(value) for name, value in made["response"].items() if value}
    number = text(made["rawId"])
    return {"id": number, "rawId": number, "type": "public-key", "response": response}


made = device.create(
    {
        "publicKey": {
            "rp": {"id": PARTY, "name": "School"},
            "user": {"id": b"7", "name": "kim", "displayName": "Kim"},
            "challenge": CHALLENGE,
            "pubKeyCredParams": [{"alg": -7, "type": "public-key"}],
            "attestation": "none",
        }
    },
    ORIGIN,
)
key = verify_registration_response(
    credential=as_json(made), expected_origin=ORIGIN, **expected
).credential_public_key


def outcome(kept, counted, origin=ORIGIN):
    device.sign_count = counted - 1
    answer = device.get({"publicKey": {"challenge": CHALLENGE, "rpId": PARTY}}, ORIGIN)
    try:
        verify_authentication_response(
            credential=as_json(answer),
            credential_public_key=key,
            credential_current_sign_count=kept,
            expected_origin=origin,
            **expected,
        )
    except InvalidAuthenticationResponse as error:
        attributes = ", ".join(vars(error)) or "none"
        return f"{type(error).__name__}, attributes: {attributes}"
    return "verified"


for kept, counted in ((0, 1), (9, 2), (5, 0), (0, 0)):
    print(f"kept {kept}, answered {counted}: {outcome(kept, counted)}")
print(f"another origin: {outcome(0, 1, 'https://other.example')}")
EOF
venv/bin/python verify.py | tee seen

diff - seen <<'EOF'
kept 0, answered 1: verified
kept 9, answered 2: InvalidAuthenticationResponse, attributes: none
kept 5, answered 0: InvalidAuthenticationResponse, attributes: none
kept 0, answered 0: verified
another origin: InvalidAuthenticationResponse, attributes: none
EOF
