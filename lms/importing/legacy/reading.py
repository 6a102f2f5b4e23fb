"""From old rows to staged ones: what each value means, and what had to be repaired in it."""

import json
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Any, get_args

from sqlalchemy import Connection, insert

from lms.db import now
from lms.identity import LONGEST_NAME, checked_email
from lms.importing.legacy import staging, values
from lms.importing.legacy.source import OldSchool, Row
from lms.models import CourseStatus, Role
from lms.models.catalog import MAX_PRICE
from lms.models.payment_status import GIVING_ACCESS, STATUSES
from lms.money import DEFAULT_CURRENCY, is_currency
from lms.refusals import Invalid

Progress = Callable[[int, int], None]
_HIDDEN = frozenset(("password_hash", "body", "description", "message"))
"""Never shown in a report: secrets, and what would fill the screen."""
_REMEMBERED_ALONE = frozenset(("courses", "chapters", "access_requests", "payments"))
"""Tables whose rows may have to be recognised by all that they say; others by whom they name."""
_UNREADABLE_DATE = "a date that cannot be read: the time of the import stands for it"
_CUT = "a text that is too long: it is cut"


class Reader:
    """One old row on its way into the scratch database."""

    def __init__(self, school: OldSchool, name: str, row: Row) -> None:
        self._school, self._name, self._row = school, name, row
        self.repairs: list[str] = []
        self.refusal = ""

    def staged(self, **values_: Any) -> dict[str, Any]:
        """Return the row for the scratch database."""
        return {
            "key": values.key(self._row.get("id")),
            "natural": _digest(self._row) if self._name in _REMEMBERED_ALONE else None,
            "raw": json.dumps(_shown(self._row)),
            "repairs": "\n".join(dict.fromkeys(self.repairs)),
            "verdict": "refused" if self.refusal else None,
            "reason": self.refusal,
            **values_,
        }

    def has(self, column: str) -> bool:
        """Return whether the old table has the column at all."""
        return self._school.has(self._name, column)

    def get(self, column: str) -> Any:
        """Return the value as it was read."""
        return self._row.get(column)

    def is_given(self, column: str) -> bool:
        """Return whether there is anything in the column."""
        return bool(values.text(self._row.get(column)).strip())

    def repaired(self, repair: str) -> None:
        """Note what could not be taken as it was."""
        self.repairs.append(repair)

    def line(self, column: str, longest: int) -> str:
        """Return text of one line that fits its column here."""
        found = values.line(self._row.get(column))
        if len(found) > longest:
            self.repaired(_CUT)
        return found[:longest].rstrip()

    def key(self, column: str) -> str | None:
        """Return what the row refers to."""
        return values.key(self._row.get(column))

    def flag(self, column: str, *, default: bool, unreadable: bool) -> bool:
        """Return yes or no; what is unreadable becomes the safe one of the two."""
        if not self.is_given(column) and not isinstance(self.get(column), (bool, bytes)):
            return default
        found = values.flag(self.get(column))
        if found is None:
            self.repaired(
                f"{column} is neither yes nor no: taken as {'yes' if unreadable else 'no'}"
            )
            return unreadable
        return found

    def moment(self, column: str) -> datetime | None:
        """Return a time, None where there is none; note an unreadable one."""
        if not self.is_given(column):
            return None
        found = values.moment(self.get(column))
        if found is None:
            self.repaired(_UNREADABLE_DATE)
        return found

    def word(self, column: str, known: tuple[str, ...], *, otherwise: str, missing: str) -> str:
        """Return a known word, whatever its case; a column that is missing says nothing wrong."""
        if not self.has(column):
            return missing
        found = values.word(self.get(column))
        if found not in known:
            what = "unknown" if found else "blank"
            self.repaired(f"the {column} is {what}: taken as '{otherwise}'")
            return otherwise
        if found != values.text(self.get(column)):
            self.repaired(f"the {column} is written as the portal writes it")
        return found


def stage(connection: Connection, school: OldSchool, progress: Progress) -> None:
    """Read every row of the old school into the scratch database."""
    total = sum(old.rows for old in school.tables)
    done = 0
    for old in school.tables:
        table = staging.metadata.tables[old.name]
        for rows in school.batches(old):
            staged = [_READERS[old.name](Reader(school, old.name, row)) for row in rows]
            connection.execute(insert(table), staged)
            done += len(rows)
            progress(done, total)


