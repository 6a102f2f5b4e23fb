"""Accounts that a command adds."""

from lms import enrollment
from lms.accounts.passwords import check_password, hash_password
from lms.identity import checked_email
from lms.models import Role


def create_account(*, email: str, name: str, password: str, role: Role = "student") -> int:
    """Open an account of any role with a password and return its id."""
    email = checked_email(email)
    check_password(password, email=email, name=name)
    return enrollment.add_user(
        email=email, name=name, password_hash=hash_password(password), role=role
    )
