"""Password hashes that other programs wrote: which can be kept, and whether one is of a password.

Their owners sign in as before and get an argon2id hash then. Each scheme is of a program whose
source or documentation says how it hashes; what none of them wrote is not kept.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass

import argon2
import bcrypt
from argon2.exceptions import VerificationError
from passlib import hash as schemes
from werkzeug.security import check_password_hash

_LONGEST = 255
"""Letters that `users.password_hash` has room for."""
_COSTLIEST = 1024**2
"""KiB of memory: a hash that needs more would let any sign-in exhaust the machine."""
_LONGEST_BCRYPT = 72
"""Bytes of a password that bcrypt reads. Node.js and PHP ignore the rest; Python's raises."""
_ROUNDS = {"bcrypt": 15, "pbkdf2": 5_000_000, "sha": 1_000_000, "phpass": 20, "argon2": 100}
"""The most work that one try to sign in may cause: about three seconds of one core."""


@dataclass(frozen=True)
class _Scheme:
    form: re.Pattern[str]
    is_affordable: Callable[[re.Match[str]], bool]
    verify: Callable[[str, bytes], bool]


def kept(written: str) -> str:
    """Return the hash in the form to store; blank if no password could ever be verified by it."""
    # Django writes its own name of the scheme before argon2's.
    bare = re.sub(r"^argon2(?=\$argon2)", "", written.strip())
    found = _in_order(bare)
    return found if len(found) <= _LONGEST and _scheme(found) else ""


def verify(stored: str, password: bytes) -> bool:
    """Return whether a kept hash is of this password, up to what its scheme reads of it."""
    scheme = _scheme(stored)
    try:
        return scheme is not None and scheme.verify(stored, password)
    except (ValueError, VerificationError):  # what the scheme can't hash, such as a zero byte
        return False


def _scheme(written: str) -> _Scheme | None:
    for scheme in _SCHEMES:
        if found := scheme.form.fullmatch(written):
            return scheme if scheme.is_affordable(found) else None
    return None


def _in_order(written: str) -> str:
    """Return an argon2 hash with its costs in the standard order, which npm's 0.45 left."""
    parts = written.split("$")
    if not written.startswith("$argon2") or len(parts) != 6:
        return written
    parts[3] = ",".join(sorted(parts[3].split(","), key=lambda cost: "mtp".find(cost[:1])))
    return "$".join(parts)


def _argon2(stored: str, password: bytes) -> bool:
    return argon2.PasswordHasher().verify(stored, password)


def _bcrypt(stored: str, password: bytes) -> bool:
    return bcrypt.checkpw(password[:_LONGEST_BCRYPT], stored.encode())


def _bcrypt_of_django(stored: str, password: bytes) -> bool:
    return _bcrypt(stored.removeprefix("bcrypt$"), password)


def _bcrypt_of_digest(stored: str, password: bytes) -> bool:
    digest = hashlib.sha256(password).hexdigest()
    return _bcrypt(stored.removeprefix("bcrypt_sha256$"), digest.encode())


def _bcrypt_of_wordpress(stored: str, password: bytes) -> bool:
    # wp_hash_password of 6.8.
    digest = hmac.new(b"wp-sha384", _trimmed(password), hashlib.sha384).digest()
    return _bcrypt(stored.removeprefix("$wp"), base64.b64encode(digest))


def _pbkdf2_or_scrypt_of_werkzeug(stored: str, password: bytes) -> bool:
    return check_password_hash(stored, password.decode())


def _scrypt_of_django(stored: str, password: bytes) -> bool:
    _, work, salt, block, lanes, key = stored.split("$")
    made = _scrypt(password, salt, int(work), int(block), int(lanes), length=64)
    return hmac.compare_digest(base64.b64encode(made).decode(), key)


def _scrypt_of_better_auth(stored: str, password: bytes) -> bool:
    # As in Lucia, the salt is the text of its hexadecimal digits; the costs are fixed.
    salt, key = stored.split(":")
    made = _scrypt(password, salt, 2**14, 16, 1, length=64)
    return hmac.compare_digest(made.hex(), key)


def _phpass(stored: str, password: bytes) -> bool:
    # WordPress trims what is typed, phpBB does not; both write it alike.
    return any(schemes.phpass.verify(form, stored) for form in {password, _trimmed(password)})


def _trimmed(password: bytes) -> bytes:
    return password.strip(b" \t\n\r\0\x0b")  # as PHP's trim


def _scrypt(password: bytes, salt: str, work: int, block: int, lanes: int, *, length: int) -> bytes:
    memory = 128 * block * (work + lanes + 2)
    return hashlib.scrypt(
        password, salt=salt.encode(), n=work, r=block, p=lanes, maxmem=memory, dklen=length
    )


def _is_cheap_argon2(found: re.Match[str]) -> bool:
    memory, passes, lanes = (int(found[name]) for name in ("m", "t", "p"))
    return memory <= _COSTLIEST and 0 < passes <= _ROUNDS["argon2"] and 0 < lanes <= 64


