"""What is a valid name, line and e-mail address, and how they are stored and compared."""

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from lms.models.columns import LONGEST_EMAIL, LONGEST_NAME
from lms.refusals import Invalid
from lms.texts import UNSTORABLE, is_storable, typed_line

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


def reachable_email(email: str) -> str:
    """Return an address that a person chooses as it is stored, or raise Invalid.

    Nobody could be helped by mail at `kim@gmail`, and Stripe refuses it. Accounts that have such
    an address keep it, and whoever adds people may know mail domains of their own.
    """
    address = checked_email(email)
    domain = address.rpartition("@")[2]
    if "." not in domain or domain.rpartition(".")[2].isdigit():
        raise Invalid(
            "email",
            f"E-mail can't reach {domain}. Enter the whole address, such as name@gmail.com.",
        )
    return address


def checked_name(name: str) -> str:
    """Return the name as it is stored, or raise Invalid."""
    name = checked_line("name", name)
    if not 1 <= len(name) <= LONGEST_NAME:
        raise Invalid("name", f"Enter a name of at most {LONGEST_NAME} characters.")
    return name


def checked_line(field: str, text: str) -> str:
    """Return a name, a title or another one-line text as it is stored, or raise Invalid."""
    try:
        return typed_line(text)
    except ValueError as error:
        raise Invalid(field, str(error)) from None
