"""A big school by set-based inserts, sound in every respect: a million enrollments in a minute."""

from sqlalchemy import Connection, text

COURSES = 50
CHAPTERS = 4
MOMENT = "2026-01-02 03:04:05.000000"


def _numbers(upto: int | str) -> str:
    return f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {upto})"


# Each student has completed none to all but one of the chapters of each course.
_DONE = f"((e.user_id + e.course_id) % {CHAPTERS})"

_COURSES = f"""{_numbers(COURSES)}
    INSERT INTO courses (title, status, created_at)
    SELECT 'Course ' || i, 'published', '{MOMENT}' FROM n"""
_CHAPTERS = f"""{_numbers(CHAPTERS)}
    INSERT INTO chapters (course_id, title, position) SELECT c.id, 'Chapter ' || i, i
    FROM courses c CROSS JOIN n"""
_STUDENTS = f"""{_numbers("{students}")}
    INSERT INTO users (email, name, role, created_at)
    SELECT 'student' || i || '@example.org', 'Student ' || i, 'student', '{MOMENT}' FROM n"""
_LEARNING = (
    f"""INSERT INTO chapter_completions (student_id, chapter_id, completed_at)
    SELECT e.user_id, ch.id, '{MOMENT}' FROM (
        SELECT u.id AS user_id, c.id AS course_id FROM users u CROSS JOIN courses c) e
    JOIN chapters ch ON ch.course_id = e.course_id AND ch.position <= {_DONE}""",
    f"""INSERT INTO enrollments (user_id, course_id, progress, enrolled_at)
    SELECT e.user_id, e.course_id, {_DONE} * 100 / {CHAPTERS}, '{MOMENT}'
    FROM (SELECT u.id AS user_id, c.id AS course_id FROM users u CROSS JOIN courses c) e""",
    f"""INSERT INTO student_progress (student_id, course_id, total_progress, last_activity_at)
    SELECT e.user_id, e.course_id, e.progress, CASE WHEN {_DONE} > 0 THEN {{time}} END
    FROM enrollments e""",
    f"""INSERT INTO access_sources (user_id, course_id, kind, granted_at)
    SELECT user_id, course_id, 'admin', '{MOMENT}' FROM enrollments""",
    f"""INSERT INTO payments (user_id, course_id, amount_cents, status, created_at)
    SELECT user_id, course_id, 900, 'expired', '{MOMENT}' FROM enrollments WHERE id % 20 = 0""",
)


def fill(connection: Connection, enrollments: int) -> None:
    """Fill an empty, migrated database; the caller commits."""
    is_sqlite = connection.dialect.name == "sqlite"
    time = f"'{MOMENT}'" if is_sqlite else f"CAST('{MOMENT}' AS timestamptz)"
    for statement in (_COURSES, _CHAPTERS, _STUDENTS, *_LEARNING):
        students = enrollments // COURSES
        connection.execute(text(statement.format(time=time, students=students)))
    connection.execute(text("ANALYZE"))
