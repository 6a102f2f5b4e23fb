"""What a migration makes of what earlier releases wrote."""

import json
import unicodedata
from datetime import UTC, date, datetime, timedelta

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import select

from lms import enrollment, payments, sync
from lms.db import at, db, now
from lms.ledger import clocks
from lms.ledger.months import Month
from lms.ledger.projection import ACCESS_ENDED
from lms.models import SignIn
from lms.queries.books import report
from lms.times import start_of
from lms.transaction import transactional
from tests.builders import a_course, a_student, an_admin
from tests.conftest import Sql
from tests.zones import booked_by_utc, kept_clocks, move, sell


def test_no_release_takes_an_unproven_address_for_a_proven_one(context: Flask, sql: Sql) -> None:
    sql(
        "INSERT INTO users (email, name, email_verified_at) VALUES ('a@x.org', 'Ada', NULL)",
        "INSERT INTO users (email, name) VALUES ('b@x.org', 'Bob')",
    )
    flask_migrate.downgrade(revision="0015")
    flask_migrate.upgrade()
    assert sql("SELECT email FROM users WHERE email_verified_at IS NOT NULL") == [("b@x.org",)]


def test_who_had_completed_a_course_before_there_were_certificates_gets_one(
    context: Flask, sql: Sql
) -> None:
    flask_migrate.downgrade(revision="0005")
    sql(
        "INSERT INTO users (email, name) VALUES ('ada@example.org', 'Ada'), ('b@x.org', 'Bob')",
        "INSERT INTO courses (title) VALUES ('Algebra')",
        "INSERT INTO enrollments (user_id, course_id, progress, completed_at)"
        " VALUES (1, 1, 100, '2026-01-02 03:04:05.000000'), (2, 1, 50, NULL)",
        "INSERT INTO student_progress (student_id, course_id, total_progress)"
        " VALUES (1, 1, 100), (2, 1, 50)",
    )
    flask_migrate.upgrade()
    [row] = sql("SELECT * FROM certificates")
    assert (row.user_id, row.student_name, row.course_title) == (1, "Ada", "Algebra")
    assert str(row.completed_at).startswith("2026-01-02 03:04:05")
    [choices] = sql(
        "SELECT DISTINCT emails_decisions, emails_purchases, emails_requests FROM users"
    )
    assert [bool(choice) for choice in choices] == [True, True, False]


def test_an_admin_s_sign_in_that_nobody_uses_ends_soon_after_the_upgrade(
    context: Flask, sql: Sql
) -> None:
    flask_migrate.downgrade(revision="0015")
    sql("INSERT INTO users (id, email, name, role) VALUES (1, 'a@x', 'A', 'admin')")
    sql("INSERT INTO users (id, email, name, role) VALUES (2, 's@x', 'S', 'student')")
    for user_id in (1, 2):
        sql(
            "INSERT INTO sign_ins (token_hash, user_id, expires_at)"
            f" VALUES ('t{user_id}', {user_id}, '2099-01-01 00:00:00.000000')"
        )
    flask_migrate.upgrade()
    found = db.session.execute(select(SignIn.user_id, SignIn.expires_at)).all()
    ends = {row.user_id: row.expires_at for row in found}
    assert timedelta(minutes=29) < ends[1] - now() <= timedelta(minutes=30)
    assert ends[2].year == 2099


def test_names_and_titles_of_earlier_releases_are_composed(context: Flask, sql: Sql) -> None:
    flask_migrate.downgrade(revision="0021")
    apart = unicodedata.normalize("NFD", "Zoë Ångström 한글")
    whole = unicodedata.normalize("NFC", apart)
    assert apart != whole
    sql("INSERT INTO users (id, email, name) VALUES (1, 'a@x', :name)", name=apart)
    many = ", ".join(f"({number}, 'p{number}@x', 'Plain')" for number in range(2, 1500))
    sql(f"INSERT INTO users (id, email, name) VALUES {many}")
    sql("INSERT INTO users (id, email, name) VALUES (1500, 'z@x', :name)", name=apart)
    longer = "\u0958" * 120  # composed, each is two letters: it would not fit
    sql("INSERT INTO users (id, email, name) VALUES (1501, 'h@x', :name)", name=longer)
    sql("INSERT INTO courses (id, title) VALUES (1, :name)", name=apart)
    sql("INSERT INTO chapters (course_id, title) VALUES (1, :name)", name=apart)
    sql("INSERT INTO audit_entries (action, actor_name) VALUES ('user.added', :name)", name=apart)
    sql("UPDATE users SET words = 'old words'")
    flask_migrate.upgrade()
    named = sql("SELECT id, name, words FROM users WHERE name <> 'Plain' ORDER BY id")
    assert named == [
        (1, whole, None),  # the worker writes the words anew
        (1500, whole, None),
        (1501, longer, "old words"),
    ]
    assert sql("SELECT count(*) FROM users WHERE words = 'old words'") == [(1499,)]
    for table, column in (("courses", "title"), ("chapters", "title")):
        assert sql(f"SELECT {column} FROM {table}") == [(whole,)]
    assert sql("SELECT actor_name FROM audit_entries") == [(apart,)]


