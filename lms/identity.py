"""What is a valid name and e-mail address, and how they are stored and compared."""

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from lms.models.columns import LONGEST_EMAIL, LONGEST_NAME
from lms.refusals import Invalid
from lms.texts import UNSTORABLE, is_storable

# Schools have mail domains that the world cannot reach, such as .local, .test or localhost.
SPECIAL_USE_DOMAIN_NAMES.clear()


def checked_email(email: str) -> str:
    """Return the address as it is stored, or raise Invalid."""
    if not is_storable(email):
        raise Invalid("email", UNSTORABLE)
    try:
        address = validate_email(
            email.strip(),
            check_deliverability=False,
            globally_deliverable=False,
        ).normalized.lower()
    except EmailNotValidError:
        raise Invalid("email", "Enter an e-mail address, such as name@example.org.") from None
    if len(address) > LONGEST_EMAIL:
        raise Invalid("email", f"Enter an e-mail address of at most {LONGEST_EMAIL} characters.")
    return address


def checked_name(name: str) -> str:
    """Return the name as it is stored, or raise Invalid."""
    name = " ".join(name.split())
    if not is_storable(name):
        raise Invalid("name", UNSTORABLE)
    if not 1 <= len(name) <= LONGEST_NAME:
        raise Invalid("name", f"Enter a name of at most {LONGEST_NAME} characters.")
    return name
