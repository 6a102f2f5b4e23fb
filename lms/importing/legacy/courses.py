"""The old school's courses."""

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Integer,
    String,
    Text,
    exists,
    or_,
    select,
)

from lms.db import UtcDateTime, now
from lms.enrollment import intake
from lms.importing.legacy.job import Job
from lms.importing.legacy.prices import figure, in_minor_units
from lms.importing.legacy.questions import ACCESS, MONEY, NOT_READ, about
from lms.importing.legacy.row import NO_CURRENCY, OldRow
from lms.importing.legacy.rules import (
    change,
    comes_in,
    index_keys,
    merge_all_but_first,
    put,
    repair,
    set_origins,
)
from lms.importing.legacy.staging import Kind, batches, marks, scratch_table
from lms.importing.legacy.values import Row
from lms.importing.legacy.words import COURSES as STATUSES
from lms.importing.legacy.words import spelled
from lms.importing.present import AT_ONCE
from lms.models import Course
from lms.models.catalog import COURSE_FIELDS, LONGEST_CODE, LONGEST_FACT, VISIBLE_STATUSES
from lms.models.columns import LONGEST_TITLE
from lms.money import DEFAULT_CURRENCY, MAX_PRICE

courses = scratch_table(
    "courses",
    Column("title", String),
    Column("description", Text),
    Column("status", String),
    Column("is_public", Boolean),
    Column("is_default_unlocked", Boolean),
    Column("price_cents", Integer),
    Column("currency", String),
    Column("capacity", Integer),
    Column("code", String, index=True),
    Column("teacher", String),
    Column("duration", String),
    Column("created_at", UtcDateTime),
    Column("chapters", Integer, server_default="0"),
    Column("has_completions", Boolean, server_default="0"),
    Column("is_deleted", Boolean),
    Column("is_open", Boolean),  # the owner has to say its price or what its status means
    Column(
        "is_finished", Boolean, server_default="0"
    ),  # a draft of before whose price is known now
    Column("then_status", String),  # what it is to be once the price is known
    Column("then_public", Boolean),
    is_referred_to=True,
)
_FIELDS = tuple(name for name in (*COURSE_FIELDS, "created_at") if name in courses.c)


def _read(row: OldRow) -> Row:
    title = row.line("title", LONGEST_TITLE)
    if not title:
        row.repaired("no title: the old id is used")
        title = f"Course {row.key('id') or 'without id'}"[:LONGEST_TITLE]
    is_deleted, status = row.is_set("deleted_at"), _status(row)
    is_public = row.flag("is_public", default=spelled(row.get("visibility")) == "public")
    is_open_to_all = row.flag("is_default_unlocked", default=False)
    currency = row.currency()
    if currency is None:
        row.repaired(
            "the currency is unknown: the course is a draft until the currency is set", MONEY
        )
    price, why_not = _price(row, currency or DEFAULT_CURRENCY)
    if why_not:
        row.repaired(why_not, MONEY)
    if price and not row.is_given("currency"):
        row.repaired(NO_CURRENCY, MONEY)
    is_draft = bool(why_not) or currency is None
    capacity = _capacity(row, is_open_to_all)
    return row.staged(
        natural=row.digest(),
        title=title,
        description=row.text("description").strip(),
        status="draft" if is_draft and status != "archived" else status,
        is_public=is_public and not why_not,
        is_default_unlocked=is_open_to_all,
        price_cents=price,
        currency=currency or DEFAULT_CURRENCY,
        capacity=capacity,
        code=_code(row),
        teacher=_words(row, "teacher"),
        duration=_words(row, "duration"),
        created_at=row.moment("created_at") or now(),
        is_deleted=is_deleted,
        is_open=why_not == _OPEN or row.is_unknown("status"),
        then_status=status,
        then_public=is_public,
    )


_OPEN = "the price may be decimal or in minor units, so the course is a draft until you say which"


