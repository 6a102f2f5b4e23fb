"""What counts as an e-mail address, and how it is stored and compared."""

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from lms.refusals import Invalid

LONGEST = 254

# Schools have mail domains that the world cannot reach, such as .local, .test or localhost.
SPECIAL_USE_DOMAIN_NAMES.clear()


def checked_email(email: str) -> str:
    """Return the address as it is stored, or raise Invalid."""
    if not is_storable(email):
        raise Invalid("email", "Leave out the characters that cannot be stored.")
    try:
        address = validate_email(
            email.strip(),
            check_deliverability=False,
            globally_deliverable=False,
        ).normalized.lower()
    except EmailNotValidError:
        raise Invalid("email", "Give an e-mail address, such as name@example.org.") from None
    if len(address) > LONGEST:
        raise Invalid("email", f"Give an e-mail address of at most {LONGEST} characters.")
    return address


def is_storable(text: str) -> bool:
    """Return whether both databases take it: no NUL, and no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