def test_the_amount_of_an_earlier_release_becomes_what_was_agreed_and_what_was_paid(
    context: Flask, sql: Sql
) -> None:
    flask_migrate.downgrade(revision="0026")
    sql(
        "INSERT INTO payments (amount_cents, status) VALUES (4900, 'paid'), (4900, 'needs_review')",
        "INSERT INTO payments (amount_cents, status) VALUES (4900, 'pending')",
        *(
            f"INSERT INTO stripe_sessions (id, payment_id, state, amount_total, currency)"
            f" VALUES ('cs_{number}', {number}, '{state}', {amount}, 'eur')"
            for number, state, amount in ((1, "paid", 4900), (2, "paid", 3900), (3, "open", 3900))
        ),
    )
    flask_migrate.upgrade()
    parts = "agreed_cents, subtotal_cents, discount_cents, tax_cents, amount_cents"
    kept = sql(f"SELECT {parts} FROM payments ORDER BY id")
    assert kept == [(4900, 4900, 0, 0, 4900), (4900, 3900, 0, 0, 3900), (4900, 4900, 0, 0, 4900)]
    flask_migrate.downgrade(revision="0026")
    assert sql("SELECT amount_cents FROM payments ORDER BY id") == [(4900,)] * 3
    flask_migrate.upgrade()


def test_a_reason_of_an_earlier_release_says_what_to_do_and_stays_reviewed(
    context: Flask, sql: Sql
) -> None:
    kept = (
        "Too little of this payment is left to give access: €2.00 of €9.00, and access needs 50%."
    )
    note = "The student also paid for this course with payment 1. Refund one of them."
    before = ("An admin ended this access, but the payment was kept.", kept, f"{kept} {note}", "A.")
    flask_migrate.downgrade(revision="0034")
    for said in before:
        sql(
            "INSERT INTO payments (amount_cents, status, attention, dismissed_attention)"
            " VALUES (900, 'needs_review', :said, :said)",
            said=said,
        )
    flask_migrate.upgrade()
    ended, *left, other = sql("SELECT attention, dismissed_attention FROM payments ORDER BY id")
    assert ended == (ACCESS_ENDED, ACCESS_ENDED)
    assert [row.attention for row in left] == [
        f"{kept} Enroll the student, or refund the rest.",
        f"{kept} Enroll the student, or refund the rest. {note}",
    ]
    assert all(row.attention == row.dismissed_attention for row in left)
    assert other == ("A.", "A.")
    flask_migrate.downgrade(revision="0034")
    assert [row.attention for row in sql("SELECT attention FROM payments ORDER BY id")] == [*before]
    flask_migrate.upgrade()


def test_what_an_undo_took_back_before_the_trail_said_so_is_no_lost_access(
    context: Flask, sql: Sql
) -> None:
    ada, bob = a_student("Ada", email="ada@example.org"), a_student("Bob", email="bob@example.org")
    course = a_course("Tides", is_public=False)
    enrollment.enroll(bob, course, by=None)
    db.session.remove()
    flask_migrate.downgrade(revision="0037")
    changed: dict[tuple[str, int], dict[str, object]] = {
        ("enrollments", ada): {"user_id": ada, "course_id": course},
        ("access_sources", bob): {"user_id": bob, "course_id": course, "kind": "import"},
    }
    sql("INSERT INTO sync_runs (trigger, status) VALUES ('import', 'undone')")
    for (table, student), row in changed.items():
        sql(
            "INSERT INTO audit_entries (at, action, student_id, course_id, details) VALUES"
            " ('2026-01-01 00:00:00', 'access.granted', :student, :course,"
            """ '{"source": "import", "reference": 0, "enrolled": true}')""",
            student=student,
            course=course,
        )
        sql(
            "INSERT INTO sync_changes (run_id, kind, table_name, row_id, after, undone_at)"
            " VALUES (1, 'roster', :table, 1, :after, '2026-01-02 00:00:00')",
            table=table,
            after=json.dumps({**row, "reference": 0}),
        )
    for _ in range(2):  # once only, however often a release is taken back
        flask_migrate.upgrade()
        assert sync.validate().counts["lost_access"] == 0
        told = sql(
            "SELECT action, student_id FROM audit_entries"
            " WHERE reason = 'Undone before the upgrade' ORDER BY id"
        )
        assert told == [("access.ended", ada), ("access.source_withdrawn", bob)]
        db.session.remove()
        flask_migrate.downgrade(revision="0037")
    flask_migrate.upgrade()


