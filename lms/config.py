"""Settings: defaults < instance/config.py < environment; bad or missing ones stop start-up."""

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Config, current_app
from flask.helpers import get_debug_flag
from sqlalchemy.engine import URL

from lms import database_address
from lms import setting_values as values

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
    return settings["LMS_ENV"] != "production" or not lacks_for_mail(settings)


def lacks_for_mail(settings: Mapping[str, Any]) -> list[str]:
    """Return which settings are missing before e-mails reach people, with links to the portal."""
    return [name for name in ("MAIL_URL", "PUBLIC_URL") if not settings[name]]


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


SETTINGS: dict[str, Setting] = {
    "DATABASE_URL": Setting(values.database_url),  # SQLite in the instance folder
    "DATABASE_DIRECT_URL": Setting(values.server_url),
    "DATABASE_READ_URL": Setting(values.server_url),
    "SECRET_KEY": Setting(values.keys),  # generated, but not in production
    "LMS_ENV": Setting(values.environment, "development"),
    "HOST": Setting(values.plain, "127.0.0.1"),
    "PORT": Setting(values.whole(1, 65_535), 8000),
    "WORKERS": Setting(values.whole(1, 64), 2),
    "DEMO": Setting(values.switch),  # on, but not in production
    # What admins can set as well has its defaults in lms/school.py: here speaks who overrules them.
    "SCHOOL_NAME": Setting(values.plain),
    "SCHOOL_TIME_ZONE": Setting(values.time_zone),
    "SCHOOL_CURRENCY": Setting(values.currency),
    "SCHOOL_CONTACT": Setting(values.email),
    "TERMS_URL": Setting(values.http_url),
    "STRIPE_SECRET_KEY": Setting(values.plain),
    "STRIPE_WEBHOOK_SECRET": Setting(values.plain),
    "SCHOOL_ADDRESS": Setting(values.plain),
    "SCHOOL_TAX_ID": Setting(values.plain),
    "STRIPE_API_BASE": Setting(values.http_url),
    "STRIPE_AUTOMATIC_TAX": Setting(values.tax, "off"),
    "STRIPE_TAX_ID_COLLECTION": Setting(values.switch, default=False),
    "STRIPE_INVOICE_CREATION": Setting(values.switch, default=False),
    "STRIPE_ADAPTIVE_PRICING": Setting(values.switch, default=False),
    "LMS_POLL_SECONDS": Setting(values.seconds(1), 15),
    "LMS_AUTO_FIX_SECONDS": Setting(values.seconds(0), AUTO_FIX_SECONDS),
    "LMS_LOGIN_LIMIT": Setting(values.limit, "10 per minute"),
    "LMS_OFFER_DAYS": Setting(values.offer_days),
    "LMS_REGISTRATION": Setting(values.registration),
    "LMS_KEPT_PERCENT": Setting(values.whole(0, 100, "of percent "), 0),
    "LMS_IMPORT_MEGABYTES": Setting(values.whole(1, 100_000, "of megabytes "), 200),
    "LMS_IMPORT_HOSTS": Setting(values.hosts),
    "LMS_FILES": Setting(values.plain, "files"),  # in the instance folder, if it begins without /
    "LMS_FILES_BUCKET": Setting(values.bucket),
    # Without keys, those of the machine's role are asked for.
    "AWS_ENDPOINT_URL_S3": Setting(values.endpoint),
    "AWS_REGION": Setting(values.region),
    "AWS_ACCESS_KEY_ID": Setting(values.plain),
    "AWS_SECRET_ACCESS_KEY": Setting(values.plain),
    "AWS_SESSION_TOKEN": Setting(values.plain),
    "LMS_FILE_MEGABYTES": Setting(values.whole(1, 100_000, "of megabytes "), 1_000),
    "LMS_FILES_GIGABYTES": Setting(values.whole(1, 1_000_000, "of gigabytes "), 20),
    "LMS_SECOND_FACTOR": Setting(values.second_factor, "optional"),
    "MAIL_URL": Setting(values.mail_url),
    "MAIL_FROM": Setting(values.plain, "portal@localhost"),
    "PUBLIC_URL": Setting(values.public_url),
    "METRICS_TOKEN": Setting(values.plain),
    "TRUSTED_PROXIES": Setting(values.whole(0, 5, "of proxies in front of the portal, "), 0),
    "LMS_CHEAP_HASHES": Setting(values.switch, default=False),
}
"""Every setting; the portal reads nothing else from the environment."""
_OF_BUCKET = [key for key in SETTINGS if key.startswith("AWS_")]
