"""What no table can say by itself: the mirror's second key, and triggers."""

from alembic import op


def create() -> None:
    _hold_enrollments_to_their_mirror()
    _create_triggers()


def drop() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for name in _POSTGRESQL_TRIGGERS:
            op.execute(f"DROP FUNCTION IF EXISTS {name}()")


def _hold_enrollments_to_their_mirror() -> None:
    # SQLite took this key inline, in CREATE TABLE; PostgreSQL needs the other table first.
    if op.get_bind().dialect.name == "postgresql":
        op.create_foreign_key(
            "fk_enrollments_mirror",
            "enrollments",
            "student_progress",
            ["user_id", "course_id", "progress"],
            ["student_id", "course_id", "total_progress"],
            initially="DEFERRED",
            deferrable=True,
        )


def _create_triggers() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name, (event, body) in _SQLITE_TRIGGERS.items():
            op.execute(f"CREATE TRIGGER {name} {event} BEGIN {body} END")
        return
    for name, (event, body) in _POSTGRESQL_TRIGGERS.items():
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$"
        )
        each = "STATEMENT" if event.startswith("BEFORE TRUNCATE") else "ROW"
        op.execute(f"CREATE TRIGGER {name} {event} FOR EACH {each} EXECUTE FUNCTION {name}()")


_SQLITE_PENDING = """
WHEN NEW.status = 'pending' AND EXISTS (
    SELECT 1 FROM enrollments e WHERE e.user_id = NEW.student_id AND e.course_id = NEW.course_id
)"""
_SQLITE_REFUSE_PENDING = (
    "SELECT RAISE(ABORT, 'a pending request cannot stand beside an enrollment');"
)
_SQLITE_SUPERSEDE = """
DELETE FROM access_requests
WHERE student_id = NEW.user_id AND course_id = NEW.course_id AND status = 'pending';"""
_SQLITE_REFUSE_CHANGE = "SELECT RAISE(ABORT, 'this record is kept for good');"

_SQLITE_TRIGGERS = {
    "access_requests_refuse_pending_insert": (
        f"BEFORE INSERT ON access_requests {_SQLITE_PENDING}",
        _SQLITE_REFUSE_PENDING,
    ),
    "access_requests_refuse_pending_update": (
        f"BEFORE UPDATE OF student_id, course_id, status ON access_requests {_SQLITE_PENDING}",
        _SQLITE_REFUSE_PENDING,
    ),
    "enrollments_supersede_insert": ("AFTER INSERT ON enrollments", _SQLITE_SUPERSEDE),
    "enrollments_supersede_update": (
        "AFTER UPDATE OF user_id, course_id ON enrollments",
        _SQLITE_SUPERSEDE,
    ),
    "enrollments_respect_capacity_insert": (
        """BEFORE INSERT ON enrollments
        WHEN NOT EXISTS (
            SELECT 1 FROM enrollments e
            WHERE e.user_id = NEW.user_id AND e.course_id = NEW.course_id
        ) AND (SELECT capacity FROM courses c WHERE c.id = NEW.course_id) <= (
            SELECT count(*) FROM enrollments e WHERE e.course_id = NEW.course_id
        )""",
        "SELECT RAISE(ABORT, 'the course is full');",
    ),
    "enrollments_respect_capacity_update": (
        """BEFORE UPDATE OF course_id ON enrollments
        WHEN NEW.course_id <> OLD.course_id
        AND (SELECT capacity FROM courses c WHERE c.id = NEW.course_id) <= (
            SELECT count(*) FROM enrollments e WHERE e.course_id = NEW.course_id
        )""",
        "SELECT RAISE(ABORT, 'the course is full');",
    ),
    "courses_respect_capacity": (
        """BEFORE UPDATE OF capacity ON courses
        WHEN NEW.capacity < (SELECT count(*) FROM enrollments e WHERE e.course_id = NEW.id)""",
        "SELECT RAISE(ABORT, 'more students are enrolled than this capacity');",
    ),
    "audit_entries_refuse_update": ("BEFORE UPDATE ON audit_entries", _SQLITE_REFUSE_CHANGE),
    "audit_entries_refuse_delete": ("BEFORE DELETE ON audit_entries", _SQLITE_REFUSE_CHANGE),
    "decisions_refuse_update": ("BEFORE UPDATE ON decisions", _SQLITE_REFUSE_CHANGE),
    "decisions_refuse_delete": ("BEFORE DELETE ON decisions", _SQLITE_REFUSE_CHANGE),
}

