"""The contract's invariants as SQL, told apart from the portal's own code on purpose.

Each SELECT finds the rows that must not be there, on either engine.
"""

from functools import cache
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

_SHARE = """
    coalesce(
        (SELECT count(*) FROM chapter_completions cc JOIN chapters ch ON ch.id = cc.chapter_id
         WHERE cc.student_id = e.user_id AND ch.course_id = e.course_id) * 100
        / nullif((SELECT count(*) FROM chapters ch WHERE ch.course_id = e.course_id), 0),
    0)"""

_FORBIDDEN = {
    "1 enrollment without its mirror": """
        SELECT e.user_id, e.course_id FROM enrollments e LEFT JOIN student_progress p
        ON p.student_id = e.user_id AND p.course_id = e.course_id WHERE p.id IS NULL""",
    "1 mirror without its enrollment": """
        SELECT p.student_id, p.course_id FROM student_progress p LEFT JOIN enrollments e
        ON e.user_id = p.student_id AND e.course_id = p.course_id WHERE e.id IS NULL""",
    "1 two enrollments of a pair": """
        SELECT user_id, course_id FROM enrollments GROUP BY user_id, course_id
        HAVING count(*) > 1""",
    "1 two mirrors of a pair": """
        SELECT student_id, course_id FROM student_progress GROUP BY student_id, course_id
        HAVING count(*) > 1""",
    "2 progress differs from its mirror": """
        SELECT e.user_id, e.course_id, e.progress, p.total_progress
        FROM enrollments e JOIN student_progress p
        ON p.student_id = e.user_id AND p.course_id = e.course_id
        WHERE p.total_progress <> e.progress""",
    "2 progress is not the share of chapters completed": f"""
        SELECT e.user_id, e.course_id, e.progress FROM enrollments e
        WHERE e.progress <> {_SHARE}""",
    "2 a date of completion on what is not complete, or none on what is": """
        SELECT user_id, course_id, progress, completed_at FROM enrollments
        WHERE (progress = 100) <> (completed_at IS NOT NULL)""",
    "2 two completions of a chapter": """
        SELECT student_id, chapter_id FROM chapter_completions
        GROUP BY student_id, chapter_id HAVING count(*) > 1""",
    "2 a completed course without its certificate": """
        SELECT e.user_id, e.course_id FROM enrollments e WHERE e.progress = 100
        AND NOT EXISTS (SELECT 1 FROM certificates c
            WHERE c.user_id = e.user_id AND c.course_id = e.course_id)""",
    "3 two pending requests of a pair": """
        SELECT student_id, course_id FROM access_requests WHERE status = 'pending'
        GROUP BY student_id, course_id HAVING count(*) > 1""",
    "3 pending beside an enrollment": """
        SELECT r.student_id, r.course_id FROM access_requests r JOIN enrollments e
        ON e.user_id = r.student_id AND e.course_id = r.course_id WHERE r.status = 'pending'""",
    "4 a decided request still in the queue": """
        SELECT r.id, r.status FROM access_requests r
        WHERE r.status <> 'pending' OR r.id IN (SELECT request_id FROM decisions)""",
    "4 a decision that does not say who, for whom or on what": """
        SELECT id FROM decisions WHERE decided_by_name = ''
        OR student_name = '' OR student_email = '' OR course_title = ''""",
    "5 a payment that no longer says what was bought or by whom": """
        SELECT id FROM payments WHERE (course_id IS NULL AND course_title = '')
        OR (user_id IS NULL AND user_email = '')""",
    "6 access without a source": """
        SELECT e.user_id, e.course_id FROM enrollments e WHERE NOT EXISTS (
            SELECT 1 FROM access_sources s
            WHERE s.user_id = e.user_id AND s.course_id = e.course_id)""",
    "6 a source without access": """
        SELECT s.user_id, s.course_id, s.kind FROM access_sources s WHERE NOT EXISTS (
            SELECT 1 FROM enrollments e
            WHERE e.user_id = s.user_id AND e.course_id = s.course_id)""",
    "6 a default source in a course that is not everybody's, or in spite of a waiver": """
        SELECT s.user_id, s.course_id FROM access_sources s JOIN courses c ON c.id = s.course_id
        WHERE s.kind = 'default' AND (NOT c.is_default_unlocked OR EXISTS (
            SELECT 1 FROM access_waivers w
            WHERE w.user_id = s.user_id AND w.course_id = s.course_id))""",
    "6 a student who is not in everybody's course": """
        SELECT u.id, c.id FROM users u CROSS JOIN courses c
        WHERE u.role = 'student' AND c.is_default_unlocked
        AND c.status IN ('published', 'active')
        AND NOT EXISTS (SELECT 1 FROM access_waivers w
            WHERE w.user_id = u.id AND w.course_id = c.id)
        AND NOT EXISTS (SELECT 1 FROM access_sources s
            WHERE s.user_id = u.id AND s.course_id = c.id AND s.kind = 'default')""",
    "6 an approval without its decision": """
        SELECT s.user_id, s.course_id, s.reference FROM access_sources s
        WHERE s.kind = 'approval' AND NOT EXISTS (
            SELECT 1 FROM decisions d WHERE d.id = s.reference AND d.status = 'approved'
            AND d.student_id = s.user_id AND d.course_id = s.course_id
            AND d.id NOT IN (SELECT decision_id FROM decision_reversals))""",
    "6 a purchase without its payment": """
        SELECT s.user_id, s.course_id, s.reference FROM access_sources s
        WHERE s.kind = 'payment' AND NOT EXISTS (
            SELECT 1 FROM payments p WHERE p.id = s.reference
            AND p.user_id = s.user_id AND p.course_id = s.course_id)""",
    "7 paid, and not let in": """
        SELECT p.id FROM payments p WHERE p.status IN ('paid', 'partially_refunded')
        AND p.user_id IS NOT NULL AND p.course_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM access_sources s WHERE s.kind = 'payment' AND s.reference = p.id
            AND s.user_id = p.user_id AND s.course_id = p.course_id)""",
    "7 a second payment without a note of the first, or a note of none": """
        SELECT p.id, p.attention FROM payments p WHERE coalesce((
            SELECT CASE WHEN p.status IN ('paid', 'partially_refunded') AND min(o.id) < p.id
                THEN p.attention NOT LIKE
                    '%also paid for this course with payment ' || min(o.id) || '.%' END
            FROM payments o WHERE o.status IN ('paid', 'partially_refunded')
            AND o.user_id = p.user_id AND o.course_id = p.course_id
        ), p.attention LIKE '%also paid for this course%')""",
    "9 more students than seats": """
        SELECT c.id, c.capacity FROM courses c WHERE c.capacity < (
            SELECT count(*) FROM enrollments e WHERE e.course_id = c.id)""",
    "9 more seats taken and held than there are": """
        SELECT c.id, c.capacity FROM courses c WHERE c.capacity < (
            SELECT count(*) FROM enrollments e WHERE e.course_id = c.id) + (
            SELECT count(*) FROM offers o WHERE o.course_id = c.id AND o.status = 'open')""",
    "9 two open offers of a pair": """
        SELECT student_id, course_id FROM offers WHERE status = 'open'
        GROUP BY student_id, course_id HAVING count(*) > 1""",
    "9 an open offer beside an enrollment": """
        SELECT o.student_id, o.course_id FROM offers o JOIN enrollments e
        ON e.user_id = o.student_id AND e.course_id = o.course_id WHERE o.status = 'open'""",
    "10 access that the trail does not tell of": """
        SELECT s.user_id, s.course_id, s.kind FROM access_sources s WHERE NOT EXISTS (
            SELECT 1 FROM audit_entries a WHERE a.action = 'access.granted'
            AND a.student_id = s.user_id AND a.course_id = s.course_id)""",
    "10 a decision that the trail does not tell of": """
        SELECT d.id FROM decisions d WHERE NOT EXISTS (
            SELECT 1 FROM audit_entries a WHERE a.action = 'request.' || d.status
            AND a.student_id = d.student_id AND a.course_id = d.course_id)""",
    "10 a decision taken back that the trail does not tell of": """
        SELECT d.id FROM decisions d JOIN decision_reversals r ON r.decision_id = d.id
        WHERE NOT EXISTS (SELECT 1 FROM audit_entries a WHERE a.action = 'decision.undone'
            AND a.student_id = d.student_id AND a.course_id = d.course_id)""",
}

