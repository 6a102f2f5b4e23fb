"""How often somebody may do something, counted in the database for all workers together.

A use is counted in the transaction of what it is a use of: what is refused, or comes to nothing,
costs nothing.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from math import ceil
from typing import Any, Literal, NamedTuple

from sqlalchemy import Integer, Select, String, bindparam, case, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from lms.db import UtcDateTime, now
from lms.models import Allowance
from lms.refusals import RateLimited
from lms.statements import MOMENT, run
from lms.upsert import insert

Action = Literal[
    "registration",
    "link",
    "invitation",
    "sign-in accounts",
    "code",
    "all codes",
    "request",
    "checkout",
    "payment",
    "refund",
    "erasure",
    "export",
    "digest",
    "message",
]


class Limit(NamedTuple):
    """So many uses in a period, which begins with the first."""

    allowed: int
    period: timedelta


_MINUTE, _TEN_MINUTES, _HOUR = timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1)

LIMITS: dict[Action, tuple[Limit, ...]] = {
    # Per network address, which a school shares: a class that registers together takes minutes,
    # a program seconds. Each sends a mail to an address that anybody can type.
    "registration": (Limit(20, _MINUTE), Limit(200, _HOUR)),
    # Mails with a link that nobody has to sign in for: a new password, the confirmation again. And,
    # per person, those to the new address that somebody has chosen.
    "link": (Limit(20, _MINUTE), Limit(200, _HOUR)),
    # Per admin. A new year's classes, a page of the list at a time; a stolen session can't flood
    # mailboxes of strangers in the school's name for long.
    "invitation": (Limit(500, _HOUR),),
    # Different accounts at which sign-ins from an address fail: a school's typos on a Monday, and
    # not one common password tried on everybody.
    "sign-in accounts": (Limit(100, _TEN_MINUTES),),
    # Wrong codes of an app per person and password, and per browser that is known: beside
    # LMS_LOGIN_LIMIT. Of a million codes a few are right at a time, and whoever tries has the
    # password.
    "code": (Limit(50, timedelta(days=1)),),
    # Per person, whatever the password and the browser: one of them would be right in two years.
    "all codes": (Limit(500, timedelta(days=1)),),
    # Per person. More courses than anybody asks for at a time; each stays in the audit trail.
    "request": (Limit(50, _TEN_MINUTES),),
    # Each new checkout is a call to Stripe, a row and an audit entry; 'Buy' again is the same one.
    "checkout": (Limit(40, _TEN_MINUTES),),
    # Per admin. A month's bank statement typed in, or sent by a program; each stays for good.
    "payment": (Limit(1000, _HOUR),),
    # A canceled course, student by student; a stolen session can't return all that was ever paid.
    "refund": (Limit(100, _HOUR),),
    # Per person. Asked and withdrawn in turns, each stays in the audit trail for good.
    "erasure": (Limit(10, _HOUR),),
    # A school's year in all its filters; each reads whole tables.
    "export": (Limit(60, _TEN_MINUTES),),
    # Per admin. Each goes to all students of a course: nobody means to write more often, and a
    # stolen session can't flood mailboxes for long.
    "message": (Limit(30, _HOUR),),
    # Of all admins together. The first news comes at once; what follows is collected for so long.
    "digest": (Limit(1, timedelta(minutes=15)),),
}
"""Every limit but that of sign-ins, which LMS_LOGIN_LIMIT sets."""


class Standing(NamedTuple):
    """How much of an allowance is used, and until when."""

    used: int
    expires_at: datetime

    @property
    def seconds_left(self) -> int:
        """How long until it begins anew, for `Retry-After`."""
        return max(1, ceil((self.expires_at - now()).total_seconds()))


def count(session: Session, action: Action, who: int | str, *, uses: int = 1) -> None:
    """Count a use, or several; raises RateLimited, which undoes the verb, if they were too many.

    `who` is a person's id, or what stands for a network address.
    """
    for limit in LIMITS[action]:
        standing = count_use(session, key_of(action, limit, who), limit, uses=uses)
        if standing.used > limit.allowed:
            raise RateLimited(standing.seconds_left, limit=action)


def key_of(action: str, limit: Limit, who: int | str) -> str:
    """Return the key of somebody's allowance."""
    return f"{action}/{limit.allowed} in {limit.period.total_seconds():.0f}:{who}"


def count_use(session: Session, key: str, limit: Limit, *, uses: int = 1) -> Standing:
    """Count uses of an allowance, however many do so at once, and return where it stands."""
    moment = now()
    counted = run(
        *(session, _counting()),
        counted=key,
        uses=uses,
        until=moment + limit.period,
        moment=moment,
    ).one()
    return Standing(*counted)


def standings(session: Session, keys: Iterable[str]) -> dict[str, Standing]:
    """Return where these allowances stand; those that nobody has used lately are left out."""
    found = session.connection().execute(_standing(), {"keys": list(keys), "moment": now()})
    return {key: Standing(used, expires_at) for key, used, expires_at in found}


@cache
def _counting() -> ReturningInsert[*tuple[Any, ...]]:
    first = insert(Allowance).values(
        key=bindparam("counted", type_=String),
        used=bindparam("uses", type_=Integer),
        expires_at=bindparam("until", type_=UtcDateTime),
    )
    is_over = Allowance.expires_at <= MOMENT
    return first.on_conflict_do_update(
        index_elements=["key"],
        set_={
            "used": case(
                (is_over, first.excluded.used), else_=Allowance.used + first.excluded.used
            ),
            "expires_at": case((is_over, first.excluded.expires_at), else_=Allowance.expires_at),
        },
    ).returning(Allowance.used, Allowance.expires_at)


@cache
def _standing() -> Select[str, int, datetime]:
    asked = Allowance.key.in_(bindparam("keys", expanding=True))
    columns = (Allowance.key, Allowance.used, Allowance.expires_at)
    return select(*columns).where(asked, Allowance.expires_at > MOMENT)
