"""Enrollments with their mirrors, sources, completions and certificates."""

from collections.abc import Iterator

from tests.bench.school.size import CHAPTERS
from tests.bench.school.spelling import Spelling

_COMPLETE = f"done = {CHAPTERS}"
_HOUR = 3600


def statements(sql: Spelling) -> Iterator[str]:
    """Return the statements that fill the tables of learning, from `pairs`."""
    share = f"done * 100 / {CHAPTERS}"
    last = sql.time(f"second + done * {_HOUR}")
    yield f"""INSERT INTO enrollments (id, user_id, course_id, progress, enrolled_at, completed_at)
        SELECT i, student, course, {share}, {sql.time("second")},
            CASE WHEN {_COMPLETE} THEN {last} END
        FROM pairs ORDER BY i"""
    yield f"""INSERT INTO student_progress (id, student_id, course_id, total_progress,
            last_activity_at)
        SELECT i, student, course, {share}, CASE WHEN done > 0 THEN {last} END
        FROM pairs ORDER BY i"""
    yield f"""INSERT INTO access_sources (id, user_id, course_id, kind, reference, granted_at,
            granted_by)
        SELECT i, student, course, kind,
            CASE WHEN kind IN ('payment', 'approval') THEN i ELSE 0 END, {sql.time("second")},
            CASE kind WHEN 'direct' THEN student WHEN 'approval' THEN 1 WHEN 'admin' THEN 1 END
        FROM pairs ORDER BY i"""
    yield f"""INSERT INTO chapter_completions (student_id, chapter_id, completed_at)
        SELECT student, ch.id, {sql.time(f"second + ch.position * {_HOUR}")}
        FROM pairs JOIN chapters ch ON ch.course_id = course AND ch.position <= done
        ORDER BY student, ch.id"""
    digits = "CAST(100000000 + i AS text)"
    yield f"""INSERT INTO certificates (user_id, course_id, code, student_name, course_title,
            completed_at, issued_at)
        SELECT student, course, 'BENC-HSCH-OOLX-0000-' || substr({digits}, 2, 4) || '-'
            || substr({digits}, 6, 4), u.name, c.title, {last}, {last}
        FROM pairs JOIN users u ON u.id = student JOIN courses c ON c.id = course
        WHERE {_COMPLETE} ORDER BY i"""
