"""Whatever an old database holds: it imports cleanly, adds up, validates clean, and only once.

No paid course becomes free by it, and nobody gets access whose access had ended.
"""

import re
from collections import defaultdict
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lms.importing.legacy.values import key, text
from tests.conftest import Sql
from tests.importing.conftest import import_soundly
from tests.importing.old import make

SCHOOLS = count(1)
IDS = st.sampled_from(
    [1, "1", 2, 3.0, "abc", "ABC ", None, "", -1, "3F2504E0-4F89-11D3-9A0C-0305E82C3301"]
)
NUMBERS = st.sampled_from([0, 1, 2, 50, 100, 101, -1, 33.3, "60", "7,5", "many", None, "", 10**12])
FLAGS = st.sampled_from([0, 1, "t", "False", "yes", "?", None])
DATES = st.sampled_from(
    [None, "2024-02-30", "2024-02-28T10:00:00+05:00", 1.7e9, "infinity", "0000-00-00"]
)
WORDS = st.sampled_from(
    [
        *("pending", " Approved", "REJECTED", "published", "ACTIVE ", "draft", "admin", "student"),
        *("paid", "refunded", "partially_refunded", "disputed", "processing", "?", "", None),
    ]
)
PRICES = st.sampled_from([0, 1999, 19.99, "20.00", "19,99 €", "ask us", 0.0, "", None])
ENDED = st.sampled_from([None, None, "2026-01-01", "2025-06-01 10:00:00.000 +00:00", "long ago"])
OVER = ("CANCELLED", "dropped", "expired", "pending", "vip")
STATES = st.sampled_from(["ACTIVE", "enrolled", None, *OVER])
TEXT = st.sampled_from(["x", "", None, "Ünï ☃", "a\x01b", "x" * 300, 7])
EMAILS = st.sampled_from(["a@x.org", "A@X.ORG ", "b@x.org", "c@x.org", "d", "", None, "é@x.org"])


def _rows(**columns: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(st.fixed_dictionaries(columns), min_size=1, max_size=6)


MESS = st.fixed_dictionaries(
    {
        "users": _rows(
            id=IDS, email=EMAILS, name=TEXT, role=WORDS, passwordHash=TEXT, deletedAt=ENDED
        ),
        "courses": _rows(
            id=IDS, title=TEXT, status=WORDS, isDefaultUnlocked=FLAGS, isPublic=FLAGS,
            price=PRICES, capacity=NUMBERS,
        ),
    },
    optional={
        "chapters": _rows(id=IDS, courseId=IDS, title=TEXT, position=NUMBERS),
        "chapter_completions": _rows(student_id=IDS, chapter_id=IDS, completed_at=DATES),
        "enrollments": _rows(
            userId=IDS, courseId=IDS, progress=NUMBERS, enrolledAt=DATES, status=STATES,
            deletedAt=ENDED,
        ),
        "studentProgress": _rows(studentId=IDS, courseId=IDS, totalProgress=NUMBERS),
        "accessRequests": _rows(
            id=IDS, studentId=IDS, courseId=IDS, status=WORDS, createdAt=DATES, message=TEXT
        ),
        "payments": _rows(
            id=IDS, userId=IDS, courseId=IDS, amount=PRICES, status=WORDS,
            refundedCents=NUMBERS, stripeSessionId=IDS, stripePaymentIntentId=IDS, createdAt=DATES,
        ),
    },
)  # fmt: skip


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    mess=MESS,
    prices=st.sampled_from([[], [], ["decimal"], ["minor"]]),
)
def test_any_mess_imports_cleanly_adds_up_and_comes_in_once(
    context: Flask,
    tmp_path: Path,
    sql: Sql,
    *,
    mess: dict[str, list[dict[str, Any]]],
    prices: list[str],
) -> None:
    school = next(SCHOOLS)
    for user in mess["users"]:  # people of their own, or all after the first would be merged
        user["email"] = user["email"] and re.sub("(?i)@x", f"@x{school}", user["email"])
    for number, course in enumerate(mess["courses"]):
        course["title"] = f"{school}/{number} {text(course['title'])[:50]}"
    if "chapter_completions" in mess:  # without any chapters, they stop the import
        mess.setdefault("chapters", [{"id": 1, "courseId": 1, "title": "One", "position": 1}])
    old = tmp_path / "old.db"
    old.unlink(missing_ok=True)
    import_soundly(make(f"sqlite:///{old}", mess), prices=prices)
    _assert_no_paid_course_is_free(mess, sql)
    _assert_what_had_ended_has_ended(mess, sql)


def _assert_no_paid_course_is_free(mess: dict[str, list[dict[str, Any]]], sql: Sql) -> None:
    free = (
        "SELECT title FROM courses WHERE price_cents = 0 AND is_public"
        " AND status IN ('published', 'active')"
    )
    titles = {row.title.partition(" ")[0] for row in sql(free)}
    for course in mess["courses"]:
        if course["price"] not in {0, "", None}:
            assert course["title"].partition(" ")[0] not in titles, course


def _assert_what_had_ended_has_ended(mess: dict[str, list[dict[str, Any]]], sql: Sql) -> None:
    """Fail if somebody has access of whom every old row for the course says that it was over."""
    people = _meant(mess["users"], lambda user: text(user["email"]).strip().lower())
    courses = _meant(mess["courses"], lambda course: str(course["title"]).partition(" ")[0])
    has_ended: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for row in mess.get("enrollments", []):
        email, title = people.get(key(row["userId"])), courses.get(key(row["courseId"]))
        if email and title:
            is_over = row["status"] in OVER or row["deletedAt"] is not None
            has_ended[email, title].append(is_over)
    given = {
        (row.email, row.title.partition(" ")[0])
        for row in sql(
            "SELECT u.email, c.title FROM access_sources s JOIN users u ON u.id = s.user_id"
            " JOIN courses c ON c.id = s.course_id WHERE s.kind <> 'default'"
        )
    }
    over = {pair for pair, rows in has_ended.items() if all(rows)}
    assert not over & given
    accounts: dict[str, list[bool]] = defaultdict(list)
    for user in mess["users"]:
        accounts[text(user["email"]).strip().lower()].append(user["deletedAt"] is not None)
    deleted = {email for email, rows in accounts.items() if all(rows)}
    assert not deleted & {email for email, _ in given}
    active = {row.email for row in sql("SELECT email FROM users WHERE is_active")}
    assert not deleted & active


def _meant(
    rows: list[dict[str, Any]], name: Callable[[dict[str, Any]], str]
) -> dict[str | None, str | None]:
    """Return whom an old id means; nobody where it could be two."""
    found: dict[str | None, set[str]] = defaultdict(set)
    for row in rows:
        found[key(row["id"])].add(name(row))
    return {each: next(iter(names)) if len(names) == 1 else None for each, names in found.items()}