def _user(row: Reader) -> Row:
    email = _email(row)
    name = row.line("name", LONGEST_NAME)
    if not name and email:
        row.repaired("no name: the first part of the e-mail address stands for it")
        name = email.partition("@")[0][:LONGEST_NAME]
    known_hash = values.password_hash(row.get("password_hash"))
    if row.is_given("password_hash") and not known_hash:
        row.repaired(
            "the password is in a form that the portal cannot check: a new one is set by e-mail"
        )
    return row.staged(
        email=email,
        name=name,
        password_hash=known_hash,
        role=row.word("role", get_args(Role), otherwise="student", missing="student"),
        is_active=row.flag("is_active", default=True, unreadable=False),
        created_at=row.moment("created_at") or now(),
    )


def _email(row: Reader) -> str | None:
    if not row.is_given("email"):
        row.refusal = "no e-mail address: nobody could sign in to the account"
        return None
    written = values.text(row.get("email"))
    try:
        email = checked_email(written)
    except Invalid:
        row.refusal = "the e-mail address is not one"
        return None
    if email != written:
        row.repaired("the e-mail address is written in lower case, without blanks")
    return email


def _course(row: Reader) -> Row:
    title = row.line("title", 200)
    if not title:
        row.repaired("no title: the old id stands for it")
        title = f"Course {values.key(row.get('id')) or 'without id'}"[:200]
    status = row.word("status", get_args(CourseStatus), otherwise="draft", missing="published")
    is_public = row.flag("is_public", default=False, unreadable=False)
    is_open_to_all = row.flag("is_default_unlocked", default=False, unreadable=False)
    price = values.whole(row.get("price_cents")) if row.is_given("price_cents") else 0
    if price is None or not 0 <= price <= MAX_PRICE:
        row.repaired("the price cannot be read: the course is a draft until somebody sets it")
        price, status, is_public = 0, "draft", False
    currency = values.word(row.get("currency")) or DEFAULT_CURRENCY
    if not is_currency(currency):
        currency = DEFAULT_CURRENCY
        row.repaired("the currency is unknown: the course is a draft until somebody sets it")
        status = "draft"
    capacity = values.whole(row.get("capacity"))
    if row.is_given("capacity") and (capacity is None or capacity < 0):
        row.repaired("the capacity cannot be read: the seats are not limited")
        capacity = None
    if is_open_to_all and capacity is not None:
        row.repaired("a course that is everybody's cannot limit its seats: the limit is dropped")
        capacity = None
    return row.staged(
        title=title,
        description=values.text(row.get("description")).strip(),
        status=status,
        is_public=is_public,
        is_default_unlocked=is_open_to_all,
        price_cents=price,
        currency=currency,
        capacity=capacity,
        created_at=row.moment("created_at") or now(),
    )


def _chapter(row: Reader) -> Row:
    title = row.line("title", 200)
    if not title:
        row.repaired("no title: its place stands for it")
    position = values.whole(row.get("position"))
    if row.is_given("position") and position is None:
        row.repaired("the position cannot be read: the chapter comes last")
    return row.staged(
        course_key=row.key("course_id"),
        title=title,
        position=position,
        body=values.text(row.get("body")),
    )


def _completion(row: Reader) -> Row:
    if row.has("is_completed") and not row.flag("is_completed", default=True, unreadable=False):
        row.refusal = "it says that the chapter is not completed"
    return row.staged(
        user_key=row.key("student_id"),
        chapter_key=row.key("chapter_id"),
        completed_at=row.moment("completed_at"),
    )


def _enrollment(row: Reader) -> Row:
    return row.staged(
        user_key=row.key("user_id"),
        course_key=row.key("course_id"),
        progress=_figure(row, "progress"),
        told=_told(row, "progress"),
        enrolled_at=row.moment("enrolled_at"),
        completed_at=row.moment("completed_at"),
    )


def _student_progress(row: Reader) -> Row:
    return row.staged(
        user_key=row.key("student_id"),
        course_key=row.key("course_id"),
        progress=_figure(row, "total_progress"),
        told=_told(row, "total_progress"),
        last_activity_at=row.moment("last_activity_at"),
    )


def _figure(row: Reader, column: str) -> int | None:
    figure = values.percent(row.get(column))
    if figure is None and row.has(column):
        row.repaired(
            "the progress is no percentage: it follows from the chapters"
            if row.is_given(column)
            else "no progress is given: it follows from the chapters"
        )
    return figure


def _told(row: Reader, column: str) -> str | None:
    return values.line(row.get(column))[:80] if row.is_given(column) else None


