"""Encrypts the secrets of apps: unlike a password, they have to be read again.

Whoever gets the database, or a copy of it, makes no codes without the portal's key.
"""

import base64
from collections.abc import Iterable

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def seal(secret: str, keys: Iterable[str]) -> str:
    """Return a secret encrypted by the last of the keys, which is the one that signs, too."""
    return _box(keys).encrypt(secret.encode()).decode()


def unsealed(sealed: str, keys: Iterable[str]) -> str | None:
    """Return the secret; None where none of the keys fits any more."""
    try:
        return _box(keys).decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None


def _box(keys: Iterable[str]) -> MultiFernet:
    return MultiFernet([Fernet(_derived(key)) for key in reversed(list(keys))])


def _derived(key: str) -> bytes:
    """Return a key for this purpose alone: what it encrypts says nothing about the other uses."""
    derivation = HKDF(SHA256(), length=32, salt=None, info=b"secrets of second factors")
    return base64.urlsafe_b64encode(derivation.derive(key.encode()))
