"""Payments and what Stripe has told of them."""

from collections.abc import Iterator

from tests.bench.school.pairs import series
from tests.bench.school.size import ADMINS, PRICE, Size
from tests.bench.school.spelling import Spelling

_STATUS = """CASE WHEN i % 300 = 0 THEN 'disputed' WHEN i % 30 = 0 THEN 'refunded'
    WHEN i % 15 = 0 THEN 'failed' ELSE 'expired' END"""
_TAKEN = "('paid', 'disputed', 'refunded')"


def statements(size: Size, sql: Spelling, now: int) -> Iterator[str]:
    """Return the statements that fill the tables of payments.

    One for each purchased enrollment, and one of every third student that came to nothing.
    """
    yield _payments(
        "i AS number, student, course, 'paid' AS status, second FROM pairs WHERE kind = 'payment'",
        sql,
    )
    yield series(size.students) + _payments(
        f"""{size.enrollments} + i AS number, {ADMINS} + i AS student,
            (i + 1) % {size.places} + 2 AS course, {_STATUS} AS status,
            {now} - ({size.students} - i) * 600 AS second FROM n WHERE i % 3 = 0""",
        sql,
    )
    yield f"""INSERT INTO stripe_sessions (id, payment_id, state, payment_intent, amount_total,
            currency, paid_at)
        SELECT stripe_session_id, id, CASE WHEN status IN {_TAKEN} THEN 'paid' ELSE status END,
            stripe_payment_intent_id, amount_cents, currency, paid_at FROM payments"""
    yield f"""INSERT INTO stripe_refunds (id, payment_intent, amount, currency, status, created_at)
        SELECT 're_bench_' || id, stripe_payment_intent_id, {PRICE}, currency, 'succeeded',
            created_at FROM payments WHERE status = 'refunded'"""
    yield f"""INSERT INTO stripe_disputes (id, payment_intent, amount, currency, status, told_at,
            created_at)
        SELECT 'dp_bench_' || id, stripe_payment_intent_id, {PRICE}, currency, 'needs_response',
            created_at, created_at FROM payments WHERE status = 'disputed'"""
    for kind, subject, at, which in (
        ("taken", "''", "paid_at", f"status IN {_TAKEN}"),
        ("refunded", "'re_bench_' || id", "created_at", "status = 'refunded'"),
        ("disputed", "'dp_bench_' || id", "created_at", "status = 'disputed'"),
    ):
        month = f"substr(CAST({at} AS VARCHAR), 1, 7)"
        yield f"""INSERT INTO money_movements (payment_id, kind, subject, amount_cents, currency,
                happened_at, month, booked_month)
            SELECT id, '{kind}', {subject}, amount_cents, currency, {at}, {month}, {month}
            FROM payments WHERE {which} ORDER BY id"""


def _payments(rows: str, sql: Spelling) -> str:
    when = sql.time("second")
    return f""" INSERT INTO payments (id, user_id, user_email, course_id, course_title,
            amount_cents, status, refunded_cents, reference, stripe_session_id,
            stripe_payment_intent_id, created_at, paid_at)
        SELECT number, student, u.email, course, c.title, {PRICE}, p.status,
            CASE p.status WHEN 'refunded' THEN {PRICE} ELSE 0 END, 'bench-' || number,
            'cs_bench_' || number, CASE WHEN p.status IN {_TAKEN} THEN 'pi_bench_' || number END,
            {when}, CASE WHEN p.status IN {_TAKEN} THEN {when} END
        FROM (SELECT {rows}) p JOIN users u ON u.id = student JOIN courses c ON c.id = course
        ORDER BY number"""
