"""An old school of any size, as another program might have kept it: to be imported, and timed."""

import time
from collections.abc import Iterator

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.bench.school.pairs import pairs, series
from tests.bench.school.size import ADMINS, CHAPTERS, PRICE, Size
from tests.bench.school.spelling import SPAN, SPELLINGS, Spelling

_HASH = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43
_HOUR = 3600


def make_old_school(url: str, size: Size) -> None:
    """Write one into an empty database: people, courses, enrollments and what was learned and paid.

    Each pair of `tests/bench/school` has an enrollment and a row of progress; what was bought has a
    payment, and what was approved a request.
    """
    address = url.replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(address, poolclass=NullPool)
    with engine.begin() as connection:
        for statement in _statements(size, SPELLINGS[engine.dialect.name]):
            connection.execute(text(statement))
    engine.dispose()


def _statements(size: Size, sql: Spelling) -> Iterator[str]:
    now = int(time.time())
    began = now - SPAN
    start = sql.time(str(began))
    yield from pairs(size, began, SPAN - 86_400)
    people = ADMINS + size.students
    yield f"""CREATE TABLE users AS {series(people)} SELECT i AS id,
        'student' || i || '@example.org' AS email, 'Kim Doe ' || i AS name,
        '{_HASH}' AS "passwordHash",
        CASE WHEN i <= {ADMINS} THEN 'admin' ELSE 'student' END AS role,
        {start} AS "createdAt" FROM n"""
    yield f"""CREATE TABLE courses AS {series(size.places + 1)} SELECT i AS id,
        'Course ' || i AS title, 'What it is about.' AS description, 'published' AS status,
        FALSE AS "isPublic", CASE (i - 2) % 4 WHEN 1 THEN {PRICE} ELSE 0 END AS "priceCents",
        'eur' AS currency, {start} AS "createdAt" FROM n"""
    yield f"""CREATE TABLE chapters AS {series(CHAPTERS)} SELECT (c.id - 1) * {CHAPTERS} + i AS id,
        c.id AS "courseId", 'Chapter ' || i AS title, i AS position, 'Read this.' AS body
        FROM courses c CROSS JOIN n ORDER BY c.id, i"""
    share = f"done * 100 / {CHAPTERS}"
    last = sql.time(f"second + done * {_HOUR}")
    yield f"""CREATE TABLE enrollments AS SELECT i AS id, student AS "userId", course AS "courseId",
        {share} AS progress, {sql.time("second")} AS "enrolledAt",
        CASE done WHEN {CHAPTERS} THEN {last} END AS "completedAt" FROM pairs ORDER BY i"""
    yield f"""CREATE TABLE "studentProgress" AS SELECT i AS id, student AS "studentId",
        course AS "courseId", {share} AS "totalProgress", {last} AS "lastActivityAt"
        FROM pairs ORDER BY i"""
    yield f"""CREATE TABLE "chapterCompletions" AS SELECT student AS "userId",
        ch.id AS "chapterId", {sql.time(f"second + ch.position * {_HOUR}")} AS "completedAt"
        FROM pairs JOIN chapters ch ON ch."courseId" = course AND ch.position <= done"""
    yield f"""CREATE TABLE "accessRequests" AS SELECT i AS id, student AS "studentId",
        course AS "courseId", 'approved' AS status, {sql.time("second - 86400")} AS "createdAt",
        {sql.time("second")} AS "reviewedAt" FROM pairs WHERE kind = 'approval' ORDER BY i"""
    yield f"""CREATE TABLE payments AS SELECT i AS id, student AS "userId", course AS "courseId",
        {PRICE} AS "amountCents", 'eur' AS currency, 'paid' AS status,
        'pi_old_' || i AS "stripePaymentIntentId", {sql.time("second")} AS "createdAt"
        FROM pairs WHERE kind = 'payment' ORDER BY i"""
    yield "DROP TABLE pairs"
