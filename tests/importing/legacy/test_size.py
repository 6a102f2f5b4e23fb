"""A big old school is counted at the end of its import, and nothing else is different."""

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from lms import schema
from lms.enrollment import intake
from lms.ledger import counting
from lms.transaction import transactional
from tests.importing.conftest import Import
from tests.importing.old import PEOPLE


def test_what_is_counted_at_the_end_is_right(
    bring_in: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "MANY", 1)
    pair = {"userId": 1, "courseId": 1}
    paid = {"amountCents": 900, "currency": "eur", "createdAt": "2025-03-01T10:00:00Z"}
    decided = {"createdAt": "2025-03-01T10:00:00Z", "reviewedAt": "2025-03-02T10:00:00Z"}
    report = bring_in(
        {
            "users": PEOPLE,
            "courses": [{"id": 1, "title": "A", "priceCents": 900, "currency": "eur"}],
            "chapters": [{"id": 1, "courseId": 1, "title": "One", "position": 1}],
            "enrollments": [{"id": 1, **pair, "enrolledAt": "2025-03-01T10:00:00Z"}],
            "chapterCompletions": [
                {"userId": 1, "chapterId": 1, "completedAt": "2025-03-04T10:00:00Z"}
            ],
            "accessRequests": [
                {"id": 1, "studentId": 2, "courseId": 1, "status": "approved", **decided},
                {"id": 2, "studentId": 3, "courseId": 1, "status": "pending", **decided},
                {"id": 3, "studentId": 4, "courseId": 1, "status": "rejected", **decided},
            ],
            "payments": [{"id": 1, **pair, **paid, "status": "paid"}],
        }
    )
    assert report.refused == 0
    assert schema.missing() == []  # that the sums are right, `bring_in` has seen


def test_only_what_counts_rests_meanwhile(context: Flask) -> None:
    if context.config["DATABASE_URL"].startswith("sqlite"):
        known = schema.TRIGGERS["sqlite"]
        counting_them = {name for name in known if "_count_" in name or "_parts_" in name}
        assert _acting_meanwhile() == known - counting_them
    else:
        assert _acting_meanwhile() == schema.TRIGGERS["postgresql"]
    assert schema.missing() == []


@transactional
def _acting_meanwhile(session: Session) -> set[str]:
    names = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'",
    }
    with counting.counting_once(session):
        connection = session.connection()
        return set(connection.exec_driver_sql(names[connection.dialect.name]).scalars())
