"""The temporary table that all other statements read: one row per student and course."""

from tests.bench.school.size import ADMINS, CHAPTERS, PER_STUDENT, Size


def series(upto: int) -> str:
    """Return the start of a statement that has the numbers from 1 on in n(i)."""
    return f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {upto})"


def pairs(size: Size, began: int, span: int) -> list[str]:
    """Return the statements that make `pairs`: number, ids, place, chapters done, and the second.

    The number grows with time: who came last has learned last.
    """
    place = f"((s + (k - 1) * {size.step}) % {size.places})"
    done = f"((s * 3 + k) % {CHAPTERS + 2})"  # nothing yet is as common as a chapter or two
    return [
        f"""CREATE TEMPORARY TABLE pairs AS {series(size.enrollments)}
        SELECT i, s, k, {ADMINS} + s AS student,
            CASE k WHEN 0 THEN 1 ELSE {place} + 2 END AS course,
            CASE k WHEN 0 THEN 'default' ELSE CASE {place} % 4 WHEN 0 THEN 'direct'
                WHEN 1 THEN 'payment' WHEN 2 THEN 'approval' ELSE 'admin' END END AS kind,
            CASE {done} WHEN {CHAPTERS + 1} THEN 0 ELSE {done} END AS done,
            {began} + CAST(i AS bigint) * {span} / {size.enrollments} AS second
        FROM (SELECT i, (i - 1) / {PER_STUDENT} + 1 AS s, (i - 1) % {PER_STUDENT} AS k FROM n) m"""
    ]
