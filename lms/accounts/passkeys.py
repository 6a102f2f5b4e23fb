"""Passkeys: what a browser is asked for, and whether its answer is right (WebAuthn, level 3)."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json_dict
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from lms.refusals import PasskeyRefused

CHALLENGE_SECONDS = 300
"""How long a browser has to answer."""


@dataclass(frozen=True)
class Party:
    """The portal, as passkeys know it: they work at this host alone."""

    id: str
    origin: str
    name: str


@dataclass(frozen=True)
class Answered:
    """What a browser answered to a challenge."""

    credential: str
    """As JSON."""
    challenge: bytes
    party: Party

    @property
    def challenge_hash(self) -> str:
        """Return what names the challenge once it is spent."""
        return hashlib.sha256(self.challenge).hexdigest()

    @property
    def credential_id(self) -> str:
        """Return which passkey answered, by its own word; blank where it says none."""
        try:
            held = json.loads(self.credential)
        except (ValueError, RecursionError):
            return ""
        said = held.get("id") if isinstance(held, dict) else None
        is_one = isinstance(said, str) and said.isascii() and said.isprintable()
        return str(said) if is_one else ""


@dataclass(frozen=True)
class NewPasskey:
    """A passkey as it is kept."""

    credential_id: str
    public_key: str
    sign_count: int


def creation_options(
    party: Party, challenge: bytes, *, user_id: int, email: str, name: str, known: Sequence[str]
) -> dict[str, Any]:
    """Return what `navigator.credentials.create` is asked for.

    A key that remembers the account, and knows its owner by finger, face or PIN, is preferred: it
    signs in by itself. Any other serves beside the password.
    """
    return options_to_json_dict(
        webauthn.generate_registration_options(
            rp_id=party.id,
            rp_name=party.name,
            user_id=hashlib.sha256(f"{party.id}:{user_id}".encode()).digest(),
            user_name=email,
            user_display_name=name,
            challenge=challenge,
            timeout=CHALLENGE_SECONDS * 1000,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED,
                user_verification=UserVerificationRequirement.PREFERRED,
            ),
            exclude_credentials=_descriptors(known),
        )
    )


def request_options(
    party: Party, challenge: bytes, *, known: Sequence[str], alone: bool = False
) -> dict[str, Any]:
    """Return what `navigator.credentials.get` is asked for.

    Beside a password, any of the person's keys; alone, one that knows its owner.
    """
    verification = UserVerificationRequirement
    return options_to_json_dict(
        webauthn.generate_authentication_options(
            rp_id=party.id,
            challenge=challenge,
            timeout=CHALLENGE_SECONDS * 1000,
            allow_credentials=_descriptors(known),
            user_verification=verification.REQUIRED if alone else verification.DISCOURAGED,
        )
    )


def created(answered: Answered) -> NewPasskey:
    """Return the passkey that a browser has made; raises PasskeyRefused."""
    try:
        verified = webauthn.verify_registration_response(
            credential=answered.credential,
            expected_challenge=answered.challenge,
            expected_rp_id=answered.party.id,
            expected_origin=answered.party.origin,
        )
    except Exception as error:
        raise PasskeyRefused from error
    return NewPasskey(
        credential_id=bytes_to_base64url(verified.credential_id),
        public_key=bytes_to_base64url(verified.credential_public_key),
        sign_count=verified.sign_count,
    )


def verified_count(answered: Answered, public_key: str, *, alone: bool) -> int:
    """Return how often the passkey says that it was used; raises PasskeyRefused.

    The library would compare the count before it looks at the signature. Here that is left to the
    UPDATE that keeps it: two answers at once are then compared, too.
    """
    try:
        verified = webauthn.verify_authentication_response(
            credential=answered.credential,
            expected_challenge=answered.challenge,
            expected_rp_id=answered.party.id,
            expected_origin=answered.party.origin,
            credential_public_key=base64url_to_bytes(public_key),
            credential_current_sign_count=0,
            require_user_verification=alone,
        )
    except Exception as error:
        raise PasskeyRefused from error
    return verified.new_sign_count


def _descriptors(known: Sequence[str]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(each)) for each in known]
