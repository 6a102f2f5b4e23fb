"""Whatever an old database holds: it imports cleanly, adds up, validates clean, and only once."""

import re
from pathlib import Path
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.importing.conftest import import_soundly
from tests.importing.old import make

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
TEXT = st.sampled_from(["x", "", None, "Ünï ☃", "a\x01b", "x" * 300, 7])
EMAILS = st.sampled_from(["a@x.org", "A@X.ORG ", "b@x.org", "c@x.org", "d", "", None, "é@x.org"])


def _rows(**columns: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(st.fixed_dictionaries(columns), min_size=1, max_size=6)


MESS = st.fixed_dictionaries(
    {
        "users": _rows(id=IDS, email=EMAILS, name=TEXT, role=WORDS, passwordHash=TEXT),
        "courses": _rows(
            id=IDS, title=TEXT, status=WORDS, isDefaultUnlocked=FLAGS, isPublic=FLAGS,
            priceCents=NUMBERS, capacity=NUMBERS,
        ),
    },
    optional={
        "chapters": _rows(id=IDS, courseId=IDS, title=TEXT, position=NUMBERS),
        "chapter_completions": _rows(student_id=IDS, chapter_id=IDS, completed_at=DATES),
        "enrollments": _rows(userId=IDS, courseId=IDS, progress=NUMBERS, enrolledAt=DATES),
        "studentProgress": _rows(studentId=IDS, courseId=IDS, totalProgress=NUMBERS),
        "accessRequests": _rows(
            id=IDS, studentId=IDS, courseId=IDS, status=WORDS, createdAt=DATES, message=TEXT
        ),
        "payments": _rows(
            id=IDS, userId=IDS, courseId=IDS, amountCents=NUMBERS, status=WORDS,
            refundedCents=NUMBERS, stripeSessionId=IDS, stripePaymentIntentId=IDS, createdAt=DATES,
        ),
    },
)  # fmt: skip


@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(mess=MESS, school=st.integers(0, 10**9))
def test_any_mess_imports_cleanly_adds_up_and_comes_in_once(
    context: Flask, tmp_path: Path, mess: dict[str, list[dict[str, Any]]], school: int
) -> None:
    for user in mess["users"]:  # people of their own, or all after the first would be merged
        user["email"] = user["email"] and re.sub("(?i)@x", f"@x{school}", user["email"])
    old = tmp_path / "old.db"
    old.unlink(missing_ok=True)
    import_soundly(make(f"sqlite:///{old}", mess))
