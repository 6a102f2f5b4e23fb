"""The school's own settings: the environment's where it speaks, else the admins', else defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Select, cast, func, select
from sqlalchemy.orm import Session

from lms.config import setting
from lms.models import SchoolSettings
from lms.money import DEFAULT_CURRENCY
from lms.statements import run

LEGAL = {
    "terms": "Terms",
    "privacy": "Privacy",
    "imprint": "Imprint",
    "accessibility": "Accessibility",
}
"""The public texts, by the last part of their address, in the order of the footer."""
DEFAULTS: Mapping[str, Any] = {
    "name": "Learning portal",
    "time_zone": "UTC",
    "currency": DEFAULT_CURRENCY,
    "contact": "",
    "address": "",
    "tax_id": "",
    "registration": "open",
    "offer_days": 7,
    "video_hosts": "youtube.com,vimeo.com",
    "how_to_pay": "",
}
KEYS = {
    "name": "SCHOOL_NAME",
    "time_zone": "SCHOOL_TIME_ZONE",
    "currency": "SCHOOL_CURRENCY",
    "contact": "SCHOOL_CONTACT",
    "address": "SCHOOL_ADDRESS",
    "tax_id": "SCHOOL_TAX_ID",
    "registration": "LMS_REGISTRATION",
    "offer_days": "LMS_OFFER_DAYS",
    "terms": "TERMS_URL",
}
"""By what key the environment, or instance/config.py, overrules a setting."""


@dataclass(frozen=True)
class Logo:
    """The school's logo: what is in the store, and how large it is shown at most."""

    digest: str
    bytes: int
    type: str
    """Its media type."""
    width: int
    height: int


_LOGO = tuple(field.name for field in fields(Logo))


@dataclass(frozen=True, kw_only=True)
class School:
    """The settings that count."""

    name: str
    time_zone: str
    currency: str
    """Which forms suggest."""
    contact: str
    address: str
    tax_id: str
    registration: str
    offer_days: int
    video_hosts: str
    how_to_pay: str
    """Without Stripe, in Markdown; blank where nothing is said."""
    terms_url: str
    """Where the environment says that the terms are; blank where they are a page of the portal."""
    legal: tuple[str, ...]
    """The public texts that there are."""
    logo: Logo | None


class Kept(NamedTuple):
    """What the database says: all but the texts, of which it says whether there are any."""

    version: int
    values: dict[str, Any]


NOTHING = Kept(0, {})
"""What it says where nobody has chosen anything."""


def of(session: Session) -> School:
    """Return the settings, as this session sees them."""
    return told(read(session))


def is_overruled(name: str) -> bool:
    """Return whether the environment, or instance/config.py, speaks about a setting."""
    return name in KEYS and setting(KEYS[name]) not in (None, "")


def version() -> ColumnElement[int]:
    """Return the SQL of the settings' version, for the statement that finds whose request it is."""
    return func.coalesce(
        select(SchoolSettings.version).where(SchoolSettings.id == 1).scalar_subquery(),
        cast(0, BigInteger),
    )


def told(kept: Kept) -> School:
    """Return what counts: what is kept, unless the environment speaks."""
    values = {
        name: setting(KEYS[name]) if is_overruled(name) else kept.values.get(name)
        for name in DEFAULTS
    }
    shown = {name: DEFAULTS[name] if value is None else value for name, value in values.items()}
    terms_url = setting(KEYS["terms"]) or ""
    there = {*kept.values.get("legal", ()), "accessibility", *(["terms"] if terms_url else [])}
    legal = tuple(name for name in LEGAL if name in there)
    logo = kept.values.get("logo")
    return School(**shown, terms_url=terms_url, legal=legal, logo=logo)


def read(session: Session) -> Kept:
    """Return what admins have chosen."""
    row = run(session, _small()).mappings().one_or_none()
    if row is None:
        return NOTHING
    values = {name: row[name] for name in DEFAULTS}
    legal = tuple(name for name in LEGAL if row[f"has_{name}"])
    return Kept(row["version"], {**values, "legal": legal, "logo": logo_of(dict(row))})


def logo_of(row: Mapping[str, Any]) -> Logo | None:
    """Return the logo that a row of the settings names."""
    if row["logo_digest"] is None:
        return None
    return Logo(**{name: row[f"logo_{name}"] for name in _LOGO})


@cache
def _small() -> Select[*tuple[Any, ...]]:
    """Select all but the texts, which are long."""
    there = [getattr(SchoolSettings, name).is_not(None).label(f"has_{name}") for name in LEGAL]
    named = (*DEFAULTS, *(f"logo_{name}" for name in _LOGO))
    small = [getattr(SchoolSettings, name) for name in named]
    return select(SchoolSettings.version, *small, *there).where(SchoolSettings.id == 1)
