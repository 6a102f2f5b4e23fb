"""A passkey in software: it makes and answers what a browser would, with a real key."""

import hashlib
import json
import secrets
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import bytes_to_base64url, encode_cbor

PRESENT, VERIFIED, ATTESTED = 1, 4, 64


class Passkey:
    """One credential; `count` is what it says next of how often it was used."""

    def __init__(self, *, rp_id: str, origin: str, counts: bool = True) -> None:
        self.id = secrets.token_bytes(16)
        self.count = 1 if counts else 0
        self._counts = counts
        self._rp_id = rp_id
        self._origin = origin
        self.key = generate_private_key(SECP256R1())

    def create(self, challenge: bytes) -> str:
        """Answer `navigator.credentials.create`."""
        public = self.key.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (public.x, public.y))
        cose = encode_cbor({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        named = len(self.id).to_bytes(2, "big") + self.id
        data = self._data(PRESENT | VERIFIED | ATTESTED, bytes(16) + named + cose)
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", challenge)
        return self._answer(clientDataJSON=client, attestationObject=attestation)

    def get(self, challenge: bytes, *, verified: bool = True) -> str:
        """Answer `navigator.credentials.get`."""
        data = self._data(PRESENT | VERIFIED if verified else PRESENT)
        client = self._client("webauthn.get", challenge)
        signed = data + hashlib.sha256(client).digest()
        signature = self.key.sign(signed, ECDSA(SHA256()))
        return self._answer(clientDataJSON=client, authenticatorData=data, signature=signature)

    def _data(self, flags: int, rest: bytes = b"") -> bytes:
        count, self.count = self.count, self.count + self._counts
        host = hashlib.sha256(self._rp_id.encode()).digest()
        return host + bytes([flags]) + count.to_bytes(4, "big") + rest

    def _client(self, kind: str, challenge: bytes) -> bytes:
        said = {"type": kind, "challenge": bytes_to_base64url(challenge), "origin": self._origin}
        return json.dumps(said).encode()

    def _answer(self, **response: bytes) -> str:
        named = bytes_to_base64url(self.id)
        sent: dict[str, Any] = {
            "id": named,
            "rawId": named,
            "type": "public-key",
            "response": {name: bytes_to_base64url(value) for name, value in response.items()},
        }
        return json.dumps(sent)
