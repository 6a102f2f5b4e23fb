"""New accounts."""

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from sqlalchemy.orm import Session

from lms import enrollment
from lms.accounts.passwords import check_password, hash_password
from lms.accounts.sign_in import add_sign_in, new_token
from lms.models import Role
from lms.refusals import Invalid
from lms.transaction import transactional

# Schools have mail domains that the world cannot reach, such as .local, .test or localhost.
SPECIAL_USE_DOMAIN_NAMES.clear()


def register(*, email: str, name: str, password: str) -> str:
    """Open a student's account and return the token of a sign-in to it."""
    user_id = create_account(email=email, name=name, password=password)
    token = new_token()
    _sign_in(user_id, token)
    return token


def create_account(
    *, email: str, name: str, password: str, role: Role = "student", by: int | None = None
) -> int:
    """Open an account of any role and return its id; by None, people open their own."""
    email = checked_email(email)
    _check_storable("name", name)
    check_password(password, email=email)
    return enrollment.add_user(
        email=email, name=name, password_hash=hash_password(password), role=role, by=by
    )


def checked_email(email: str) -> str:
    """Return the address as it is stored, or raise Invalid."""
    _check_storable("email", email)
    try:
        address = validate_email(
            email.strip(),
            check_deliverability=False,
            globally_deliverable=False,
        ).normalized.lower()
    except EmailNotValidError:
        raise Invalid("email", "Give an e-mail address, such as name@example.org.") from None
    if len(address) > 254:
        raise Invalid("email", "Give an e-mail address of at most 254 characters.")
    return address


@transactional
def _sign_in(session: Session, user_id: int, token: str) -> None:
    add_sign_in(session, user_id, token)


def _check_storable(field: str, text: str) -> None:
    # PostgreSQL refuses NUL in text, and no encoding holds half a surrogate pair.
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise Invalid(field, "Leave out the characters that cannot be stored.")
