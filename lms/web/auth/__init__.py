"""Signing in and out, registering, and a person's own profile."""

from lms.web.auth import passwords, profile, registration, signing_in
from lms.web.auth.blueprint import bp

__all__ = ["bp", "passwords", "profile", "registration", "signing_in"]