_CLOCKS = "SELECT begins_at, ahead_seconds, zone FROM {} ORDER BY begins_at"


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/New_York", "America/St_Johns"])
@pytest.mark.parametrize("had", ["sale", "closed month"])
def test_books_of_a_school_elsewhere_follow_its_zone_from_the_next_month_on(
    context: Flask, sql: Sql, zone: str, had: str
) -> None:
    moment, admin = datetime(2026, 11, 28, tzinfo=UTC), an_admin()
    if had == "sale":
        sell(moment - timedelta(days=30), by=admin)
    else:
        payments.close_month(Month(2026, 9), by=admin)
    move(sql, zone, by=admin)
    flask_migrate.downgrade(revision="0053")
    with at(moment):
        flask_migrate.upgrade()
        kept, november = kept_clocks(), Month(2026, 11)
        assert (kept.present, kept.end(november)) == (november, november.next.midnight)
        assert kept.end(november.next) == start_of(date(2027, 1, 1), zone)
        rows = sql(_CLOCKS.format("book_clocks"))
        transactional(clocks.count_anew)()
        assert sql(_CLOCKS.format("book_clocks")) == rows
        sell(moment, by=admin)


def test_a_month_that_was_closed_by_clocks_ahead_of_utc_is_over_after_a_downgrade(
    context: Flask, sql: Sql
) -> None:
    admin, moment = move(sql, "Pacific/Auckland"), datetime(2026, 11, 30, 11, 30, tzinfo=UTC)
    with at(moment):
        payments.close_month(Month(2026, 11), by=admin)
        flask_migrate.downgrade(revision="0053")
        flask_migrate.upgrade()
        kept, december = kept_clocks(), Month(2026, 12)
        assert (kept.present, kept.zone(december.next)) == (december, "Pacific/Auckland")
        sell(moment, by=admin)
        [line] = report(december).lines
        assert (line.payment_id, line.is_correction) == (1, True)
        db.session.rollback()
        flask_migrate.downgrade(revision="0053")
    with at(moment - timedelta(days=1)):  # by a clock that goes wrong
        flask_migrate.upgrade()
        assert kept_clocks().begin(december) == december.midnight
    assert [row.booked_month for row in sql("SELECT booked_month FROM money_movements")] == [
        "2026-12"
    ]


def test_what_was_booked_in_utc_between_two_upgrades_stays_beside_what_was_booked_before(
    context: Flask, sql: Sql
) -> None:
    admin, moment = move(sql, "Pacific/Auckland"), datetime(2026, 10, 31, 12, tzinfo=UTC)
    sell(moment, by=admin)
    with at(datetime(2026, 11, 20, tzinfo=UTC)):
        flask_migrate.downgrade(revision="0053")
        booked_by_utc(sql, moment)
        flask_migrate.upgrade()
        for _ in range(2):
            assert sync.auto_fix(by=None).total == 0
            assert sync.validate().ok
            db.session.rollback()
            payments.close_month(Month(2026, 10), by=admin)
    booked = sql("SELECT payment_id, month, booked_month FROM money_movements ORDER BY id")
    assert booked == [(1, "2026-11", "2026-11"), (2, "2026-10", "2026-10")]


def test_books_without_anything_in_them_are_those_of_the_zone_from_the_first_month_on(
    context: Flask, sql: Sql
) -> None:
    move(sql, "Pacific/Auckland")
    flask_migrate.downgrade(revision="0053")
    flask_migrate.upgrade()
    rows = sql(_CLOCKS.format("clock_changes"))
    assert (len(rows) > 100, sql(_CLOCKS.format("book_clocks"))) == (True, rows)
