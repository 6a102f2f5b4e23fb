"""argon2id hashes, those of old schools until their owners sign in, and what a password must be."""

import re
import string
import unicodedata
from functools import cache
from itertools import pairwise

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError

from lms import hashes, school
from lms.db import db
from lms.refusals import Invalid
from lms.texts import without_accents

SHORTEST, LONGEST = 8, 128
_WAY_OUT = "Choose another, such as four unrelated words."
_SHORTEST_WORD = 3
_LEAST_BESIDE = 5
"""How many characters a password needs beside what is known of the person."""
_PUNCTUATION = string.punctuation + string.whitespace
_IGNORED = str.maketrans("", "", _PUNCTUATION)

_hasher = PasswordHasher()
_dummy_hash = ""


def use_cheap_hashes() -> None:
    """Make hashing fast for tests; hashes of either kind are verified under both."""
    global _hasher, _dummy_hash  # noqa: PLW0603 - one hasher per process, set at start-up
    _hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    _dummy_hash = ""


def hash_password(password: str) -> str:
    """Return the argon2id hash to store."""
    return _hasher.hash(_encoded(normalize_password(password)))


def normalize_password(password: str) -> str:
    """Return the one form of a password: keyboards send the same letter in different ones."""
    return unicodedata.normalize("NFKC", password)


def matches(stored_hash: str | None, password: str) -> bool:
    """Return whether this is the password; just as slow where there is no hash to compare with."""
    return _form_of(stored_hash, password) is not None


def verified_hash(stored_hash: str | None, password: str) -> str | None:
    """Return the hash to keep if this is the password: a new one where the stored one is dated."""
    form = _form_of(stored_hash, password)
    if form is None or stored_hash is None:
        return None
    if form != normalize_password(password) or _is_dated(stored_hash):
        return hash_password(password)
    return stored_hash


def check_password(password: str, *, email: str, name: str) -> None:
    """Raise Invalid for a password that is short, endless or among the first to be guessed."""
    password = normalize_password(password)
    if len(password) < SHORTEST:
        raise Invalid("password", f"Use at least {SHORTEST} characters.")
    if len(password) > LONGEST:
        raise Invalid("password", f"Use at most {LONGEST} characters.")
    bare = without_accents(password)
    plain = _plain(password)
    if len(set(bare)) < 3 or _is_common(bare, bare.strip(_PUNCTUATION), plain):
        raise Invalid("password", f"This password is too common. {_WAY_OUT}")
    beside = _without_words(plain, name, email, school.of(db.session()).name)
    is_short = len(beside) < _LEAST_BESIDE or (len(beside) < SHORTEST and _is_common(beside))
    if beside != plain and is_short:
        raise Invalid(
            "password",
            "This password is too easy to guess from the name, the e-mail address or the school."
            f" {_WAY_OUT}",
        )


def _form_of(stored_hash: str | None, password: str) -> str | None:
    """Return the form of the password that the hash was made of.

    Hashes that are older than this rule, or come from elsewhere, are of what was typed. Each form
    is tried even without an account, or time would tell which addresses have one.
    """
    for form in dict.fromkeys((normalize_password(password), password)):
        if hashes.verify(stored_hash or _dummy(), _encoded(form)) and stored_hash:
            return form
    return None


def _is_dated(stored_hash: str) -> bool:
    try:
        return _hasher.check_needs_rehash(stored_hash)
    except InvalidHashError:  # another scheme's
        return True


def _encoded(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")


def _dummy() -> str:
    global _dummy_hash  # noqa: PLW0603 - made once per process, on first use
    if not _dummy_hash:
        _dummy_hash = hash_password("nobody has this password")
    return _dummy_hash


def _plain(text: str) -> str:
    """Return what is left of a text for those who guess: case and punctuation come at no cost."""
    return without_accents(normalize_password(text)).translate(_IGNORED)


def _without_words(plain: str, *texts: str) -> str:
    words = {_plain(text) for text in texts}
    words |= {_plain(part) for text in texts for part in re.split(r"[\W_]+", text)}
    known = sorted((word for word in words if len(word) >= _SHORTEST_WORD), key=len, reverse=True)
    return re.sub("|".join(map(re.escape, known)), "", plain) if known else plain


def _is_common(*forms: str) -> bool:
    return not _common_passwords().isdisjoint(forms) or any(map(_is_sequence, forms))


def _is_sequence(text: str) -> bool:
    """Return whether each character is as far from the one before, as in 76543210."""
    return len({ord(following) - ord(letter) for letter, following in pairwise(text)}) == 1


@cache
def _common_passwords() -> frozenset[str]:
    # The 30,000 most common of zxcvbn (PyPI, MIT), ranked by how often they were in leaks: a
    # third of them has 8 characters. Loaded when first needed: it takes 0.2 s and 14 MB.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415

    return frozenset(FREQUENCY_LISTS["passwords"])
