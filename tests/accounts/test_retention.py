"""What has had its time goes, and nothing that happened then comes back."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from lms import accounts, enrollment
from lms.accounts.retention import UNPROVEN_DAYS
from lms.accounts.verification import VALID_DAYS
from lms.db import db, now, writer
from lms.messages.outbox import QueuedEmail, discard_email, queue_email, queue_many
from lms.messages.rendering import EmailWords
from lms.models import AddressChange, FormerAddress
from lms.transaction import transactional
from lms.upsert import insert
from lms.worker import forget_expired
from tests import builders

WORDS = EmailWords("Subject", "Text", "", "", "")
AGES = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', {}, '-{} days')",
    "postgresql": "{} - interval '{} days'",
}


@pytest.fixture
def age(server: Any, sql: Any) -> Any:
    """Make rows of a table older by days."""

    def make_older(table: str, days: float, *columns: str, where: str = "1 = 1") -> None:
        form = AGES[type(server).__name__.lower()]
        moved = ", ".join(f"{column} = {form.format(column, days)}" for column in columns)
        sql(f"UPDATE {table} SET {moved} WHERE {where}")

    return make_older


@transactional
def _queue(session: Any, key: str) -> bool:
    return queue_email(session, WORDS, "ada@example.org", key=key)


@transactional
def _queue_many(session: Any, *keys: str) -> None:
    queue_many(session, [QueuedEmail(key, "ada@example.org", WORDS) for key in keys])


@transactional
def _discard(session: Any, key: str) -> None:
    discard_email(session, key)


def _keys(sql: Any) -> list[str]:
    return [key for (key,) in sql("SELECT key FROM outbox_emails ORDER BY id")]


def test_e_mails_go_after_30_days_whether_sent_given_up_or_waiting(
    context: Flask, sql: Any, age: Any
) -> None:
    _queue_many("sent-1", "given-up-1", "waiting-1", "recent-1")
    sql("UPDATE outbox_emails SET sent_at = created_at WHERE key = 'sent-1'")
    sql("UPDATE outbox_emails SET attempts = 12 WHERE key = 'given-up-1'")
    age("outbox_emails", 31, "created_at", where="key <> 'recent-1'")
    age("outbox_emails", 29, "created_at", where="key = 'recent-1'")
    assert accounts.forget_expired()["emails"] == 3
    assert _keys(sql) == ["recent-1"]
    assert accounts.forget_expired()["emails"] == 0


def test_what_was_announced_then_is_never_announced_again(
    context: Flask, sql: Any, age: Any
) -> None:
    _queue_many("payment-5-paid", "welcome-1")
    age("outbox_emails", 31, "created_at")
    accounts.forget_expired()
    assert not _queue("payment-5-paid")
    _queue_many("payment-5-paid", "payment-6-paid", "welcome-1")
    assert _keys(sql) == ["payment-6-paid"]
    _discard("payment-6-paid")
    assert _queue("payment-6-paid")


def test_a_decision_of_long_ago_is_not_mailed_again_when_it_is_announced_again(
    context: Flask, sql: Any, age: Any
) -> None:
    student, admin, course = builders.a_student(), builders.an_admin(), builders.a_course()
    decided = enrollment.approve(builders.a_request(student, course), by=admin)
    age("outbox_emails", 31, "created_at")
    assert accounts.forget_expired()["emails"] == 1
    assert not _queue(f"decision-{decided.decision_id}")


def test_keys_with_an_address_are_not_kept(context: Flask, sql: Any, age: Any) -> None:
    _queue("registered-again:ada@example.org:5712")
    age("outbox_emails", 31, "created_at")
    assert accounts.forget_expired()["emails"] == 1
    assert sql("SELECT key FROM past_emails") == []


def _registered(email: str) -> int:
    user_id = enrollment.register_student(
        email=email, name="Ada", password_hash="x", again_after=now() - now(), place=""
    )
    assert user_id is not None
    return user_id


def test_accounts_that_nobody_confirms_go_and_others_stay(
    context: Flask, sql: Any, age: Any
) -> None:
    gone, proven, recent = (_registered(f"{name}@example.org") for name in ("a", "b", "c"))
    sent_again, enrolled = _registered("d@example.org"), _registered("f@example.org")
    invited = builders.a_student(email="e@example.org")
    sql(f"UPDATE users SET email_verified_at = created_at WHERE id IN ({proven}, {enrolled})")
    enrollment.enroll(enrolled, builders.a_course(), by=None)
    sql("DELETE FROM outbox_emails WHERE recipient = 'f@example.org'")
    sql(f"UPDATE users SET email_verified_at = NULL WHERE id IN ({invited}, {enrolled})")
    age("users", VALID_DAYS + UNPROVEN_DAYS + 1, "created_at", where=f"id <> {recent}")
    age("users", VALID_DAYS + UNPROVEN_DAYS - 1, "created_at", where=f"id = {recent}")
    sql(
        "INSERT INTO outbox_emails (key, recipient, subject, body)"
        " VALUES ('verify-again', 'd@example.org', '', '')"
    )
    assert accounts.forget_expired()["unproven_accounts"] == 1
    left = [number for (number,) in sql("SELECT id FROM users ORDER BY id")]
    assert left == [proven, recent, sent_again, enrolled, invited]
    assert gone not in left


def test_ended_sign_ins_challenges_and_what_counts_against_no_limit_go(
    context: Flask, sql: Any, age: Any
) -> None:
    student = builders.a_student()
    for table, columns, key in (
        ("sign_ins", "user_id, token_hash, expires_at", f"{student}, '{{}}'"),
        ("allowances", "used, key, expires_at", "1, '{}'"),
        ("spent_challenges", "challenge_hash, expires_at", "'{}'"),
    ):
        for name in ("old", "current"):
            sql(
                f"INSERT INTO {table} ({columns}) VALUES ({key.format(name)}, :moment)",
                moment="2026-01-02 03:04:05.000000"
                if name == "old"
                else "2999-01-02 03:04:05.000000",
            )
    gone = accounts.forget_expired()
    assert (gone["sign_ins"], gone["spent_challenges"]) == (1, 1)
    assert accounts.forget_allowances() == 1
    assert sql("SELECT token_hash FROM sign_ins") == [("current",)]
    assert sql("SELECT key FROM allowances") == [("current",)]
    assert sql("SELECT challenge_hash FROM spent_challenges") == [("current",)]


def test_the_worker_writes_what_it_has_forgotten(
    app: Flask, sql: Any, age: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with app.app_context():
        _queue("sent-1")
    age("outbox_emails", 31, "created_at")
    forget_expired(app)
    [line] = [each for each in capsys.readouterr().err.splitlines() if "forgotten" in each]
    assert "emails=1" in line


def test_addresses_go_when_they_can_be_confirmed_or_restored_no_more(
    context: Flask, sql: Any
) -> None:
    one, other = builders.a_student(), builders.a_student()
    later = now() + timedelta(hours=1)
    for user, until in ((one, now()), (other, later)):
        with writer(db.engine).begin() as connection:
            for table, ends in ((AddressChange, "expires_at"), (FormerAddress, "undo_until")):
                values = {"user_id": user, "email": f"x{user}@example.org", ends: until}
                if table is FormerAddress:
                    values["undo_hash"] = str(user)
                connection.execute(insert(table).values(**values))
    gone = accounts.forget_expired()
    assert (gone["chosen_addresses"], gone["former_addresses"]) == (1, 1)
    assert sql("SELECT user_id FROM address_changes") == [(other,)]
    assert sql("SELECT user_id FROM former_addresses") == [(other,)]