def _request(row: Reader) -> Row:
    status = row.word(
        "status", ("pending", "approved", "rejected"), otherwise="pending", missing="pending"
    )
    created_at = row.moment("created_at")
    return row.staged(
        user_key=row.key("student_id"),
        course_key=row.key("course_id"),
        status=status,
        message=values.text(row.get("message")),
        created_at=created_at,
        decided_at=row.moment("decided_at") or created_at,
    )


def _payment(row: Reader) -> Row:
    status = row.word("status", tuple(STATUSES), otherwise="needs_review", missing="needs_review")
    attention = ""
    if not row.has("status") or status != values.word(row.get("status")):
        attention = f"The old school says '{values.line(row.get('status'))[:80]}' of this payment."
    amount = values.whole(row.get("amount_cents"))
    if amount is None or amount < 0:
        row.repaired("the amount cannot be read: somebody has to look at the payment")
        shown = values.line(row.get("amount_cents"))[:80]
        attention = f"The amount could not be read in the old school: '{shown}'. {attention}"
        amount, status = 0, "needs_review"
    currency = values.word(row.get("currency")) or DEFAULT_CURRENCY
    if not is_currency(currency):
        row.repaired("the currency is unknown: somebody has to look at the payment")
        attention = f"The currency could not be read: '{currency[:20]}'. {attention}"
        currency, status = DEFAULT_CURRENCY, "needs_review"
    status, refunded, attention = _money_back(row, status, amount, attention)
    paid_at, created_at = row.moment("paid_at"), row.moment("created_at")
    return row.staged(
        user_key=row.key("user_id"),
        course_key=row.key("course_id"),
        amount_cents=amount,
        currency=currency,
        status=status,
        refunded_cents=refunded,
        stripe_session_id=_stripe_id(row, "stripe_session_id"),
        stripe_payment_intent_id=_stripe_id(row, "stripe_payment_intent_id"),
        created_at=created_at or paid_at,
        paid_at=paid_at,
        attention=attention.strip(),
    )


def _money_back(row: Reader, status: str, amount: int, attention: str) -> tuple[str, int, str]:
    """Make status and refund say the same; what is unclear waits for somebody to look."""
    refunded = values.whole(row.get("refunded_cents")) if row.is_given("refunded_cents") else 0
    if refunded is None or not 0 <= refunded <= amount:
        row.repaired("the refund is no part of the amount: somebody has to look at the payment")
        shown = values.line(row.get("refunded_cents"))[:80]
        return "needs_review", 0, f"The refund could not be read: '{shown}'. {attention}"
    if status == "refunded" and refunded < amount:
        row.repaired("refunded, but not by the whole amount: taken as refunded wholly")
        return status, amount, attention
    if status in GIVING_ACCESS:
        fitting = "refunded" if refunded == amount > 0 else "partially_refunded"
        fitting = fitting if refunded else "paid"
        if fitting != status:
            row.repaired("the status does not fit the refund: the refund counts")
        return fitting, refunded, attention
    return (*_finished(row, status, refunded), attention or _ATTENTION.get(status, ""))


def _finished(row: Reader, status: str, refunded: int) -> tuple[str, int]:
    """Close what was open: nobody comes back to a checkout of the old school."""
    if status == "pending":
        row.repaired("an unfinished checkout of the old school: it is closed")
        return "expired", 0
    if status == "processing":
        row.repaired("money was on its way: somebody has to look at the payment")
        return "needs_review", 0
    return status, refunded


_ATTENTION = {
    "processing": "The money was on its way when the school was imported.",
    "needs_review": "Somebody had to look at this payment in the old school already.",
    "undeliverable": "Somebody had to look at this payment in the old school already.",
}


def _stripe_id(row: Reader, column: str) -> str | None:
    found = values.line(row.get(column))
    if len(found) > 255:
        row.repaired("an id of Stripe's that is too long to be one: it is left out")
        return None
    return found or None


def _shown(row: Row) -> dict[str, str | None]:
    return {
        name: None if value is None else values.line(value)[:80]
        for name, value in row.items()
        if name not in _HIDDEN
    }


def _digest(row: Row) -> str:
    whole = json.dumps({name: values.text(value) for name, value in row.items()})
    return "#" + sha256(whole.encode()).hexdigest()[:32]


_READERS: dict[str, Callable[[Reader], Row]] = {
    "users": _user,
    "courses": _course,
    "chapters": _chapter,
    "chapter_completions": _completion,
    "enrollments": _enrollment,
    "student_progress": _student_progress,
    "access_requests": _request,
    "payments": _payment,
}