_REFERENCES = {
    "address_changes": ("user_id",),
    "former_addresses": ("user_id",),
    "certificates": ("user_id", "course_id"),
    "notices": ("user_id", "course_id"),
    "offers": ("student_id", "course_id"),
    "access_requests": ("student_id", "course_id"),
    "access_sources": ("user_id", "course_id"),
    "access_waivers": ("user_id", "course_id"),
    "chapter_completions": ("student_id", "chapter_id"),
    "chapters": ("course_id",),
    "enrollments": ("user_id", "course_id"),
    "payments": ("user_id", "course_id"),
    "saved_filters": ("user_id",),
    "sign_ins": ("user_id",),
    "student_progress": ("student_id", "course_id"),
}
_TARGETS = {
    "user_id": "users",
    "student_id": "users",
    "course_id": "courses",
    "chapter_id": "chapters",
}


def violations(database: Session | Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows that break an invariant, by invariant; numbers are the contract's."""
    invariants = list(_forbidden().items())
    broken = [invariants[number] for (number,) in _rows(database, _broken())]
    return {name: _rows(database, query) for name, query in broken}


def assert_invariants(database: Session | Connection) -> None:
    """Fail unless every invariant that SQL can state holds."""
    found = violations(database)
    assert not found, found


@cache
def _broken() -> str:
    """Return one query for the numbers of what is broken: random tests ask it after each step."""
    return " UNION ALL ".join(
        f"SELECT {number} AS number WHERE EXISTS ({query})"
        for number, query in enumerate(_forbidden().values())
    )


@cache
def _forbidden() -> dict[str, str]:
    orphans = {
        f"5 {table}.{column} refers to nothing": f"""
            SELECT {column} FROM {table} WHERE {column} IS NOT NULL
            AND {column} NOT IN (SELECT id FROM {_TARGETS[column]})"""
        for table, columns in _REFERENCES.items()
        for column in columns
    }
    return _FORBIDDEN | orphans


def _rows(database: Session | Connection, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in database.execute(text(query))]
