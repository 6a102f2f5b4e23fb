"""Who sold what was bought on a day: a receipt says the same for good."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, select

from lms import school
from lms.db import UtcDateTime, db
from lms.models import AuditEntry
from lms.models.columns import constants
from lms.queries.read_model import execute

_FIELDS = ("name", "address", "tax_id")
(_CHANGED,) = constants("school.changed")


@dataclass(frozen=True)
class Seller:
    """The school as a receipt names it."""

    name: str
    address: str
    tax_id: str


def seller(at: datetime) -> Seller:
    """Return the seller as of a moment, by the audit trail.

    What was not given yet is what was given first; what the environment says is of today.
    """
    today = school.of(db.session())
    was = {name: getattr(today, name) for name in _FIELDS}
    for entry in execute(_changes_since(), at=at):
        for name in was.keys() & entry.details["changes"].keys():
            before, _ = entry.details["changes"][name]
            if before is not None and not school.is_overruled(name):
                was[name] = before
    return Seller(**was)


@cache
def _changes_since() -> Select[Any]:
    """Select the changes since then, the latest first."""
    is_later = AuditEntry.at > bindparam("at", type_=UtcDateTime)
    found = select(AuditEntry.details).where(AuditEntry.action == _CHANGED, is_later)
    return found.order_by(AuditEntry.id.desc())
