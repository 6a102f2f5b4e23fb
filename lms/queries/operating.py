"""What an operator watches of a school: how much waits, and since when."""

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ScalarSelect, Select, select
from sqlalchemy.orm import InstrumentedAttribute

from lms.models import AccessRequest, OutboxEmail, RosterUpload, SyncAttention
from lms.models.record import MOST_ATTEMPTS
from lms.queries.read_model import read, read_model
from lms.queries.sums import current


@read_model
class Waiting:
    """How many requests wait, and since when the oldest of each kind of work does."""

    requests: int
    oldest_request: datetime | None
    oldest_email: datetime | None
    oldest_roster: datetime | None
    """Of those that a worker takes up, not of those that an admin has still to confirm."""
    oldest_attention: datetime | None


def waiting() -> Waiting:
    """Return what waits, in one statement that reads a row of an index for each."""
    [found] = read(Waiting, _waiting())
    return found


@cache
def _waiting() -> Select[*tuple[Any, ...]]:
    return select(
        current("waiting").label("requests"),
        _oldest(AccessRequest.created_at, AccessRequest.status == "pending").label(
            "oldest_request"
        ),
        _oldest(
            OutboxEmail.created_at,
            OutboxEmail.sent_at.is_(None),
            OutboxEmail.attempts < MOST_ATTEMPTS,
        ).label("oldest_email"),
        _oldest(RosterUpload.started_at, RosterUpload.status.in_(("reading", "applying"))).label(
            "oldest_roster"
        ),
        _oldest(SyncAttention.created_at).label("oldest_attention"),
    )


def _oldest(time: InstrumentedAttribute[Any], *conditions: Any) -> ScalarSelect[Any]:
    key = time.class_.id
    by = time if time.class_ is AccessRequest else key
    return select(time).where(*conditions).order_by(by, key).limit(1).scalar_subquery()
