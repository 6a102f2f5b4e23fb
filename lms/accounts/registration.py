"""Accounts that an admin, or a command, adds."""

from lms import enrollment
from lms.accounts.passwords import check_password, hash_password
from lms.identity import checked_email
from lms.models import Role


def create_account(
    *, email: str, name: str, password: str, role: Role = "student", by: int | None = None
) -> int:
    """Open an account of any role and return its id; by None, people open their own."""
    email = checked_email(email)
    check_password(password, email=email, name=name)
    return enrollment.add_user(
        email=email, name=name, password_hash=hash_password(password), role=role, by=by
    )
