"""What passkeys are asked for: challenges that this browser alone can answer, once, and soon."""

import hashlib
import secrets
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from flask import session
from flask_wtf import FlaskForm
from flask_wtf.csrf import generate_csrf
from itsdangerous import BadData
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from wtforms import HiddenField

from lms.accounts.passkeys import CHALLENGE_SECONDS, Answered, Party
from lms.refusals import PasskeyRefused
from lms.signatures import Signatures
from lms.web.addresses import origin
from lms.web.school import school
from lms.web.signing import serializer

Purpose = Literal["add", "proof", "second-step", "sign-in"]
_PORTS = {"http": 80, "https": 443}


class PasskeyForm(FlaskForm):
    """What `passkeys.js` fills in: the browser's answer, and the challenge that it is to."""

    credential = HiddenField()
    state = HiddenField()


def party() -> Party | None:
    """Return the portal as passkeys know it; None at an address of numbers, where none works."""
    parts = urlsplit(origin())
    host = parts.hostname or ""
    try:
        ip_address(host)
    except ValueError:
        host = host.encode("idna").decode()
    else:
        return None
    port = "" if parts.port in {None, _PORTS.get(parts.scheme)} else f":{parts.port}"
    return Party(host, f"{parts.scheme}://{host}{port}", school().name)


def named_address(path: str) -> str:
    """Return where passkeys work of a portal that is reached by numbers, as in development."""
    parts = urlsplit(origin())
    try:
        is_here = ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return ""
    return (
        f"{parts.scheme}://localhost:{parts.port or _PORTS[parts.scheme]}{path}" if is_here else ""
    )


def new_challenge(purpose: Purpose, user_id: int = 0) -> tuple[bytes, str]:
    """Return a challenge, and the state that comes back with its answer."""
    challenge = secrets.token_bytes(32)
    held = [bytes_to_base64url(challenge), user_id, _browser()]
    return challenge, _signed(purpose).dumps(held)


def answered(purpose: Purpose, form: PasskeyForm, user_id: int = 0) -> Answered:
    """Return what a browser answered to a challenge of its own; raises PasskeyRefused."""
    known = party()
    try:
        state = str(form.state.data or "")
        challenge, asked, browser = _signed(purpose).loads(state, max_age=CHALLENGE_SECONDS)
    except (BadData, ValueError):
        raise PasskeyRefused("That took too long, or didn't work. Try again.") from None
    if known is None or (asked, browser) != (user_id, _browser()):
        raise PasskeyRefused
    return Answered(str(form.credential.data or ""), base64url_to_bytes(challenge), known)


def _browser() -> str:
    """Return what is the same in all pages of this browser's session, and in no other."""
    generate_csrf()
    return hashlib.sha256(f"browser:{session['csrf_token']}".encode()).hexdigest()[:32]


def _signed(purpose: Purpose) -> Signatures:
    return serializer(f"passkey-{purpose}")
