"""Payments that give no access, or still do, or are behind Stripe."""

from sqlalchemy import func, select

from lms import sync
from lms.db import db
from lms.models import AuditEntry
from lms.queries.sync import attention
from tests.conftest import Sql
from tests.sync.conftest import Injure, contents, sources_of
from tests.sync.damage import Damage
from tests.sync.injections import injection
from tests.sync.school import LONG_AGO, School, a_payment, a_request_row, enroll_raw, grant


@injection()
def paid_without_course(d: Damage, s: School) -> None:
    number = a_payment(d, s.bob, s.botany, "partially_refunded")
    d.run(
        "UPDATE payments SET course_id = NULL, course_title = 'Botany', user_email = 'bob@x.org'"
        " WHERE id = ?",
        number,
    )


@injection()
def payment_behind_stripe(d: Damage, s: School) -> None:
    """Facts came in and were not acted upon: paid, refunded whole, disputed beside a refund."""
    a_session(d, a_payment(d, s.bob, s.botany, "pending"), "paid")
    for student, course in ((s.ada, s.botany), (s.ada, s.algebra)):
        payment = a_payment(d, student, course, "paid")
        d.run(
            "UPDATE payments SET stripe_payment_intent_id = ? WHERE id = ?",
            f"pi_{payment}",
            payment,
        )
        grant(d, student, course, "payment", payment)
        a_session(d, payment, "paid")
    enroll_raw(d, s.ada, s.botany)
    a_refund(d, payment - 1, 900)
    a_refund(d, payment, 300)
    d.run(
        "INSERT INTO stripe_disputes (id, payment_intent, amount, currency, status, told_at,"
        " created_at) VALUES ('dp_1', ?, 900, 'eur', 'needs_response', ?, ?)",
        *(f"pi_{payment}", LONG_AGO, LONG_AGO),
    )


@injection()
def payment_contradicts_itself(d: Damage, s: School) -> None:
    """Rows of which nothing else is known, in which status and amounts disagree."""
    for status in ("refunded", "dispute_lost"):
        a_payment(d, s.bob, s.botany, status)
    d.run("UPDATE payments SET refunded_cents = 0, lost_cents = 0")
    whole, part = (a_payment(d, s.ada, s.botany, "paid") for _ in range(2))
    d.run("UPDATE payments SET refunded_cents = 900 WHERE id = ?", whole)
    d.run("UPDATE payments SET refunded_cents = 100 WHERE id = ?", part)


@injection(needs_attention=True)
def parts_differ(d: Damage, s: School) -> None:
    number = a_payment(d, s.bob, s.botany, "failed")
    d.run("UPDATE payments SET discount_cents = 9000 WHERE id = ?", number)


@injection()
def paid_not_enrolled(d: Damage, s: School) -> None:
    a_payment(d, s.bob, s.botany, "paid")


@injection()
def refunded_still_enrolled(d: Damage, s: School) -> None:
    payment = a_payment(d, s.bob, s.botany, "refunded")
    enroll_raw(d, s.bob, s.botany)
    grant(d, s.bob, s.botany, "payment", payment)


@injection()
def second_payment_note(d: Damage, s: School) -> None:
    """One is missing, one is in an older release's words, and one is on what was refunded."""
    older = "The student also paid for this course with payment 1. If neither has been refunded,"
    for status, note in (
        ("paid", ""),
        ("paid", ""),
        ("paid", f"Look. {older} refund one."),
        ("refunded", f"{older} refund one."),
    ):
        payment = a_payment(d, s.ada, s.algebra, status)
        d.run("UPDATE payments SET attention = ? WHERE id = ?", note, payment)
        if status == "paid":
            grant(d, s.ada, s.algebra, "payment", payment)


def a_session(d: Damage, payment: int, state: str) -> None:
    d.run(
        "INSERT INTO stripe_sessions (id, payment_id, state, payment_intent, amount_total,"
        " currency, paid_at) VALUES (?, ?, ?, ?, 900, 'eur', ?)",
        *(f"cs_{payment}", payment, state, f"pi_{payment}", LONG_AGO),
    )


def a_refund(d: Damage, payment: int, amount: int) -> None:
    d.run(
        "INSERT INTO stripe_refunds (id, payment_intent, amount, currency, status, created_at)"
        " VALUES (?, ?, ?, 'eur', 'succeeded', ?)",
        *(f"re_{payment}", f"pi_{payment}", amount, LONG_AGO),
    )