def _is_cheap_scrypt(found: re.Match[str]) -> bool:
    work, block, lanes = (int(found[name]) for name in ("work", "block", "lanes"))
    is_power = work > 1 and work & (work - 1) == 0
    return is_power and 0 < 128 * work * block * lanes <= _COSTLIEST * 1024


def _at_most(kind: str) -> Callable[[re.Match[str]], bool]:
    return lambda found: 0 < int(found["rounds"]) <= _ROUNDS[kind]


def _is_cheap_phpass(found: re.Match[str]) -> bool:
    letters = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    return 7 <= letters.index(found["rounds"]) <= _ROUNDS["phpass"]


def _is_cheap_sha(found: re.Match[str]) -> bool:
    return int(found["rounds"] or 5_000) <= _ROUNDS["sha"]


def _any(_found: re.Match[str]) -> bool:
    return True


_BCRYPT = r"\$2[abxy]\$(?P<rounds>0[4-9]|[1-3]\d)\$[./A-Za-z0-9]{53}"
_WORK, _BLOCK, _LANES = r"(?P<work>\d{1,9})", r"(?P<block>\d{1,4})", r"(?P<lanes>\d{1,3})"
_B64 = r"[A-Za-z0-9+/]"


def _scheme_of(
    form: str, is_affordable: Callable[[re.Match[str]], bool], verify: Callable[[str, bytes], bool]
) -> _Scheme:
    return _Scheme(re.compile(form, re.ASCII), is_affordable, verify)


def _of(scheme: Callable[[], object]) -> Callable[[str, bytes], bool]:
    """Return libpass's check of a scheme: its handlers are loaded when first needed."""
    return lambda stored, password: scheme().verify(password, stored)  # type: ignore[attr-defined]


_SCHEMES = (
    _scheme_of(
        r"\$argon2(id|i|d)\$v=\d+\$m=(?P<m>\d{1,9}),t=(?P<t>\d{1,9}),p=(?P<p>\d{1,9})"
        rf"\${_B64}{{8,}}\${_B64}{{6,}}",
        _is_cheap_argon2,
        _argon2,
    ),
    _scheme_of(_BCRYPT, _at_most("bcrypt"), _bcrypt),
    _scheme_of(rf"bcrypt\${_BCRYPT}", _at_most("bcrypt"), _bcrypt_of_django),
    _scheme_of(rf"bcrypt_sha256\${_BCRYPT}", _at_most("bcrypt"), _bcrypt_of_digest),
    _scheme_of(rf"\$wp{_BCRYPT}", _at_most("bcrypt"), _bcrypt_of_wordpress),
    _scheme_of(
        rf"pbkdf2_sha256\$(?P<rounds>\d{{1,9}})\$[^$]+\${_B64}{{43}}=",
        _at_most("pbkdf2"),
        _of(lambda: schemes.django_pbkdf2_sha256),
    ),
    _scheme_of(
        rf"pbkdf2_sha1\$(?P<rounds>\d{{1,9}})\$[^$]+\${_B64}{{27}}=",
        _at_most("pbkdf2"),
        _of(lambda: schemes.django_pbkdf2_sha1),
    ),
    _scheme_of(
        rf"scrypt\${_WORK}\$[^$]+\${_BLOCK}\${_LANES}\${_B64}{{86}}==",
        _is_cheap_scrypt,
        _scrypt_of_django,
    ),
    _scheme_of(
        rf"scrypt:{_WORK}:{_BLOCK}:{_LANES}\$[^$]+\$[0-9a-f]{{128}}",
        _is_cheap_scrypt,
        _pbkdf2_or_scrypt_of_werkzeug,
    ),
    _scheme_of(
        r"pbkdf2:sha(1|256|512):(?P<rounds>\d{1,9})\$[^$]+\$[0-9a-f]{40,128}",
        _at_most("pbkdf2"),
        _pbkdf2_or_scrypt_of_werkzeug,
    ),
    _scheme_of(r"[0-9a-f]{32}:[0-9a-f]{128}", _any, _scrypt_of_better_auth),
    _scheme_of(
        r"\$[PH]\$(?P<rounds>[./0-9A-Za-z])[./0-9A-Za-z]{30}",
        _is_cheap_phpass,
        _phpass,
    ),
    _scheme_of(
        r"\$6\$(rounds=(?P<rounds>\d{4,9})\$)?[./0-9A-Za-z]{0,16}\$[./0-9A-Za-z]{86}",
        _is_cheap_sha,
        _of(lambda: schemes.sha512_crypt),
    ),
    _scheme_of(
        r"\$5\$(rounds=(?P<rounds>\d{4,9})\$)?[./0-9A-Za-z]{0,16}\$[./0-9A-Za-z]{43}",
        _is_cheap_sha,
        _of(lambda: schemes.sha256_crypt),
    ),
)