# The locks: without them two transactions that do not see each other's row both pass. The order,
# course before user, is that of the verbs, so that they cannot deadlock with one another.
_POSTGRESQL_REFUSE_CHANGE = (
    "RAISE EXCEPTION 'this record is kept for good' USING ERRCODE = '23514';"
)

_POSTGRESQL_TRIGGERS = {
    "access_requests_refuse_pending": (
        "BEFORE INSERT OR UPDATE OF student_id, course_id, status ON access_requests",
        """
        IF NEW.status = 'pending' THEN
            PERFORM 1 FROM users WHERE id = NEW.student_id FOR NO KEY UPDATE;
            IF EXISTS (
                SELECT 1 FROM enrollments e
                WHERE e.user_id = NEW.student_id AND e.course_id = NEW.course_id
            ) THEN
                RAISE EXCEPTION 'a pending request cannot stand beside an enrollment'
                USING ERRCODE = '23514';
            END IF;
        END IF;
        RETURN NEW;
        """,
    ),
    "enrollments_supersede": (
        "AFTER INSERT OR UPDATE OF user_id, course_id ON enrollments",
        """
        PERFORM 1 FROM users WHERE id = NEW.user_id FOR NO KEY UPDATE;
        DELETE FROM access_requests
        WHERE student_id = NEW.user_id AND course_id = NEW.course_id AND status = 'pending';
        RETURN NULL;
        """,
    ),
    "enrollments_respect_capacity": (
        "BEFORE INSERT OR UPDATE OF course_id ON enrollments",
        """
        IF (SELECT capacity FROM courses WHERE id = NEW.course_id) IS NULL THEN
            RETURN NEW;
        END IF;
        PERFORM 1 FROM courses WHERE id = NEW.course_id FOR NO KEY UPDATE;
        IF NOT EXISTS (
            SELECT 1 FROM enrollments e
            WHERE e.user_id = NEW.user_id AND e.course_id = NEW.course_id
        ) AND (SELECT capacity FROM courses WHERE id = NEW.course_id) <= (
            SELECT count(*) FROM enrollments e WHERE e.course_id = NEW.course_id
        ) THEN
            RAISE EXCEPTION 'the course is full' USING ERRCODE = '23514';
        END IF;
        RETURN NEW;
        """,
    ),
    "courses_respect_capacity": (
        "BEFORE UPDATE OF capacity ON courses",
        """
        IF NEW.capacity < (SELECT count(*) FROM enrollments e WHERE e.course_id = NEW.id) THEN
            RAISE EXCEPTION 'more students are enrolled than this capacity'
            USING ERRCODE = '23514';
        END IF;
        RETURN NEW;
        """,
    ),
    "audit_entries_refuse_change": (
        "BEFORE UPDATE OR DELETE ON audit_entries",
        _POSTGRESQL_REFUSE_CHANGE,
    ),
    "audit_entries_refuse_truncate": (
        "BEFORE TRUNCATE ON audit_entries",
        _POSTGRESQL_REFUSE_CHANGE,
    ),
    "decisions_refuse_change": ("BEFORE UPDATE OR DELETE ON decisions", _POSTGRESQL_REFUSE_CHANGE),
    "decisions_refuse_truncate": ("BEFORE TRUNCATE ON decisions", _POSTGRESQL_REFUSE_CHANGE),
}
