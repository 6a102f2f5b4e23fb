"""SQLite's triggers that refuse an enrollment in a full course."""

from alembic import op

_CAPACITY = "(SELECT capacity FROM courses c WHERE c.id = NEW.course_id)"
_OTHERS = """(SELECT count(*) FROM enrollments e WHERE e.course_id = NEW.course_id)
        + (SELECT count(*) FROM offers o WHERE o.course_id = NEW.course_id AND o.status = 'open'
            AND o.student_id <> NEW.user_id)"""
_IS_NEW = """NOT EXISTS (
            SELECT 1 FROM enrollments e
            WHERE e.user_id = NEW.user_id AND e.course_id = NEW.course_id
        )"""


def respect_capacity(*, counts_always: bool) -> None:
    """Have them count who is in a course that has a capacity; with `counts_always`, in each.

    PostgreSQL's function has always left the others alone.
    """
    if op.get_bind().dialect.name != "sqlite":
        return
    is_limited = "1" if counts_always else f"{_CAPACITY} IS NOT NULL"
    for name, event, condition in (
        ("insert", "INSERT", _IS_NEW),
        ("update", "UPDATE OF course_id", "NEW.course_id <> OLD.course_id"),
    ):
        op.execute(f"DROP TRIGGER IF EXISTS enrollments_respect_capacity_{name}")
        op.execute(
            f"CREATE TRIGGER enrollments_respect_capacity_{name} BEFORE {event} ON enrollments"
            f" WHEN {is_limited} AND {condition} AND {_CAPACITY} <= {_OTHERS}"
            " BEGIN SELECT RAISE(ABORT, 'the course is full'); END"
        )
