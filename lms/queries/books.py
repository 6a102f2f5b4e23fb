"""The books of a month: what money moved, per currency and line by line, and what is unexplained.

Those of a closed month are made of rows that never change, so they are the same to the byte
whenever they are asked for. Those of an open month also have what its payments say and nobody has
booked yet.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import (
    Integer,
    Select,
    String,
    bindparam,
    func,
    null,
    select,
    union_all,
)

from lms.db import db, now
from lms.ledger.book_clocks import BookClocks, book_clocks
from lms.ledger.months import Month
from lms.ledger.movements import lacking_in_month, of_closed, unbooked
from lms.ledger.unexplained import EXPLANATIONS, statement, values_of
from lms.models import ClosedMonth, MoneyMovement, Payment
from lms.money import plain
from lms.queries.distinct import distinct_values
from lms.queries.paging import PAGE_SIZE, pages, skipped
from lms.queries.read_model import execute, read, read_model
from lms.texts import harmless
from lms.times import local, place, start_of, told

_MONTH = bindparam("of_month", type_=String)
_FIGURES = {
    "taken": ("taken_cents", 1),
    "refunded": ("refunded_cents", 1),
    "refund_failed": ("refunded_cents", -1),
    "disputed": ("disputed_cents", 1),
    "dispute_won": ("won_cents", 1),
    "dispute_lost": ("lost_cents", 1),
    "fee": ("fees_cents", 1),
}
"""Which figure an entry counts in, and how."""
SUMS = (
    ("taken_cents", "taken"),
    ("refunded_cents", "refunded"),
    ("disputed_cents", "disputed"),
    ("won_cents", "disputes won"),
    ("lost_cents", "disputes lost"),
    ("fees_cents", "Stripe's fees"),
    ("net_cents", "net amount"),
    ("tax_cents", "tax collected"),
    ("discount_cents", "discounts given"),
)
"""What the sums of a currency are called, in their order."""
_COLUMNS = (
    *("payment", "happened_at", "kind", "subject", "method", "amount", "tax", "discount"),
    *("currency", "month", "correction"),
)


@read_model
class CurrencyFigures:
    """The sums of a month in one currency, in its minor units."""

    currency: str
    taken_cents: int
    refunded_cents: int
    disputed_cents: int
    won_cents: int
    lost_cents: int
    fees_cents: int
    tax_cents: int
    discount_cents: int

    @property
    def net_cents(self) -> int:
        """What is left: what was lost had gone when it was disputed."""
        gone = self.refunded_cents + self.disputed_cents + self.fees_cents
        return self.taken_cents + self.won_cents - gone


@read_model
class BookLine:
    """One movement of money."""

    id: int | None
    """None while it is not booked."""
    payment_id: int
    kind: str
    subject: str
    method: str
    amount_cents: int
    tax_cents: int
    discount_cents: int
    currency: str
    happened_at: datetime
    month: str
    """In which it happened: an earlier one, if this is a correction."""

    def is_correction(self, booked_in: str) -> bool:
        """Whether it is of a month that was closed when it became known."""
        return self.month != booked_in


@read_model
class UnexplainedEntry:
    """An item that nothing explains, and why it is listed."""

    kind: str
    detail: str
    payment_id: int | None
    subject: str
    amount_cents: int | None
    currency: str | None
    happened_at: datetime


@read_model
class Books:
    """The books of a month."""

    month: str
    time_zone: str
    """By whose clocks the month begins and ends."""
    begins_at: datetime
    ends_at: datetime
    """The first moment after it."""
    is_closed: bool
    closed_at: datetime | None
    currencies: list[CurrencyFigures]
    unexplained: int
    unexplained_entries: list[UnexplainedEntry]


@read_model
class ReportedLine:
    """One movement of money, as it is exported."""

    payment_id: int
    payment: str
    access: str
    """The pages of its payment and of the access that it gives."""
    kind: str
    subject: str
    method: str
    amount_cents: int
    tax_cents: int
    discount_cents: int
    currency: str
    happened_at: datetime
    month: str
    is_correction: bool


@read_model
class BooksReport(Books):
    """The books of a month with all their lines."""

    lines: list[ReportedLine]


@read_model
class BookPage:
    """One page of the lines of a month."""

    lines: list[BookLine]
    total: int
    page: int
    pages: int


def present_clocks() -> BookClocks:
    """Return by which clocks months begin and end."""
    return book_clocks(db.session())


def span_of(books: Books) -> str:
    """Return when the month begins and ends, in words."""
    midnights = f"The month begins and ends at midnight, {place(books.time_zone)}."
    return exact_span_of(books) or midnights


def exact_span_of(books: Books) -> str:
    """Return that where it is at other times than midnights, after a change of zone; else blank."""
    month, zone = Month.of(date.fromisoformat(f"{books.month}-01")), books.time_zone
    midnights = [start_of(each.midnight.date(), zone) for each in (month, month.next)]
    if [books.begins_at, books.ends_at] == midnights:
        return ""
    return f"The month begins {told(books.begins_at, zone)} and ends {told(books.ends_at, zone)}."


def is_early(month: Month, clocks: BookClocks) -> bool:
    """Return whether a month takes corrections before it begins: the one before is closed."""
    return month > clocks.month(now())


def early(month: Month, books: Books) -> str:
    """Return so, in words."""
    return (
        f"The books for {month.previous.name} are already closed. Until this month begins, on"
        f" {told(books.begins_at, books.time_zone)}, new payments and refunds are booked here as"
        " corrections."
    )


def books(month: Month, clocks: BookClocks | None = None) -> Books:
    """Return the figures of a month, and what nothing explains; `clocks`, if they are known."""
    closed = execute(_closed(), of_month=str(month)).one_or_none()
    is_closed, clocks = closed is not None, clocks or present_clocks()
    values = _values(month, clocks, is_closed=is_closed)
    if closed is None:
        left: Iterable[Any] = execute(statement(), **values).mappings()
    else:
        left = closed.unexplained
    entries = [_unexplained(dict(row)) for row in left]
    return Books(
        month=str(month),
        time_zone=clocks.zone(month),
        begins_at=clocks.begin(month),
        ends_at=clocks.end(month),
        is_closed=is_closed,
        closed_at=closed.closed_at if closed else None,
        currencies=_figures(execute(_sums(is_closed), **values)),
        unexplained=len(entries),
        unexplained_entries=entries,
    )


def report(month: Month, clocks: BookClocks | None = None) -> BooksReport:
    """Return the books of a month with all their lines, in the order in which they were booked."""
    clocks = clocks or present_clocks()
    found = books(month, clocks)
    values = _values(month, clocks, is_closed=found.is_closed)
    lines = read(BookLine, _ordered(found.is_closed), **values)
    return BooksReport(**vars(found), lines=[_reported(line, str(month)) for line in lines])


def _reported(line: BookLine, booked_in: str) -> ReportedLine:
    kept = {name: value for name, value in vars(line).items() if name != "id"}
    payment = f"/admin/payments/{line.payment_id}"
    return ReportedLine(
        **kept,
        payment=payment,
        access=f"{payment}/access",
        is_correction=line.is_correction(booked_in),
    )


def spreadsheet_rows(report: BooksReport) -> Iterator[tuple[Any, ...]]:
    """Yield the lines as rows of a spreadsheet, amounts as numbers in the currency's own units."""
    yield _COLUMNS
    for line in report.lines:
        cents = (line.amount_cents, line.tax_cents, line.discount_cents)
        yield (
            *(line.payment_id, local(line.happened_at, report.time_zone).isoformat()),
            *(line.kind, harmless(line.subject)),
            *(line.method, *(Decimal(plain(each, line.currency)) for each in cents)),
            *(line.currency.upper(), line.month, "yes" if line.is_correction else "no"),
        )


