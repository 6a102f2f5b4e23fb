"""Reading what Stripe charges: every balance transaction, whatever interrupts the reading.

What is kept is all of one span of time. It grows backwards, a page at a time, to the first payment,
and forwards, a day at a time, to the present; each step is kept with what it has brought. So a run
continues where the last one stopped, and nothing in between is missing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lms.ledger.fact_rows import lock_facts
from lms.ledger.transactions import Transaction, keep
from lms.models import Payment, StripeCursor
from lms.models.payments import STRIPE
from lms.payments.chunks import read_rows
from lms.payments.gateway import Gateway
from lms.transaction import transactional
from lms.upsert import insert

OVERLAP = timedelta(hours=1)
"""What Stripe has made can become visible a little later."""
_DAY = timedelta(days=1)
_EARLIEST = datetime.fromisoformat("2010-01-01T00:00:00+00:00")
"""There was no Stripe before it, whatever a payment's row may say."""

Took = Callable[[int, bool], None]
"""Takes how many transactions a page had, and whether any was new."""


@dataclass(frozen=True)
class Span:
    """From when until when every transaction is kept."""

    since: datetime
    until: datetime


def fetch_transactions(gateway: Gateway, *, since: datetime, until: datetime, took: Took) -> None:
    """Fetch the balance transactions since then, or since the first payment, that aren't kept yet.

    Of two at once, the one that comes second leaves the rest to the first.
    """
    floor = max(_EARLIEST, min(first_payment() or since, since) - OVERLAP)
    known = _known()
    for page, span in _steps(gateway, known, floor=floor, until=until):
        is_new, is_ours = _keep(page, known, span)
        took(len(page), is_new)
        if not is_ours:
            return
        known = span


def first_payment() -> datetime | None:
    """Return when the first payment by Stripe was paid, if there is one."""
    by_stripe = (Payment.method == STRIPE, Payment.stripe_payment_intent_id.is_not(None))
    # A payment without a time is no older than its row.
    paid_at = func.coalesce(Payment.paid_at, Payment.created_at)
    [row] = read_rows(select(func.min(paid_at).label("first")).where(*by_stripe))
    return None if row.first is None else max(row.first, _EARLIEST)


def _steps(
    gateway: Gateway, known: Span | None, *, floor: datetime, until: datetime
) -> Iterator[tuple[Sequence[Transaction], Span]]:
    """Yield what Stripe lists, each page with the span of which everything is known with it."""
    span = known or Span(until, until)
    span = replace(span, until=min(span.until, until))  # it is later where a clock was wrong
    if span.since > floor:
        for page in gateway.transactions(since=floor, until=span.since):
            oldest = page[-1].created_at
            span = replace(span, since=max(floor, min(oldest, span.since)))
            yield page, span
        span = replace(span, since=floor)
        yield [], span
    while span.until < until:
        end = min(span.until + _DAY, until)
        for page in gateway.transactions(since=span.until - OVERLAP, until=end):
            yield page, span
        span = replace(span, until=end)
        yield [], span


def _known() -> Span | None:
    rows = read_rows(select(StripeCursor.fees_since, StripeCursor.fees_until))
    if not rows or rows[0].fees_since is None or rows[0].fees_until is None:
        return None
    return Span(rows[0].fees_since, rows[0].fees_until)


@transactional
def _keep(
    session: Session, page: Sequence[Transaction], known: Span | None, span: Span
) -> tuple[bool, bool]:
    """Keep a page, and the span that is whole with it unless another run has moved it.

    Returns whether any was new, and whether nobody else has moved it.
    """
    lock_facts(session)
    is_new = keep(session, page)
    session.execute(insert(StripeCursor).values(id=1).on_conflict_do_nothing())
    row = session.get_one(StripeCursor, 1, populate_existing=True)
    at = (row.fees_since, row.fees_until)
    if at != ((known.since, known.until) if known else (None, None)):
        return is_new, False
    row.fees_since, row.fees_until = span.since, span.until
    session.flush()
    return is_new, True
