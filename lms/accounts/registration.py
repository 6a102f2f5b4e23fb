"""New accounts."""

from sqlalchemy.orm import Session

from lms import enrollment
from lms.accounts.passwords import check_password, hash_password
from lms.accounts.sign_in import add_sign_in, new_token
from lms.identity import checked_email
from lms.models import Role
from lms.refusals import EmailTaken, Invalid
from lms.transaction import transactional


def register(*, email: str, name: str, password: str, device: str = "") -> str:
    """Open a student's account and return the token of a sign-in to it."""
    try:
        user_id = create_account(email=email, name=name, password=password)
    except EmailTaken as taken:
        raise Invalid(taken.field, f"{taken.detail} Sign in instead.") from None
    token = new_token()
    _sign_in(user_id, token, device)
    return token


def create_account(
    *, email: str, name: str, password: str, role: Role = "student", by: int | None = None
) -> int:
    """Open an account of any role and return its id; by None, people open their own."""
    email = checked_email(email)
    check_password(password, email=email)
    return enrollment.add_user(
        email=email, name=name, password_hash=hash_password(password), role=role, by=by
    )


@transactional
def _sign_in(session: Session, user_id: int, token: str, device: str) -> None:
    add_sign_in(session, user_id, token, device=device)