def _price(row: OldRow, currency: str) -> tuple[int, str]:
    """Return the price, and why nobody can join until it has been set; nothing is made free."""
    amount = row.amount("price_cents", "price", currency)
    price = amount.cents if amount.cents is not None and amount.is_given else 0
    if amount.is_open:
        return 0, _OPEN
    if amount.is_given and (amount.cents is None or not 0 <= price <= MAX_PRICE):
        return 0, "the price is unreadable: the course is a draft until the price is set"
    is_sold = (
        row.is_set("is_paid")
        or row.is_given("stripe_price")
        or (row.is_given("is_free") and not row.flag("is_free", default=True))
        or (figure(row.get("other_price")) or 0) > 0
    )
    if is_sold and not price:
        return 0, "it was sold, but at no known price: a draft until the price is set"
    return price, ""


def _capacity(row: OldRow, is_open_to_all: bool) -> int | None:
    capacity = row.whole("capacity")
    if row.is_given("capacity") and (capacity is None or capacity < 0):
        row.repaired("the capacity is unreadable: seats are unlimited", ACCESS)
        capacity = None
    if is_open_to_all and capacity is not None:
        row.repaired(
            "a course open to everyone can't have a limited capacity: the limit is removed"
        )
        capacity = None
    return capacity


def _code(row: OldRow) -> str | None:
    if not row.is_given("code"):
        return None
    code = row.line("code", len(row.text("code")))
    if not code or len(code) > LONGEST_CODE:
        why = f"is longer than {LONGEST_CODE} characters" if code else "has no visible characters"
        row.repaired(f"its code {why}: left out; give the course another one", NOT_READ)
        return None
    return code


def _words(row: OldRow, name: str) -> str:
    """Return what people wrote; a bare number refers to another row, or has an unknown unit."""
    words = row.line(name, LONGEST_FACT) or ""
    if words and not any(map(str.isalpha, words)):
        row.repaired(f"its {name} isn't text: left out", NOT_READ)
        return ""
    return words


def _status(row: OldRow) -> str:
    """Return the status that opens least of all that the old row says."""
    if row.is_set("deleted_at"):
        row.repaired("deleted in the earlier system: archived here, and nobody has access", ACCESS)
        return "archived"
    status = row.word("status", STATUSES, otherwise="draft", missing="published")
    if row.is_set("archived_at") and status != "draft":
        return "archived"
    marks_say = [row.is_set(name) for name in ("is_published", "is_active") if row.has(name)]
    if row.has("published_at"):
        marks_say.append(row.is_set("published_at") and row.has_come("published_at"))
    visible = status in VISIBLE_STATUSES
    return "draft" if visible and not all(marks_say) else status


_PRICES = ("price", "courseprice", "cost", "fee", "tuition", "amount", "baseprice", "listprice")
COURSES = Kind(
    courses,
    (
        *("id", "title", "description", "status", "is_public", "visibility", "is_default_unlocked"),
        *("price_cents", "price", "currency", "is_free", "is_paid", "stripe_price", "other_price"),
        *(
            "capacity",
            "code",
            "teacher",
            "duration",
            "is_published",
            "published_at",
            "is_active",
            "archived_at",
        ),
        *("deleted_at", "created_at"),
    ),
    _read,
    {
        "title": ("name", "coursename", "coursetitle"),
        "description": ("summary", "about", "details"),
        "status": ("state", "coursestatus"),
        "is_public": ("public", "isopen"),
        "is_default_unlocked": ("defaultunlocked", "isdefault", "unlockedbydefault"),
        "price_cents": in_minor_units(_PRICES),
        "price": _PRICES[1:],
        "currency": ("currencycode", "pricecurrency"),
        "is_free": ("free",),
        "is_paid": ("paid", "ispremium", "premium", "requirespayment"),
        "stripe_price": ("stripepriceid", "priceid", "stripeproductid"),
        "other_price": (
            "saleprice",
            "discountprice",
            "discountedprice",
            "regularprice",
            "originalprice",
            "compareatprice",
            "oldprice",
        ),
        "capacity": ("maxstudents", "seats", "maxseats", "seatlimit", "enrollmentlimit"),
        "code": ("coursecode", "sku", "shortname", "coursenumber"),
        "teacher": ("instructor", "teachername", "instructorname"),
        "duration": ("courselength", "courseduration"),
        "is_published": ("published", "islive", "isvisible", "visible"),
        "is_active": ("active", "isenabled", "enabled"),
        "archived_at": marks("archived"),
        "deleted_at": marks("deleted removed"),
        "created_at": ("createdon",),
    },
    called=("course",),
    needs=("title",),
    money={"price": "price_cents"},
)