def page_of_lines(month: Month, clocks: BookClocks, page: int, *, is_closed: bool) -> BookPage:
    """Return one page of the lines of a month."""
    values = _values(month, clocks, is_closed=is_closed)
    number = execute(_number(is_closed), **values).scalar() or 0
    found = read(BookLine, _page(is_closed), **values, skipped=skipped(page))
    return BookPage(lines=found, total=number, page=page, pages=pages(number))


def months() -> list[str]:
    """Return the months that are in the books, the latest first."""
    found = execute(distinct_values(MoneyMovement.booked_month))
    return sorted((row.value for row in found), reverse=True)


def _values(month: Month, clocks: BookClocks, *, is_closed: bool) -> dict[str, Any]:
    if is_closed or clocks.is_over(month):
        return values_of(month, clocks)
    return values_of(month, clocks, [row.id for row in execute(unbooked(), **of_closed(clocks))])


@cache
def _closed() -> Select[Any]:
    found: Select[Any] = select(ClosedMonth.closed_at, ClosedMonth.unexplained).where(
        ClosedMonth.month == _MONTH
    )
    return found


@cache
def _lines(is_closed: bool) -> Select[Any]:
    entry = MoneyMovement
    names = [name for name in BookLine.__annotations__ if name != "id"]
    booked = select(entry.id, *(getattr(entry, name) for name in names)).where(
        entry.booked_month == _MONTH
    )
    if is_closed:
        return booked
    lacks = lacking_in_month().subquery()
    filled = {**lacks.c, "method": Payment.method}
    unbooked: Any = select(null().label("id"), *(filled[name].label(name) for name in names))
    awaited = unbooked.join(Payment, Payment.id == lacks.c.payment_id)
    return select(union_all(booked, awaited).subquery())


@cache
def _ordered(is_closed: bool) -> Select[Any]:
    found = _lines(is_closed).subquery()
    # What is not booked yet comes last on both engines.
    order = (found.c.id.is_(None), found.c.id, found.c.payment_id, found.c.kind, found.c.subject)
    return select(found).order_by(*order)


@cache
def _page(is_closed: bool) -> Select[Any]:
    return _ordered(is_closed).limit(PAGE_SIZE).offset(bindparam("skipped", type_=Integer))


@cache
def _number(is_closed: bool) -> Select[Any]:
    return select(func.count()).select_from(_lines(is_closed).subquery())


@cache
def _sums(is_closed: bool) -> Select[Any]:
    found = _lines(is_closed).subquery()
    sums = [
        func.sum(found.c[name]).label(name)
        for name in ("amount_cents", "tax_cents", "discount_cents")
    ]
    return select(found.c.currency, found.c.kind, *sums).group_by(found.c.currency, found.c.kind)


def _figures(rows: Iterable[Any]) -> list[CurrencyFigures]:
    empty = dict.fromkeys(
        (*(name for name, _ in _FIGURES.values()), "tax_cents", "discount_cents"), 0
    )
    by_currency: dict[str, dict[str, int]] = defaultdict(lambda: dict(empty))
    for row in rows:
        figures = by_currency[row.currency]
        name, sign = _FIGURES[row.kind]
        figures[name] += sign * int(row.amount_cents)
        figures["tax_cents"] += int(row.tax_cents)
        figures["discount_cents"] += int(row.discount_cents)
    return [
        CurrencyFigures(currency=currency, **figures)
        for currency, figures in sorted(by_currency.items())
    ]


def _unexplained(row: dict[str, Any]) -> UnexplainedEntry:
    at = row["happened_at"]
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    return UnexplainedEntry(
        **(row | {"happened_at": moment.replace(microsecond=0)}), detail=EXPLANATIONS[row["kind"]]
    )
