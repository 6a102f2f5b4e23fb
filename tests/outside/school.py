"""A big school by raw inserts: thousands of rows in a second, as no verb could make them."""

from tests.conftest import Sql

_NUMBERS = (
    "WITH RECURSIVE n(i) AS (SELECT :since + 1 UNION ALL SELECT i + 1 FROM n WHERE i < :upto)"
)
_STUDENT = "(SELECT id FROM users WHERE email = 'student' || i || '@example.org')"
_COURSE = "(SELECT id FROM courses WHERE title = 'Course ' || (i % 10))"

_STATEMENTS = (
    """INSERT INTO users (email, name, role)
        SELECT 'student' || i || '@example.org', 'Student ' || i, 'student' FROM n""",
    f"""INSERT INTO enrollments (user_id, course_id, progress, enrolled_at)
        SELECT {_STUDENT}, c.id, 0, '2026-01-05 10:00:00'
        FROM n CROSS JOIN courses c WHERE c.title <> 'Course 0'""",
    f"""INSERT INTO student_progress (student_id, course_id, total_progress)
        SELECT {_STUDENT}, c.id, 0 FROM n CROSS JOIN courses c WHERE c.title <> 'Course 0'""",
    f"""INSERT INTO access_sources (user_id, course_id, kind)
        SELECT {_STUDENT}, c.id, 'admin' FROM n CROSS JOIN courses c WHERE c.title <> 'Course 0'""",
    f"""INSERT INTO access_requests (student_id, course_id)
        SELECT {_STUDENT}, (SELECT id FROM courses WHERE title = 'Course 0') FROM n""",
    f"""INSERT INTO payments (user_id, course_id, amount_cents, status, created_at)
        SELECT {_STUDENT}, {_COURSE}, 100, 'expired', CURRENT_TIMESTAMP FROM n""",
    f"""INSERT INTO decisions (request_id, student_id, student_name, student_email, course_id,
            course_title, status, requested_at, decided_by, decided_by_name)
        SELECT 1000000 + i, {_STUDENT}, 'Student ' || i, 's@example.org', {_COURSE},
            'Course', 'rejected', CURRENT_TIMESTAMP, 1, 'Ada' FROM n""",
    f"""INSERT INTO notices (user_id, kind, key, title, text, course_id)
        SELECT {_STUDENT}, 'rejected', 'raw-' || i, 'No', '', {_COURSE} FROM n""",
    f"""INSERT INTO certificates (user_id, course_id, code, student_name, course_title,
            completed_at)
        SELECT {_STUDENT}, {_COURSE}, '0000-0000-0000-0000-0000-' || (1000 + i),
            'Student', 'Course', CURRENT_TIMESTAMP FROM n""",
    f"""INSERT INTO audit_entries (action, actor_id, student_id, course_id, details)
        SELECT 'access.granted', 1, {_STUDENT}, c.id, '{{}}'
        FROM n CROSS JOIN courses c WHERE c.title <> 'Course 0'""",
)


def add_courses(sql: Sql) -> None:
    """Add courses of two chapters that everybody sees."""
    sql(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9)"
        " INSERT INTO courses (title, status) SELECT 'Course ' || i, 'published' FROM n",
    )
    sql(
        "INSERT INTO chapters (course_id, title, position)"
        " SELECT c.id, 'One', 1 FROM courses c UNION ALL SELECT c.id, 'Two', 2 FROM courses c"
    )


def add_students(sql: Sql, since: int, upto: int) -> None:
    """Add students, each enrolled in nine courses and waiting for the tenth."""
    sql(*(f"{_NUMBERS} {statement}" for statement in _STATEMENTS), since=since, upto=upto)


def enroll(sql: Sql, student_id: int, first: int, last: int) -> None:
    """Enroll a student in some of the courses, by the number in their titles."""
    chosen = f"courses WHERE title BETWEEN 'Course {first}' AND 'Course {last}'"
    sql(
        f"INSERT INTO enrollments (user_id, course_id) SELECT :id, id FROM {chosen}",
        f"INSERT INTO student_progress (student_id, course_id) SELECT :id, id FROM {chosen}",
        "INSERT INTO access_sources (user_id, course_id, kind)"
        f" SELECT :id, id, 'admin' FROM {chosen}",
        id=student_id,
    )