def test_a_refund_ends_nothing_that_an_approval_gives_too(school: School, injure: Injure) -> None:
    """The table of sources is lost, and with it what would have told them apart."""

    def refund(damage: Damage, here: School) -> None:
        a_payment(damage, here.bob, here.botany, "refunded")
        enroll_raw(damage, here.bob, here.botany)
        a_request_row(damage, here.bob, here.botany, "approved")

    injure(school, refund)
    preview = sync.auto_fix(by=None, dry_run=True)
    result = sync.auto_fix(by=None)
    assert sources_of(school.bob, school.botany) == ["approval"]
    assert result.fixed == preview.fixed
    assert result.fixed["refunded_still_enrolled"] == 0


def test_a_payment_that_says_more_than_stripe_is_left_alone(school: School, injure: Injure) -> None:
    def claim(damage: Damage, here: School) -> None:
        a_session(damage, a_payment(damage, here.bob, here.botany, "refunded"), "paid")
        a_session(damage, a_payment(damage, here.bob, here.botany, "dispute_lost"), "paid")
        a_session(damage, a_payment(damage, here.bob, here.botany, "disputed"), "open")
        a_payment(damage, here.bob, here.botany, "needs_review")
        a_session(damage, a_payment(damage, here.bob, here.botany, "failed"), "expired")

    injure(school, claim)
    found = {kind for kind, number in sync.validate().counts.items() if number}
    assert found == {"books_lack_money"}  # which nobody has told of these rows


def test_who_paid_for_a_full_course_is_shown_to_the_admin_once(
    school: School, injure: Injure
) -> None:
    def fill(damage: Damage, here: School) -> None:
        damage.run("UPDATE courses SET capacity = 0 WHERE id = ?", here.botany)
        a_payment(damage, here.bob, here.botany, "paid")

    injure(school, fill)
    first = sync.auto_fix(by=None)
    assert first.fixed["paid_not_enrolled"] == 1
    assert not any(first.remaining.values())
    assert [row["status"] for row in contents()["payments"]] == ["undeliverable"]
    assert [row.kind for row in attention()] == ["paid_not_enrolled"]
    assert sync.auto_fix(by=None).total == 0
    assert len(attention()) == 1


def test_money_for_what_is_gone_is_recorded_and_announced(
    school: School, injure: Injure, sql: Sql
) -> None:
    injure(school, "paid_without_course")
    before = sql("SELECT id FROM outbox_emails WHERE key LIKE 'payment-%'")
    fixed = sync.auto_fix(by=school.grace).fixed["paid_without_course"]
    assert fixed > 0
    entries = sql(
        "SELECT actor_id, reason FROM audit_entries WHERE action = 'payment.undeliverable'"
    )
    assert {tuple(row) for row in entries} == {
        (school.grace, "Repaired: Paid, with the course or the buyer deleted")
    }
    assert len(entries) == fixed
    emails = sql("SELECT id FROM outbox_emails WHERE key LIKE 'payment-%'")
    assert len(emails) == len(before) + fixed


def test_a_repaired_note_says_what_is_true_and_keeps_what_else_is_to_review(
    school: School, injure: Injure
) -> None:
    injure(school, "second_payment_note")
    sync.auto_fix(by=None)
    note = (
        "The student also paid for this course with payment 500."
        " Unless a refund is on its way, refund one of them."
    )
    notes = [row["attention"] for row in contents()["payments"]]
    assert notes == ["", note, f"Look. {note}", ""]


def test_a_payment_settled_by_a_repair_is_in_the_trail_once(school: School, injure: Injure) -> None:
    injure(school, "payment_behind_stripe")
    before = db.session.scalar(select(func.max(AuditEntry.id)))
    db.session.rollback()
    run = sync.auto_fix(by=school.grace)
    trail = db.session.scalars(select(AuditEntry.action).where(AuditEntry.id > before))
    assert sorted(trail) == [
        *("access.ended", "access.granted"),
        *["access.source_withdrawn"] * 2,
        *("payment.disputed", "payment.paid", "payment.refunded"),
        *["sync.repaired"] * run.fixed["payment_behind_stripe"],
        "sync.run",
    ]
