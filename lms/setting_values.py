"""What the value of a setting may be: each returns it as the portal uses it.

A ValueError says what it must be.
"""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from limits import parse_many

from lms import database_address, times
from lms.currencies import CURRENCIES
from lms.database_address import POSTGRESQL_PORT

_HOST = r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?"


def is_clean(path: str) -> bool:
    """Return whether a path can stand before all addresses without leading to another host."""
    return re.fullmatch(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*", path) is not None


def database_url(value: object) -> str:
    """Return the address of a database, spelled as SQLAlchemy reads it."""
    return database_address.written_out(database_address.checked(plain(value)))


def server_url(value: object) -> str:
    """Return the address of a PostgreSQL server."""
    url = database_address.checked(plain(value))
    if url.drivername == "sqlite":
        raise ValueError("must start with postgresql://")
    return database_address.written_out(url)


def keys(value: object) -> str:
    """Return one secret key, or two: the new one and the one before it."""
    keys = [key.strip() for key in plain(value).split(",")]
    if not all(keys) or len(keys) > 2:
        raise ValueError(
            "must be one key, or two separated by a comma: the new one, then the old one"
        )
    return ",".join(keys)


def environment(value: object) -> str:
    """Return `development` or `production`."""
    if value not in {"development", "production"}:
        raise ValueError("must be development or production")
    return str(value)


def whole(least: int, most: int, of: str = "") -> Callable[[object], int]:
    """Return what parses a whole number within bounds."""

    def parse(value: object) -> int:
        text = str(value).strip()
        is_number = text.isascii() and text.isdigit() and len(text) < 9
        if not (is_number and least <= int(text) <= most):
            raise ValueError(f"must be a whole number {of}from {least} to {most}")
        return int(text)

    return parse


def offer_days(value: object) -> int:
    """Return how many days an offer holds; a ValueError says what it must be."""
    return whole(1, 365, "of days ")(value)


def seconds(least: int) -> Callable[[object], int]:
    """Return what parses a whole number of seconds, up to a day."""
    return whole(least, 86_400, "of seconds ")


def limit(value: object) -> str:
    """Return how many failures are allowed in which time."""
    text = str(value).strip()
    try:
        [limit] = parse_many(text)
    except ValueError:
        raise ValueError("must be one limit, such as 10 per minute") from None
    if not (1 <= limit.amount <= _MOST_SIGN_INS and 1 <= limit.get_expiry() <= _LONGEST_MEMORY):
        raise ValueError("must allow at least 1 failure, in a period of at most a year")
    return text


_MOST_SIGN_INS = 1_000_000_000
_LONGEST_MEMORY = 366 * 86_400


def registration(value: object) -> str:
    """Return `open`, `closed`, or the domains as addresses are stored with them."""
    text = str(value).strip()
    if text in {"open", "closed"}:
        return text
    try:
        return ",".join(_mail_domain(domain.strip()) for domain in text.split(","))
    except EmailNotValidError:
        raise ValueError(
            "must be open, closed, or domains such as example.org,school.example"
        ) from None


def time_zone(value: object) -> str:
    """Return the name of a time zone as the portal knows it; a ValueError says what it must be."""
    if (name := times.zone_name(str(value))) is None:
        raise ValueError("must be a time zone such as Europe/Berlin")
    return name


def currency(value: object) -> str:
    """Return a currency that courses can have a price in, as it is stored."""
    if (code := str(value).strip().lower()) not in CURRENCIES:
        raise ValueError("must be a currency such as EUR")
    return code


def email(value: object) -> str:
    """Return an e-mail address as it is stored."""
    try:
        return validate_email(
            plain(value), check_deliverability=False, globally_deliverable=False
        ).normalized
    except EmailNotValidError:
        raise ValueError("must be an e-mail address such as office@school.example") from None


def _mail_domain(domain: str) -> str:
    if "." not in domain:  # rather a slip, such as Closed, than a school's domain
        raise EmailNotValidError
    checked = validate_email(
        f"name@{domain}", check_deliverability=False, globally_deliverable=False
    )
    return checked.domain.lower()


def hosts(value: object) -> str:
    """Return `host:port` of each database server, in small letters."""
    found = [_host(each.strip()) for each in plain(value).split(",")]
    if not all(found):
        raise ValueError("must be hosts such as old.example.org,10.0.0.7:5433")
    return ",".join(found)


def _host(given: str) -> str:
    if not re.fullmatch(_HOST, given):
        return ""
    parts = urlsplit(f"//{given}")
    try:
        return f"{parts.hostname}:{parts.port or POSTGRESQL_PORT}"
    except ValueError:  # a port that can be none
        return ""


def bucket(value: object) -> str:
    """Return `s3://bucket` or `s3://bucket/prefix`."""
    text = plain(value).rstrip("/")
    name, segment = r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "[A-Za-z0-9][A-Za-z0-9._-]*"
    if not re.fullmatch(rf"s3://{name}(/{segment})*", text):
        raise ValueError("must be a bucket such as s3://school-files or s3://school-files/portal")
    return text


def endpoint(value: object) -> str:
    """Return the address of S3-compatible storage, of which the log tells: it has no password.

    Its client panics on some hosts that are none, instead of raising an error.
    """
    address = http_url(value)
    parts = urlsplit(address)
    is_plain = is_clean(parts.path) and not (parts.query or parts.fragment)
    is_http = address.startswith(("http://", "https://"))  # in small letters, as the client wants
    if not (is_http and is_plain and re.fullmatch(_HOST, parts.netloc)):
        raise ValueError("must look like https://minio.school.example:9000, without user, ? or #")
    return address


def region(value: object) -> str:
    """Return the name of a region of S3."""
    if not re.fullmatch("[a-z0-9-]+", text := plain(value)):
        raise ValueError("must be the name of a region, such as eu-central-1")
    return text


def second_factor(value: object) -> str:
    """Return who has to have a second factor."""
    if value not in {"optional", "admins", "all"}:
        raise ValueError("must be optional, admins or all")
    return str(value)


def tax(value: object) -> str:
    """Return how Stripe's tax goes into prices."""
    if value not in {"off", "added", "included"}:
        raise ValueError("must be off, added or included")
    return str(value)


def switch(value: object) -> bool:
    """Return whether something is on."""
    if str(value) not in {"0", "1", "True", "False"}:
        raise ValueError("must be 0 or 1")
    return str(value) in {"1", "True"}


def http_url(value: object) -> str:
    """Return the address of a site, without a slash at its end."""
    if not _names_a_host(value, "http", "https"):
        raise ValueError("must be an http:// or https:// address")
    return str(value).rstrip("/")


def public_url(value: object) -> str:
    """Return where the portal is reached, with the path it lies under."""
    address = http_url(value)
    parts = urlsplit(address)
    if parts.query or parts.fragment or not is_clean(parts.path):
        raise ValueError("must end with a host or a plain path, such as https://school.org/portal")
    return address


def mail_url(value: object) -> str:
    """Return the address of a mail server."""
    if not _names_a_host(value, "smtp", "smtps", "smtp+plain"):
        raise ValueError("must look like smtp://user:password@host:587 or smtps://...")
    return str(value)


def _names_a_host(value: object, *schemes: str) -> bool:
    try:
        parts = urlsplit(plain(value))
        has_port = parts.port != 0  # reading it raises ValueError where it is none
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.hostname) and has_port and " " not in parts.netloc


def plain(value: object) -> str:
    """Return a text that can be seen whole."""
    text = str(value)
    if text != text.strip() or not text.isprintable():
        raise ValueError("contains leading or trailing spaces, or unprintable characters")
    return text
