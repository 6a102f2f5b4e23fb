"""What the school says about itself: changed by an admin, as a whole and never unseen."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Select, Update, bindparam, select, update
from sqlalchemy.orm import Session

from lms import setting_values
from lms.db import now
from lms.enrollment.uploaded import uploaded
from lms.files.content import Content
from lms.identity import checked_email, checked_line
from lms.ledger.audit import record
from lms.ledger.clocks import follow_zone_if_quick
from lms.live import touch
from lms.models import SchoolSettings
from lms.models.school import (
    LONGEST_ADDRESS,
    LONGEST_HOSTS,
    LONGEST_LEGAL,
    LONGEST_RULE,
    LONGEST_SCHOOL,
    LONGEST_TAX_ID,
    LONGEST_WAY_TO_PAY,
)
from lms.refusals import Invalid, SettingsChanged
from lms.school import LEGAL
from lms.statements import run
from lms.texts import UNSTORABLE, is_storable
from lms.times import ZONE_ACCEPTED
from lms.transaction import transactional
from lms.upsert import insert
from lms.video_hosts import video_hosts

_COLUMNS = {
    name: column
    for name, column in SchoolSettings.__table__.c.items()
    if name not in {"id", "version", "changed_at"}
}
_LONGEST = {
    "name": LONGEST_SCHOOL,
    "address": LONGEST_ADDRESS,
    "tax_id": LONGEST_TAX_ID,
    "registration": LONGEST_RULE,
    "video_hosts": LONGEST_HOSTS,
}
_LOGO_OF_CONTENT = {
    "digest": "digest",
    "bytes": "bytes",
    "type": "media_type",
    "width": "width",
    "height": "height",
}
_TEXTS = {**dict.fromkeys(LEGAL, LONGEST_LEGAL), "how_to_pay": LONGEST_WAY_TO_PAY}
"""How long each text may be that has several lines."""
_LINES = {"name": "a name", "address": "an address", "tax_id": "a tax ID"}
_LISTS = {"registration": "domains", "video_hosts": "hosts"}


@transactional
def change_settings(session: Session, chosen: Mapping[str, Any], *, seen: int, by: int) -> None:
    """Change the settings that are named, None for the default; what is not named stays.

    Whoever changes them has `seen` a version. Of two admins at once the second gets
    SettingsChanged, which names what the first has changed. Raises Invalid.
    """
    apply_settings(session, chosen, seen=seen, by=by)


def apply_settings(
    session: Session, chosen: Mapping[str, Any], *, seen: int | None, by: int
) -> None:
    """Do so in the caller's transaction; `seen` is None where nobody can have been faster."""
    values = {name: _checked(name, value) for name, value in chosen.items()}
    run(session, _opening())
    before = dict(run(session, _locked()).mappings().one())
    changes = {name: [before[name], to] for name, to in values.items() if before[name] != to}
    if seen not in {None, before["version"]}:
        if not changes:
            return  # the same press again, or the same wish
        raise SettingsChanged(tuple(changes), before["version"])
    if changes:
        _write(session, before, values, changes, by=by)


def setting_faults(chosen: Mapping[str, Any]) -> list[Invalid]:
    """Return all that is wrong with settings, of which the verb tells the first."""
    faults = []
    for name, value in chosen.items():
        try:
            _checked(name, value)
        except Invalid as fault:
            faults.append(fault)
    return faults


@uploaded
@transactional
def choose_logo(
    session: Session, content: Content | None, *, seen: int | None = None, by: int
) -> int | None:
    """Make a picture of the store the school's logo, None for no logo.

    Returns which version whoever has `seen` one has seen now: the new one, if it was the newest.
    Raises FileLost if the content isn't in the store any more.
    """
    run(session, _opening())
    before = dict(run(session, _locked()).mappings().one())
    values = {
        f"logo_{name}": content and getattr(content, of) for name, of in _LOGO_OF_CONTENT.items()
    }
    touch(session, "catalogue")  # a validation may have missed the logo before
    if before["logo_digest"] == values["logo_digest"]:
        return seen
    told = [digest and digest[:12] for digest in (before["logo_digest"], values["logo_digest"])]
    version = _write(session, before, values, {"logo": told}, by=by)
    return version if seen == before["version"] else seen


def _write(
    session: Session,
    before: Mapping[str, Any],
    values: Mapping[str, Any],
    changes: Mapping[str, Any],
    *,
    by: int,
) -> int:
    written = {name: values.get(name, before[name]) for name in _COLUMNS}
    moment = now()
    version: int = max(before["version"] + 1, int(moment.timestamp() * 1_000_000))
    written |= {"version": version, "changed_at": moment}
    run(session, _changing(), **{f"to_{name}": to for name, to in written.items()})
    record(session, "school.changed", by=by, changes=changes)
    if "time_zone" in changes:
        follow_zone_if_quick(session)
    touch(session, "school")  # which every live page watches, but no validation
    return version


def _checked(name: str, value: Any) -> Any:
    """Return a setting as it is stored, None for the default; raises Invalid at its field."""
    if value in (None, ""):
        return None
    if name in _TEXTS:
        return _text(name, str(value))
    if name == "contact":
        return checked_contact(str(value))
    if name in _LINES:
        line = checked_line(name, str(value)) or None
        most = _LONGEST[name]
        if line is not None and len(line) > most:
            raise Invalid(name, f"Enter {_LINES[name]} of at most {most:,} characters.")
        return line
    try:
        parsed = _PARSED[name](value)
    except ValueError:
        raise Invalid(name, _ACCEPTED[name]) from None
    if name in _LISTS and len(str(parsed)) > _LONGEST[name]:  # some grow when they are parsed
        raise Invalid(
            name, f"Enter {_LISTS[name]} of at most {_LONGEST[name]:,} characters in all."
        )
    return parsed


def checked_contact(address: str) -> str:
    """Return the address at which people reach the school; raises Invalid."""
    try:
        return checked_email(address)
    except Invalid as refusal:
        raise Invalid("contact", refusal.detail) from None


_PARSED = {
    "time_zone": setting_values.time_zone,
    "currency": setting_values.currency,
    "registration": setting_values.registration,
    "offer_days": setting_values.offer_days,
    "video_hosts": video_hosts,
}
_ACCEPTED = {
    "time_zone": ZONE_ACCEPTED,
    "currency": "Enter a currency that Stripe charges in, such as EUR.",
    "registration": "Enter domains separated by commas, such as example.org, school.example.",
    "offer_days": "Enter a whole number of days from 1 to 365.",
    "video_hosts": (
        "Enter youtube.com, vimeo.com or PeerTube hosts, separated by commas;"
        " or none to allow no players."
    ),
}


def _text(name: str, text: str) -> str | None:
    if not is_storable(text):
        raise Invalid(name, UNSTORABLE)
    if len(text) > _TEXTS[name]:
        raise Invalid(name, f"Use at most {_TEXTS[name]:,} characters.")
    return text.strip() or None


@cache
def _opening() -> Any:
    return insert(SchoolSettings).values(id=1).on_conflict_do_nothing()


@cache
def _locked() -> Select[*tuple[Any, ...]]:
    return select(SchoolSettings.__table__).where(SchoolSettings.id == 1).with_for_update()


@cache
def _changing() -> Update:
    columns = SchoolSettings.__table__.c
    written = {
        name: bindparam(f"to_{name}", type_=columns[name].type)
        for name in (*_COLUMNS, "version", "changed_at")
    }
    return update(SchoolSettings).where(SchoolSettings.id == 1).values(written)
