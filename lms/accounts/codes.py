"""Codes that are typed: those of an app (TOTP), and those that recover a lost factor."""

import hashlib
import secrets
from datetime import datetime

from pyotp import TOTP, random_base32

RECOVERY_CODES = 10
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""Without what is mistaken for another on paper; 32 letters, so that each is worth 5 bits."""
_LENGTH, _GROUP = 24, 6
"""120 bits: too many to be found from their hashes, so that SHA-256 will do (ASVS 6.5.2)."""
_STEP_SECONDS = 30
_SKEW = 1
"""How many steps the clock of a phone may be off."""


def new_secret() -> str:
    """Return the secret of an app: 160 bits, as RFC 4226 recommends."""
    return random_base32(32)


def provisioning_uri(secret: str, *, email: str, school: str) -> str:
    """Return what an app reads from the QR code."""
    return TOTP(secret).provisioning_uri(name=email, issuer_name=school)


def digest(secret: str) -> str:
    """Return what names a secret without telling it."""
    return f"totp:{hashlib.sha256(secret.encode()).hexdigest()}"


def matching_step(secret: str, typed: str, moment: datetime) -> int | None:
    """Return the time step whose code this is, of those near the moment; None if it is of none."""
    code = "".join(typed.split())
    if not (code.isascii() and code.isdigit()):
        return None
    step = int(moment.timestamp()) // _STEP_SECONDS
    near = range(step - _SKEW, step + _SKEW + 1)
    codes = TOTP(secret)
    return next(
        (each for each in near if secrets.compare_digest(codes.generate_otp(each), code)), None
    )


def new_recovery_codes() -> list[str]:
    """Return a set of codes as people read them."""
    return [_grouped(_random()) for _ in range(RECOVERY_CODES)]


def is_recovery_code(typed: str) -> bool:
    """Return whether a text is as long as a recovery code, however it was typed."""
    return len(_bare(typed)) == _LENGTH


def recovery_hash(user_id: int, typed: str) -> str:
    """Return the hash to keep, or to look for, of a person's code, however it was typed."""
    code = _bare(typed)
    return hashlib.sha256(f"{user_id}:{code}".encode()).hexdigest()


def _bare(typed: str) -> str:
    return "".join(letter for letter in typed.lower() if letter in _ALPHABET)


def _random() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def _grouped(code: str) -> str:
    return "-".join(code[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP))
