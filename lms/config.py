"""Settings: defaults < instance/config.py < environment; bad or missing ones stop start-up."""

import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from flask import Config, current_app
from flask.helpers import get_debug_flag
from limits import parse_many
from sqlalchemy.engine import URL

from lms import database_address, times
from lms.database_address import POSTGRESQL_PORT

MINIMUM_SECRET_LENGTH = 32
AUTO_FIX_SECONDS = 300


class ConfigError(ValueError):
    """A setting is unknown, malformed or missing; the message names its key."""


@dataclass(frozen=True)
class Setting:
    """How a key's value is parsed (a ValueError says what it must be), and its default."""

    parse: Callable[[object], object]
    default: object = None


def read(instance_path: str, overrides: Mapping[str, object] | None = None) -> dict[str, object]:
    """Return every setting as it was given, parsed, or its default.

    `overrides` win over all else; tests use them in place of the environment.
    """
    given = _instance_settings(instance_path)
    _refuse_unknown(given)
    given.update({key: os.environ[key] for key in SETTINGS if os.environ.get(key)})
    given.update(overrides or {})
    given = {key: value for key, value in given.items() if value not in (None, "")}
    if "LMS_FILES_BUCKET" not in given:  # what other programs of the machine go by is no matter
        given = {key: value for key, value in given.items() if key not in _OF_BUCKET}

    settings: dict[str, object] = {key: setting.default for key, setting in SETTINGS.items()}
    for key, value in given.items():
        setting = SETTINGS.get(key)
        try:
            settings[key] = setting.parse(value) if setting else value
        except ValueError as error:
            raise ConfigError(f"{key} {error}") from error
    return settings


def load(instance_path: str, overrides: Mapping[str, object] | None = None) -> dict[str, object]:
    """Return the settings of `read` plus generated ones, and refuse contradictory ones."""
    settings = read(instance_path, overrides)
    production = settings["LMS_ENV"] == "production"
    current, *former = _secret_keys(settings["SECRET_KEY"], instance_path, production)
    settings["SECRET_KEY"], settings["SECRET_KEY_FALLBACKS"] = current, former
    if settings["DATABASE_URL"] is None:
        settings["DATABASE_URL"] = _sqlite_url(Path(instance_path) / "lms.db")
    settings["LMS_FILES"] = str(Path(instance_path, str(settings["LMS_FILES"])))
    if settings["DEMO"] is None:
        settings["DEMO"] = not production
    if settings["LMS_FILES_BUCKET"]:
        _refuse_half_keys(settings)
    for key in ("DATABASE_DIRECT_URL", "DATABASE_READ_URL"):
        if settings[key] and str(settings["DATABASE_URL"]).startswith("sqlite"):
            raise ConfigError(f"{key} works only with a PostgreSQL DATABASE_URL")
    if production:
        _refuse_in_production(settings)
    return settings


def setting(key: str) -> Any:
    """Return a setting of the portal that is at work: for verbs whose callers can't all know it."""
    return current_app.config[key]


def instance_folder() -> Path:
    """Return the folder of the portal that is at work: what is there is this machine's alone."""
    return Path(current_app.instance_path)


