"""argon2id hashes, and what a password must be."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from lms.refusals import Invalid

SHORTEST, LONGEST = 8, 128

_hasher = PasswordHasher()
_dummy_hash = ""


def use_cheap_hashes() -> None:
    """Make hashing fast for tests; hashes of either kind are verified under both."""
    global _hasher, _dummy_hash  # noqa: PLW0603 - one hasher per process, set at start-up
    _hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    _dummy_hash = ""


def hash_password(password: str) -> str:
    """Return the argon2id hash to store."""
    return _hasher.hash(password.encode("utf-8", "surrogatepass"))


def matches(stored_hash: str | None, password: str) -> bool:
    """Return whether this is the password; just as slow where there is no hash to compare with."""
    known = bool(stored_hash)
    try:
        _hasher.verify(stored_hash or _dummy(), password.encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False
    return known


def needs_rehash(stored_hash: str) -> bool:
    """Return whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored_hash)


def check_password(password: str, *, email: str) -> None:
    """Raise Invalid for a password that is short, endless or the first one to be guessed."""
    if len(password) < SHORTEST:
        raise Invalid("password", f"Use at least {SHORTEST} characters.")
    if len(password) > LONGEST:
        raise Invalid("password", f"Use at most {LONGEST} characters.")
    plain = password.strip().lower()
    if plain in {email.lower(), email.lower().partition("@")[0]}:
        raise Invalid("password", "Choose a password that isn't your e-mail address.")
    if plain in _MOST_COMMON or len(set(plain)) < 3:
        raise Invalid("password", "This password is too common. Choose a different one.")


def _dummy() -> str:
    global _dummy_hash  # noqa: PLW0603 - made once per process, on first use
    if not _dummy_hash:
        _dummy_hash = hash_password("nobody has this password")
    return _dummy_hash


# The first ones that are tried, where the other rules would let them through.
_MOST_COMMON = frozenset(
    (
        "01234567",
        "12345678",
        "123456789",
        "1234567890",
        "87654321",
        "abcdefgh",
        "changeme",
        "iloveyou",
        "password",
        "qwertyui",
        "qwertyuiop",
        "qwertzuiop",
    )
)
