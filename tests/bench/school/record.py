"""Requests and their decisions, the audit trail, notices and e-mails."""

from collections.abc import Iterator

from tests.bench.school.pairs import series
from tests.bench.school.size import ADMINS, VISIBLE, Size
from tests.bench.school.spelling import Spelling

_DAY = 86_400
_ADMIN = f"(1 + i % {ADMINS})"


def statements(size: Size, sql: Spelling, now: int) -> Iterator[str]:
    """Return the statements that fill the tables of what was asked, decided and told."""
    yield from _requests(size, sql, now)
    yield from _trail(sql)
    yield from _messages()


def _requests(size: Size, sql: Spelling, now: int) -> Iterator[str]:
    columns = """(id, request_id, student_id, student_name, student_email, course_id, course_title,
        status, reason, requested_at, decided_at, decided_by, decided_by_name)"""
    named = "FROM {0} JOIN users u ON u.id = {1} JOIN courses c ON c.id = {2} JOIN users a ON a.id"
    of_pairs = named.format("pairs", "student", "course")
    yield f"""INSERT INTO decisions {columns}
        SELECT i, i, student, u.name, u.email, course, c.title, 'approved', '',
            {sql.time(f"second - {_DAY}")}, {sql.time("second")}, a.id, a.name
        {of_pairs} = {_ADMIN} WHERE kind = 'approval' ORDER BY i"""
    second = f"{now} - ({size.students} - i) * 600"
    other = named.format("n", f"{ADMINS} + i", f"(i + 1) % {size.places} + 2")
    yield f"""{series(size.students)} INSERT INTO decisions {columns}
        SELECT {size.enrollments} + i, {size.enrollments} + i, u.id, u.name, u.email, c.id, c.title,
            'rejected', 'Next term.', {sql.time(f"{second} - {_DAY}")}, {sql.time(second)},
            a.id, a.name
        {other} = {_ADMIN} WHERE i % 4 = 0 ORDER BY i"""
    # One student in five waits for one of the courses that are requested, and is not in it yet.
    place = f"(i / 5 % {VISIBLE // 4} * 4 + 2)"
    yield f"""{series(size.students)}
        INSERT INTO access_requests (id, student_id, course_id, message, created_at)
        SELECT {size.enrollments + size.students} + i, {ADMINS} + i, {place} + 2,
            'Please let me in.',
            {sql.time(f"{now} - ({size.students} - i) * 30")}
        FROM n WHERE i % 5 = 0 AND {place} % {size.step} <> i % {size.step}
        ORDER BY i"""


def _trail(sql: Spelling) -> Iterator[str]:
    columns = """(at, action, actor_id, actor_name, student_id, student_name, course_id,
        course_title, reason, details)"""
    granted = sql.json("""'{"source": "' || kind || '", "reference": '
        || CASE WHEN kind IN ('payment', 'approval') THEN i ELSE 0 END || ', "enrolled": true}'""")
    yield f"""INSERT INTO audit_entries {columns}
        SELECT {sql.time("second")}, 'access.granted', a.id, coalesce(a.name, ''), student, u.name,
            course, c.title, '', {granted}
        FROM pairs JOIN users u ON u.id = student JOIN courses c ON c.id = course
        LEFT JOIN users a ON a.id = CASE kind WHEN 'direct' THEN student WHEN 'admin' THEN 1
            WHEN 'approval' THEN {_ADMIN} END
        ORDER BY i"""
    decided = sql.json("""'{"request_id": ' || request_id || '}'""")
    yield f"""INSERT INTO audit_entries {columns}
        SELECT decided_at, 'request.' || status, decided_by, decided_by_name, student_id,
            student_name, course_id, course_title, reason, {decided} FROM decisions ORDER BY id"""
    paid = sql.json("""'{"payment_id": ' || p.id || '}'""")
    yield f"""INSERT INTO audit_entries {columns}
        SELECT p.created_at, 'payment.' || p.status, NULL, '', u.id, u.name, c.id, c.title, '',
            {paid}
        FROM payments p JOIN users u ON u.id = p.user_id JOIN courses c ON c.id = p.course_id
        ORDER BY p.id"""


def _messages() -> Iterator[str]:
    yield """INSERT INTO notices (user_id, kind, key, title, text, reason, course_id, created_at,
            read_at)
        SELECT student_id, status, 'decision-' || id, 'Your request for ' || course_title, status,
            reason, course_id, decided_at, CASE WHEN id % 10 > 0 THEN decided_at END
        FROM decisions ORDER BY id"""
    yield """INSERT INTO notices (user_id, kind, key, title, text, course_id, payment_id,
            created_at, read_at)
        SELECT user_id, 'paid', 'payment-' || p.id || '-paid', 'You bought ' || c.title,
            'Thank you.', c.id, p.id, p.created_at, p.paid_at
        FROM payments p JOIN courses c ON c.id = p.course_id WHERE p.status = 'paid'
        ORDER BY p.id"""
    yield """INSERT INTO outbox_emails (key, recipient, subject, body, path, created_at, sent_at,
            attempts)
        SELECT 'decision-' || id, student_email, 'Your request for ' || course_title, '',
            '/student/requests', decided_at, decided_at, 1
        FROM decisions ORDER BY id"""
