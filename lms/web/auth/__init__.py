"""Signing in and out, registering, and a person's own profile."""

from lms.web.auth import (
    addresses,
    invitations,
    own_data,
    passwords,
    profile,
    proof,
    registration,
    second_factors,
    second_step,
    setup,
    signing_in,
)
from lms.web.auth.blueprint import bp

__all__ = [
    "addresses",
    "bp",
    "invitations",
    "own_data",
    "passwords",
    "profile",
    "proof",
    "registration",
    "second_factors",
    "second_step",
    "setup",
    "signing_in",
]
