from flask import Flask
from sqlalchemy import func, select

from lms import enrollment, schema, sync
from lms.db import db
from tests.bench.school import Size, fill
from tests.bench.school.size import ADMINS, DIRECT, course_id, student_id
from tests.invariants import assert_invariants

SIZE = Size(3_000)
FILLED = {
    *("users", "sign_ins", "courses", "chapters", "enrollments", "student_progress"),
    *("access_sources", "chapter_completions", "certificates", "access_requests", "decisions"),
    *("payments", "stripe_sessions", "stripe_refunds", "stripe_disputes"),
    *("audit_entries", "notices", "outbox_emails"),
}


def test_a_filled_school_is_sound(context: Flask) -> None:
    fill(db.engine, SIZE)
    assert sync.validate().ok
    assert_invariants(db.session())


def test_what_the_fill_took_away_is_back(context: Flask) -> None:
    before = _parts()
    fill(db.engine, SIZE)
    assert schema.missing() == []
    assert _parts() == before


def test_a_filled_school_has_something_of_all(context: Flask) -> None:
    fill(db.engine, SIZE)
    assert {name for name in FILLED if not _count(name)} == set()
    assert _count("enrollments") == SIZE.enrollments


def test_life_goes_on_in_a_filled_school(context: Flask) -> None:
    fill(db.engine, SIZE)
    number, place = 1, DIRECT
    assert not SIZE.is_enrolled(number, place)
    enrollment.enroll_directly(student_id(number), course_id(place))
    assert enrollment.enroll_directly(student_id(number), course_id(place)).is_new is False
    waiting = db.session.scalar(select(func.max(db.metadata.tables["access_requests"].c.id)))
    assert waiting
    db.session.rollback()
    enrollment.approve(waiting, by=ADMINS)
    assert sync.validate().ok


def _count(table: str) -> int:
    return db.session.scalar(select(func.count()).select_from(db.metadata.tables[table])) or 0


def _parts() -> set[str]:
    """Return the definitions of all indexes and triggers."""
    told = {
        "sqlite": "SELECT name || coalesce(sql, '') FROM sqlite_master WHERE type <> 'table'",
        "postgresql": "SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema()"
        " UNION ALL SELECT tgname || CAST(tgenabled AS text) FROM pg_trigger",
    }
    with db.engine.connect() as connection:
        return set(connection.exec_driver_sql(told[connection.dialect.name]).scalars())