def is_clean(path: str) -> bool:
    """Return whether a path can stand before all addresses without leading to another host."""
    return re.fullmatch(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*", path) is not None


def signing_keys(settings: Mapping[str, Any]) -> list[str]:
    """Return all keys that verify; the last one signs, as itsdangerous has it."""
    return [*settings["SECRET_KEY_FALLBACKS"], settings["SECRET_KEY"]]


def local_url(settings: Mapping[str, Any]) -> str:
    """Return what to type into a browser on this machine."""
    host: str = settings["HOST"]
    return f"http://{f'[{host}]' if ':' in host else host}:{settings['PORT']}"


def portal_url(settings: Mapping[str, Any]) -> str:
    """Return where people reach the portal."""
    return str(settings["PUBLIC_URL"] or local_url(settings))


def invites(settings: Mapping[str, Any]) -> bool:
    """Return whether people of an old school are e-mailed a link to choose a password."""
    return bool(settings["PUBLIC_URL"]) and sends_mail(settings)


def sends_mail(settings: Mapping[str, Any]) -> bool:
    """Return whether links can be sent by e-mail; a development machine prints them."""
    return settings["LMS_ENV"] != "production" or bool(
        settings["PUBLIC_URL"] and settings["MAIL_URL"]
    )


def _refuse_in_production(settings: Mapping[str, object]) -> None:
    if settings["DEMO"]:
        raise ConfigError("DEMO=1 can't be used in production: the demo's passwords are public")
    if settings["LMS_CHEAP_HASHES"]:
        raise ConfigError("LMS_CHEAP_HASHES is for tests only and can't be used in production")
    if settings["STRIPE_SECRET_KEY"] and not settings["STRIPE_WEBHOOK_SECRET"]:
        raise ConfigError("STRIPE_WEBHOOK_SECRET must be set when STRIPE_SECRET_KEY is set")
    if _is_in_clear(settings["STRIPE_API_BASE"]):
        raise ConfigError("STRIPE_API_BASE must start with https:// in production")
    for key, is_on in (("FLASK_DEBUG", get_debug_flag()), ("DEBUG", settings.get("DEBUG"))):
        if is_on:
            raise ConfigError(f"{key} can't be on in production: its error pages show everything")


def _refuse_half_keys(settings: Mapping[str, object]) -> None:
    key, secret = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
    if bool(settings[key]) != bool(settings[secret]):
        missing = secret if settings[key] else key
        raise ConfigError(f"{missing} must be set, too, or neither of the two")


def _is_in_clear(address: object) -> bool:
    """Return whether what is sent to an address crosses a network unencrypted."""
    parts = urlsplit(str(address or ""))
    if parts.scheme != "http" or parts.hostname == "localhost":
        return False
    try:
        return not ip_address(str(parts.hostname)).is_loopback
    except ValueError:
        return True


def _instance_settings(instance_path: str) -> dict[str, object]:
    settings = Config(instance_path)
    try:
        settings.from_pyfile("config.py", silent=True)
    except Exception as error:
        words = " ".join(f"{type(error).__name__}: {error}".split())
        raise ConfigError(f"instance/config.py can't be read: {words}") from error
    return dict(settings)


def _refuse_unknown(given: Mapping[str, object]) -> None:
    unknown = {key for key in given if key.startswith(("LMS_", "STRIPE_"))} - SETTINGS.keys()
    if unknown:
        raise ConfigError(f"{min(unknown)} in instance/config.py is not a known setting")


def _secret_keys(given: object, instance_path: str, production: bool) -> list[str]:
    """Return the key that signs and, while it is rotated, the one before it."""
    if given is None:
        if production:
            raise ConfigError("SECRET_KEY must be set in production")
        return [_development_secret(Path(instance_path))]
    keys = str(given).split(",")
    if production:
        for key in keys:
            _refuse_weak(key)
    return keys


def _refuse_weak(key: str) -> None:
    if len(key) < MINIMUM_SECRET_LENGTH:
        raise ConfigError(f"SECRET_KEY must have at least {MINIMUM_SECRET_LENGTH} characters")
    if len(set(pairwise(key))) < _LEAST_PAIRS:
        raise ConfigError(
            "SECRET_KEY repeats the same few characters: make one with"
            ' python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
        )


_LEAST_PAIRS = 16
"""Different pairs of neighbours: a random key of 32 hexadecimal digits has about 29 of them."""


def _development_secret(folder: Path) -> str:
    """Generate the secret once; of several workers starting at once, one writes and all read."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "secret_key"
    draft = folder / f".secret_key.{os.getpid()}.{secrets.token_hex(4)}"
    if not path.exists():
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        try:
            # A hard link appears whole or not at all, and fails where another worker was first.
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


def _sqlite_url(path: Path) -> str:
    return database_address.written_out(URL.create("sqlite", database=str(path)))


def _database_url(value: object) -> str:
    return database_address.written_out(database_address.checked(_text(value)))


def _server_url(value: object) -> str:
    url = database_address.checked(_text(value))
    if url.drivername == "sqlite":
        raise ValueError("must start with postgresql://")
    return database_address.written_out(url)


def _keys(value: object) -> str:
    keys = [key.strip() for key in _text(value).split(",")]
    if not all(keys) or len(keys) > 2:
        raise ValueError(
            "must be one key, or two separated by a comma: the new one, then the old one"
        )
    return ",".join(keys)


def _environment(value: object) -> str:
    if value not in {"development", "production"}:
        raise ValueError("must be development or production")
    return str(value)


def _whole(least: int, most: int, of: str = "") -> Callable[[object], int]:
    def parse(value: object) -> int:
        text = str(value).strip()
        is_number = text.isascii() and text.isdigit() and len(text) < 9
        if not (is_number and least <= int(text) <= most):
            raise ValueError(f"must be a whole number {of}from {least} to {most}")
        return int(text)

    return parse


def offer_days(value: object) -> int:
    """Return how many days an offer holds; a ValueError says what it must be."""
    return _whole(1, 365, "of days ")(value)


def _seconds(least: int) -> Callable[[object], int]:
    return _whole(least, 86_400, "of seconds ")


def _limit(value: object) -> str:
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


def _email(value: object) -> str:
    try:
        return validate_email(
            _text(value), check_deliverability=False, globally_deliverable=False
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


def _hosts(value: object) -> str:
    """Return `host:port` of each database server, in small letters."""
    found = [_host(each.strip()) for each in _text(value).split(",")]
    if not all(found):
        raise ValueError("must be hosts such as old.example.org,10.0.0.7:5433")
    return ",".join(found)


def _host(given: str) -> str:
    if not re.fullmatch(r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?", given):
        return ""
    parts = urlsplit(f"//{given}")
    try:
        return f"{parts.hostname}:{parts.port or POSTGRESQL_PORT}"
    except ValueError:  # a port that can be none
        return ""


def _bucket(value: object) -> str:
    """Return `s3://bucket` or `s3://bucket/prefix`."""
    text = _text(value).rstrip("/")
    name, segment = r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "[A-Za-z0-9][A-Za-z0-9._-]*"
    if not re.fullmatch(rf"s3://{name}(/{segment})*", text):
        raise ValueError("must be a bucket such as s3://school-files or s3://school-files/portal")
    return text


def _endpoint(value: object) -> str:
    """Return the address of S3-compatible storage, of which the log tells: it has no password."""
    if not _names_a_host(value, "http", "https"):
        raise ValueError("must be an http:// or https:// address")
    parts = urlsplit(address := _text(value).rstrip("/"))
    if "@" in parts.netloc or parts.query or parts.fragment or not is_clean(parts.path):
        raise ValueError("must end with a host or a plain path, and have no user, ? or #")
    # The client panics on some hosts that are none, instead of raising an error.
    host = r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+)(:[0-9]+)?"
    if not re.fullmatch(rf"https?://{host}(/.*)?", address):
        raise ValueError("must look like https://minio.school.example:9000")
    return address


def _region(value: object) -> str:
    if not re.fullmatch("[a-z0-9-]+", text := _text(value)):
        raise ValueError("must be the name of a region, such as eu-central-1")
    return text


def _second_factor(value: object) -> str:
    if value not in {"optional", "admins", "all"}:
        raise ValueError("must be optional, admins or all")
    return str(value)


def _tax(value: object) -> str:
    if value not in {"off", "added", "included"}:
        raise ValueError("must be off, added or included")
    return str(value)


def _switch(value: object) -> bool:
    if str(value) not in {"0", "1", "True", "False"}:
        raise ValueError("must be 0 or 1")
    return str(value) in {"1", "True"}


def _http_url(value: object) -> str:
    if not _names_a_host(value, "http", "https"):
        raise ValueError("must be an http:// or https:// address")
    return str(value).rstrip("/")


def _public_url(value: object) -> str:
    address = _http_url(value)
    parts = urlsplit(address)
    if parts.query or parts.fragment or not is_clean(parts.path):
        raise ValueError("must end with a host or a plain path, such as https://school.org/portal")
    return address


def _mail_url(value: object) -> str:
    if not _names_a_host(value, "smtp", "smtps", "smtp+plain"):
        raise ValueError("must look like smtp://user:password@host:587 or smtps://...")
    return str(value)


def _names_a_host(value: object, *schemes: str) -> bool:
    try:
        parts = urlsplit(_text(value))
        has_port = parts.port != 0  # reading it raises ValueError where it is none
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.hostname) and has_port and " " not in parts.netloc


def _text(value: object) -> str:
    text = str(value)
    if text != text.strip() or not text.isprintable():
        raise ValueError("contains leading or trailing spaces, or unprintable characters")
    return text


SETTINGS: dict[str, Setting] = {
    "DATABASE_URL": Setting(_database_url),  # SQLite in the instance folder
    "DATABASE_DIRECT_URL": Setting(_server_url),
    "DATABASE_READ_URL": Setting(_server_url),
    "SECRET_KEY": Setting(_keys),  # generated, but not in production
    "LMS_ENV": Setting(_environment, "development"),
    "HOST": Setting(_text, "127.0.0.1"),
    "PORT": Setting(_whole(1, 65_535), 8000),
    "WORKERS": Setting(_whole(1, 64), 2),
    "DEMO": Setting(_switch),  # on, but not in production
    # What admins can set as well has its defaults in lms/school.py: here speaks who overrules them.
    "SCHOOL_NAME": Setting(_text),
    "SCHOOL_TIME_ZONE": Setting(time_zone),
    "SCHOOL_CONTACT": Setting(_email),
    "TERMS_URL": Setting(_http_url),
    "STRIPE_SECRET_KEY": Setting(_text),
    "STRIPE_WEBHOOK_SECRET": Setting(_text),
    "SCHOOL_ADDRESS": Setting(_text),
    "SCHOOL_TAX_ID": Setting(_text),
    "STRIPE_API_BASE": Setting(_http_url),
    "STRIPE_AUTOMATIC_TAX": Setting(_tax, "off"),
    "STRIPE_TAX_ID_COLLECTION": Setting(_switch, default=False),
    "STRIPE_INVOICE_CREATION": Setting(_switch, default=False),
    "STRIPE_ADAPTIVE_PRICING": Setting(_switch, default=False),
    "LMS_POLL_SECONDS": Setting(_seconds(1), 15),
    "LMS_AUTO_FIX_SECONDS": Setting(_seconds(0), AUTO_FIX_SECONDS),
    "LMS_LOGIN_LIMIT": Setting(_limit, "10 per minute"),
    "LMS_OFFER_DAYS": Setting(offer_days),
    "LMS_REGISTRATION": Setting(registration),
    "LMS_KEPT_PERCENT": Setting(_whole(0, 100, "of percent "), 0),
    "LMS_IMPORT_MEGABYTES": Setting(_whole(1, 100_000, "of megabytes "), 200),
    "LMS_IMPORT_HOSTS": Setting(_hosts),
    "LMS_FILES": Setting(_text, "files"),  # in the instance folder, if it doesn't begin with /
    "LMS_FILES_BUCKET": Setting(_bucket),
    # Without keys, those of the machine's role are asked for.
    "AWS_ENDPOINT_URL_S3": Setting(_endpoint),
    "AWS_REGION": Setting(_region),
    "AWS_ACCESS_KEY_ID": Setting(_text),
    "AWS_SECRET_ACCESS_KEY": Setting(_text),
    "AWS_SESSION_TOKEN": Setting(_text),
    "LMS_FILE_MEGABYTES": Setting(_whole(1, 100_000, "of megabytes "), 1_000),
    "LMS_FILES_GIGABYTES": Setting(_whole(1, 1_000_000, "of gigabytes "), 20),
    "LMS_SECOND_FACTOR": Setting(_second_factor, "optional"),
    "MAIL_URL": Setting(_mail_url),
    "MAIL_FROM": Setting(_text, "portal@localhost"),
    "PUBLIC_URL": Setting(_public_url),
    "METRICS_TOKEN": Setting(_text),
    "TRUSTED_PROXIES": Setting(_whole(0, 5, "of proxies in front of the portal, "), 0),
    "LMS_CHEAP_HASHES": Setting(_switch, default=False),
}
"""Every setting; the portal reads nothing else from the environment."""
_OF_BUCKET = [key for key in SETTINGS if key.startswith("AWS_")]