def merge_same(job: Job) -> None:
    """Let rows of the same id and title be one course."""
    same = [courses.c.key, courses.c.title]
    merge_all_but_first(job.scratch, courses, "the same course as an earlier row", same)
    set_origins(job.scratch, courses)
    change(job.scratch, courses, label=courses.c.title)


def decide(job: Job) -> None:
    """Find the courses that came from this school before."""
    job.merge_known(courses, Course)
    _keep_codes_apart(job)
    _finish_drafts(job)
    index_keys(job.scratch, courses)


def _keep_codes_apart(job: Job) -> None:
    """Leave out a code that several courses have: whoever uses it would mean the wrong one."""
    other = courses.alias()
    shared = exists().where(
        other.c.code == courses.c.code,
        other.c.row != courses.c.row,
        other.c.row == other.c.winner,
        comes_in(other),
        or_(courses.c.is_deleted, ~other.c.is_deleted),
    )
    has_shared = select(courses.c.row).where(courses.c.row == courses.c.winner, shared)
    _drop_code(job, "several courses of the earlier system have", courses.c.row.in_(has_shared))
    has_code = (courses.c.verdict.is_(None), courses.c.code.is_not(None))
    for rows in batches(job.scratch, courses, *has_code, size=AT_ONCE):
        codes = [row.code for row in rows]
        here = set(job.session.scalars(select(Course.code).where(Course.code.in_(codes))))
        taken = [row.row for row in rows if row.code in here]
        _drop_code(job, "another course here has", courses.c.row.in_(taken))


def _drop_code(job: Job, who: str, *where: Any) -> None:
    reason = about(NOT_READ, f"{who} its code: left out; give each course a code of its own")
    repair(job.scratch, courses, reason, *where, code=None)


def _finish_drafts(job: Job) -> None:
    """Find drafts of an earlier import whose price is known now, and that nobody has touched."""
    priced = (courses.c.verdict == "merged", ~courses.c.is_open, courses.c.target.is_not(None))
    for rows in batches(job.scratch, courses, *priced, size=AT_ONCE):
        known = job.known(_OPEN_PRICES, [row.origin for row in rows])
        drafts = job.session.execute(
            select(Course.id, Course.price_cents).where(
                Course.id.in_(known.values()), Course.status == "draft"
            )
        )
        prices = {draft.id: draft.price_cents for draft in drafts}
        finished = [
            {"row": row.row, "is_finished": True, "reason": _FINISHED}
            for row in rows
            if row.origin in known and prices.get(row.target) in {0, row.price_cents}
        ]
        put(job.scratch, courses, finished)
        job.finishes += len(finished)


def write(job: Job) -> None:
    """Add the courses, and finish drafts whose price is known now."""
    for rows in job.coming(courses):
        new = [{name: getattr(row, name) for name in _FIELDS} for row in rows]
        ids = intake.add_courses(job.session, new)
        job.settle(courses, rows, ids)
        open_ = [(row, each) for row, each in zip(rows, ids, strict=True) if row.is_open]
        job.remember(_OPEN_PRICES, [(row.origin, "", each) for row, each in open_])
    for rows in batches(job.scratch, courses, courses.c.is_finished):
        intake.finish_courses(
            job.session,
            [
                {
                    "id": row.target,
                    "price_cents": row.price_cents,
                    "currency": row.currency,
                    "status": row.then_status,
                    "is_public": row.then_public,
                }
                for row in rows
            ],
        )
        job.forget(_OPEN_PRICES, [row.origin for row in rows])


_OPEN_PRICES = "open_prices"
_FINISHED = about(MONEY, "imported before as a draft: its price and status are set now")


def open_to_all(job: Job) -> None:
    """Let every student into every course that is open to all, old or new."""
    intake.grant_default_courses(job.session)
