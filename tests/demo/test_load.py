"""The demo school: every page has something to show, and no invariant is bent for it."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from lms import enrollment, payments
from lms.db import db, now
from lms.demo.load import NotEmpty, load
from lms.demo.logins import LOGINS
from lms.demo.purchases import Till
from lms.demo.stripe.app import KEY
from lms.demo.stripe.past import ORIGIN, Past
from lms.ledger.months import Month
from lms.queries import books
from lms.queries import student as queries
from lms.queries.people import all_exist
from tests.invariants import assert_invariants


def test_the_demo_school_has_a_history_to_show(context: Flask, sql: Any, tmp_path: Path) -> None:
    steps: list[float] = []
    load(steps.append, stripe=tmp_path)
    assert all_exist(email for _, email, _ in LOGINS)  # as the start says, right after the load
    assert steps == sorted(steps)
    assert 0 <= steps[0] <= steps[-1] <= 1

    def one(statement: str) -> int:
        return int(sql(statement)[0][0])

    assert one("SELECT count(*) FROM users") == 62
    assert one("SELECT count(*) FROM courses") >= 8
    assert one("SELECT count(*) FROM access_requests") >= 8
    kinds = {row[0] for row in sql("SELECT DISTINCT kind FROM access_sources")}
    assert kinds == {"default", "direct", "approval", "admin", "payment"}
    assert {row[0] for row in sql("SELECT DISTINCT status FROM decisions")} == {
        "approved",
        "rejected",
    }
    assert one("SELECT count(*) FROM decisions WHERE status = 'rejected' AND reason = ''") == 0
    assert one("SELECT count(*) FROM enrollments WHERE progress = 100") >= 10
    assert_invariants(db.session())
    own = "FROM {} JOIN users u ON u.id = user_id WHERE u.email = 'student@example.org'"
    told = sql(f"SELECT kind, read_at IS NULL {own.format('notices')} ORDER BY notices.id")
    assert [(kind, bool(new)) for kind, new in told] == [
        ("paid", False),
        ("approved", False),
        ("rejected", True),
        ("offer", True),
        ("enrolled", True),
    ]
    assert [row[0] for row in sql("SELECT status FROM offers ORDER BY status")] == [
        *("accepted", "expired", "open"),
    ]
    assert one(f"SELECT count(*) {own.format('certificates')}") == 1
    assert one("SELECT count(*) FROM outbox_emails") == 0  # nobody is written to of the past

    # ninety days, in order
    for table, column in (("chapter_completions", "completed_at"), ("audit_entries", "at")):
        moments = [str(row[0])[:19] for row in sql(f"SELECT {column} FROM {table} ORDER BY id")]
        assert moments == sorted(moments)
        assert moments[0] < str(now() - timedelta(days=70))
        assert str(now() - timedelta(days=4)) < moments[-1] <= str(now())
        weeks = {moment[:10] for moment in moments}
        assert len(weeks) > 60
    _check_first_minute(sql)
    _check_purchases(tmp_path, sql)
    _check_books(sql)


def _check_first_minute(sql: Any) -> None:
    """What the README has a newcomer choose as the student leads to where it says."""
    [[student]] = sql("SELECT id FROM users WHERE email = 'student@example.org'")
    found = queries.courses(student)
    asked = [each for each in found if each.main_action == "request"]
    assert asked
    assert [each.title for each in asked if each.seats_left == 0] == []
    assert [each.title for each in found if each.main_action == "buy"]
    assert [each.title for each in found if each.main_action == "cancel" and each.place_in_line]


def _check_books(sql: Any) -> None:
    """Each month that is over is closed, with fees, and nothing in it is unexplained."""
    closed = [row.month for row in sql("SELECT month FROM closed_months ORDER BY month")]
    assert len(closed) >= 2
    assert str(Month.of(now()).previous) in closed or now().day <= 3
    for month in map(books.present_clocks().read, closed):
        assert books.report(month).unexplained_entries == []
    assert sql("SELECT count(*) FROM money_movements WHERE kind = 'fee'")[0][0] > 5
    [transfer] = sql("SELECT status FROM payments WHERE method = 'transfer'")
    assert transfer.status == "paid"


def _check_purchases(stripe: Path, sql: Any) -> None:
    """Every ending, in order, and known to the stand-in: a refund of one works."""
    rows = sql("SELECT id, status, currency, created_at, stripe_session_id FROM payments")
    statuses = Counter(row.status for row in rows)
    assert statuses.pop("paid") == 16
    assert statuses == {
        "partially_refunded": 2,
        "refunded": 2,
        "expired": 2,
        "failed": 1,
        "disputed": 1,
    }
    assert {row.currency for row in rows} == {"eur", "jpy"}
    kept = "status = 'paid' AND amount_cents = subtotal_cents - discount_cents AND tax_cents > 0"
    [taxed] = sql(f"SELECT count(*) AS n, sum(discount_cents) AS d FROM payments WHERE {kept}")
    assert (taxed.n, taxed.d) == (15, 290)
    [twice] = sql("SELECT attention FROM payments WHERE attention LIKE '%also paid%'")
    assert "refund one of them" in twice.attention
    assert sql("SELECT count(*) FROM stripe_events WHERE status <> 'done'") == [(0,)]
    own = "FROM payments JOIN users u ON u.id = user_id WHERE u.email = 'student@example.org'"
    assert sql(f"SELECT status {own} ORDER BY payments.id") == [("expired",), ("paid",)]

    with Past(stripe) as past:
        gateway = payments.Gateway(KEY, base=ORIGIN, http=past.http)
        report = payments.reconcile(gateway)
        assert (report.changed, report.failures) == (0, [])
        assert report.events > 0
        assert past.news() == []
        [(paid,)] = sql(
            "SELECT stripe_session_id FROM payments WHERE status = 'paid' AND method = 'stripe'"
            " LIMIT 1"
        )
        till = Till(db.session(), past)
        till.refund(paid, by=1)
    status = "SELECT status FROM payments WHERE stripe_session_id = :paid"
    assert sql(status, paid=paid) == [("refunded",)]
    assert_invariants(db.session())


def test_a_school_with_anything_in_it_is_refused(context: Flask, sql: Any, tmp_path: Path) -> None:
    enrollment.create_course(enrollment.CourseFields(title="Ours"), by=None)
    with pytest.raises(NotEmpty):
        load(lambda _: None, stripe=tmp_path)
    assert sql("SELECT title FROM courses") == [("Ours",)]


def test_a_load_that_is_cut_off_leaves_nothing(context: Flask, sql: Any, tmp_path: Path) -> None:
    def cut_off(done: float) -> None:
        if done > 0.05:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(cut_off, stripe=tmp_path)
    assert sql("SELECT count(*) FROM users") == [(0,)]
    assert sql("SELECT count(*) FROM courses") == [(0,)]
    assert list(tmp_path.iterdir()) == []
