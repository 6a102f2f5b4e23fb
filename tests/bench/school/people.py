"""People, and the courses that they come for."""

from collections.abc import Iterator

from tests.bench.school.pairs import series
from tests.bench.school.size import ADMINS, CHAPTERS, PRICE, VISIBLE, Size
from tests.bench.school.spelling import Spelling

CHINESE_NAME = "王小明"
"""Student number 1, who has completed her second course."""
_FIRST = (
    *("Amélie", "Björn", "Chiara", "Daniel", "Emre", "Fatima", "Grace", "Hugo", "Ines", "Jakub"),
    *("Keiko", "Liam", "Maria", "Nina", "Olga", "Pavel", "Rosa", "Samir", "Tomás", "Zoë"),
)
_LAST = (
    *("Andersson", "Bianchi", "Costa", "Dvořák", "Eriksen", "Fischer", "García", "Horváth"),
    *("Ivanova", "Jansen", "Kowalski", "Larsen", "Müller", "Novák", "Okafor", "Pereira", "Rossi"),
    *("Silva", "Tanaka", "Ueda", "Varga", "Weber", "Yildiz"),
)
_SUBJECTS = ("Algebra", "Biology", "Chemistry", "Drawing", "Economics", "French", "Geography")


def statements(size: Size, sql: Spelling, began: int, now: int) -> Iterator[str]:
    """Return the statements that fill the tables of people and courses."""
    start = sql.time(str(began))
    yield f"""{series(ADMINS)} INSERT INTO users (id, email, name, role, created_at)
        SELECT i, 'admin' || i || '@example.org', 'Admin ' || i, 'admin', {start} FROM n"""
    came = f"{began} + CAST(i AS bigint) * {now - began} / {size.students + 1}"
    yield f"""{series(size.students)}, first(f, first_name) AS (VALUES {_numbered(_FIRST)}),
        last(l, last_name) AS (VALUES {_numbered(_LAST)})
        INSERT INTO users (id, email, name, role, created_at)
        SELECT {ADMINS} + i, 'student' || i || '@example.org',
            CASE i WHEN 1 THEN '{CHINESE_NAME}' ELSE first_name || ' ' || last_name END,
            'student', {sql.time(came)}
        FROM n JOIN first ON f = i % {len(_FIRST)} JOIN last ON l = i / 7 % {len(_LAST)}
        ORDER BY i"""
    recently = f"{now} - i * 10"  # two students in ten have the portal open somewhere
    yield f"""{series(size.students // 5)}
        INSERT INTO sign_ins (token_hash, user_id, created_at, expires_at)
        SELECT 'nobody-{"0" * 48}' || (100000000 + i), {ADMINS} + i * 5, {sql.time(recently)},
            {sql.time(f"{recently} + 1209600")} FROM n"""
    yield from _catalogue(size, start)


def _catalogue(size: Size, start: str) -> Iterator[str]:
    yield f"""INSERT INTO courses (id, title, description, status, is_default_unlocked, created_at)
        VALUES (1, 'Welcome', 'How this school works.', 'published', TRUE, {start})"""
    status = f"""CASE WHEN i - 1 >= {VISIBLE + 5} THEN 'archived' WHEN i - 1 >= {VISIBLE}
        THEN 'draft' WHEN i % 3 = 0 THEN 'active' ELSE 'published' END"""
    yield f"""{series(size.places)}, subject(f, subject) AS (VALUES {_numbered(_SUBJECTS)})
        INSERT INTO courses (id, title, description, status, is_public, price_cents, capacity,
            created_at)
        SELECT i + 1, subject || ' ' || i, 'What ' || subject || ' is about, in ' || i || ' words.',
            {status}, i % 4 = 1, CASE i % 4 WHEN 2 THEN {PRICE} ELSE 0 END,
            CASE i % 8 WHEN 0 THEN {size.enrollments} END, {start}
        FROM n JOIN subject ON f = i % {len(_SUBJECTS)} ORDER BY i"""
    body = "'# Chapter ' || i || '\n\nRead *this*, then **do** that.'"
    yield f"""{series(CHAPTERS)} INSERT INTO chapters (id, course_id, title, position, body)
        SELECT (c.id - 1) * {CHAPTERS} + i, c.id, 'Chapter ' || i, i, {body}
        FROM courses c CROSS JOIN n ORDER BY c.id, i"""


def _numbered(words: tuple[str, ...]) -> str:
    return ", ".join(f"({number}, '{word}')" for number, word in enumerate(words))
