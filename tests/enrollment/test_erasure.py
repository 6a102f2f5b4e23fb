"""Erasing a person: what happened stays, and who it was is nowhere any more."""

import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Text, cast, select
from sqlalchemy.exc import DBAPIError

from lms import enrollment, sync
from lms.db import Base, UtcDateTime, db, now
from lms.messages.delivery import deliver
from lms.messages.layout import Sender
from lms.queries import erasures
from lms.refusals import ErasureChanged, ErasureNotRequested, Invalid, UserNotFound
from tests import builders
from tests.known_person import EMAIL, FORMER, NAME, a_known_person

SENDER = Sender("Hill School", "portal@school.test", "https://school.test")


def _everywhere(*words: str) -> list[str]:
    """Return in which columns of which tables a word stands, in any form it may be stored in."""
    forms = {form.casefold() for word in words for form in (word, json.dumps(word)[1:-1])}
    found = []
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            values = db.session.execute(select(cast(column, Text))).scalars()
            if any(form in (value or "").casefold() for value in values for form in forms):
                found.append(f"{table.name}.{column.name}")
    db.session.rollback()
    return found


def _send_all() -> None:
    while deliver(None, SENDER, "development"):
        pass


@pytest.fixture
def kim(context: Flask, sql: Any) -> int:
    return a_known_person(sql)


def test_before_it_the_person_is_in_many_places(kim: int) -> None:
    known = set(_everywhere(NAME, EMAIL, FORMER))
    assert known >= {
        *("users.name", "users.email", "audit_entries.student_name", "audit_entries.actor_name"),
        *("audit_entries.reason", "audit_entries.details", "decisions.student_name"),
        *("decisions.student_email", "decisions.message", "decisions.reason", "notices.reason"),
        *("access_requests.message", "certificates.student_name", "payments.user_email"),
        *("outbox_emails.recipient", "outbox_emails.subject", "outbox_emails.body"),
        *("import_origins.key", "sync_attention.reason", "sync_changes.before"),
    }


def test_after_it_no_table_names_the_person(kim: int, sql: Any) -> None:
    [(admin,)] = sql("SELECT id FROM users WHERE role = 'admin'")
    enrollment.request_erasure(kim, reason=f"{NAME} leaves.")
    enrollment.erase_person(kim, by=admin, reason=f"As {NAME} <{EMAIL}> wishes")
    _send_all()
    assert _everywhere(NAME, EMAIL, FORMER, "kim a.") == []
    assert _everywhere(f"Erased person {kim}") != []


def test_what_happened_can_still_be_read(kim: int, sql: Any) -> None:
    kept = "SELECT count(*) FROM audit_entries WHERE student_id = :kim AND action NOT LIKE 'e%'"
    [(before,)] = sql(kept, kim=kim)
    decided = "SELECT status, course_title, decided_by_name FROM decisions ORDER BY id"
    decisions = sql(decided)
    enrollment.erase_person(kim, by=None, reason="")
    assert sql(decided) == decisions
    names = {name for (name,) in sql("SELECT student_name FROM decisions")}
    assert names == {f"Erased person {kim}"}
    [(after,)] = sql(kept, kim=kim)
    assert after > before
    payments = sql("SELECT amount_cents, user_id, user_email, reference FROM payments")
    assert payments == [(4900, None, f"Erased person {kim}", "r-1")]
    reasons = [row.reason for row in sql("SELECT reason FROM decisions ORDER BY id")]
    assert reasons == [f"Erased person {kim} asked twice.", f"Write from Erased person {kim}."]
    # Nobody else has lost anything.
    assert [row.name for row in sql("SELECT name FROM users ORDER BY id")] == [
        "Grace Hopper",
        "Ada",
    ]
    assert sql("SELECT name FROM saved_filters") == [("All",)]
    [message] = sql("SELECT message FROM access_requests")
    assert message == (f"I know Erased person {kim}",)


def test_repeating_it_changes_nothing(kim: int, sql: Any) -> None:
    enrollment.erase_person(kim, by=None)
    trail = sql("SELECT * FROM audit_entries ORDER BY id")
    enrollment.erase_person(kim, by=None)
    assert sql("SELECT * FROM audit_entries ORDER BY id") == trail


def test_who_was_deleted_before_can_be_erased(kim: int, sql: Any) -> None:
    enrollment.delete_user(kim, by=None, reason="Left")
    assert "audit_entries.student_name" in _everywhere(NAME)
    enrollment.erase_person(kim, by=None)
    assert sql("SELECT recipient FROM outbox_emails WHERE key LIKE 'erased-%'") == []
    assert _everywhere(NAME, EMAIL, FORMER) == []


def test_nobody_is_not_erased(context: Flask) -> None:
    with pytest.raises(UserNotFound):
        enrollment.erase_person(4711, by=None)


def test_the_only_admin_stays(context: Flask, sql: Any) -> None:
    admin = builders.an_admin()
    with pytest.raises(Invalid):
        enrollment.erase_person(admin, by=admin)
    assert sql("SELECT person_id FROM erasures") == []


def test_an_erased_admin_has_decided_as_nobody_in_particular(context: Flask, sql: Any) -> None:
    admin, other = builders.an_admin("Grace Hopper"), builders.an_admin("Other")
    student, course = builders.a_student("Ada"), builders.a_course()
    decided = enrollment.approve(builders.a_request(student, course), by=admin)
    enrollment.undo_decision(decided.decision_id, by=admin)
    enrollment.erase_person(admin, by=other)
    assert _everywhere("Grace Hopper") == []
    assert sql("SELECT decided_by, decided_by_name, student_name FROM decisions") == [
        (admin, f"Erased person {admin}", "Ada")
    ]


def test_a_name_that_others_have_stays_theirs(context: Flask, sql: Any) -> None:
    admin = builders.an_admin()
    gone, namesake = builders.a_student("Ada"), builders.a_student("Ada")
    enrollment.deactivate_user(namesake, by=admin, reason="Ada asked for it")
    enrollment.erase_person(gone, by=admin)
    [(reason, name)] = sql(
        "SELECT reason, student_name FROM audit_entries WHERE action = 'user.deactivated'"
    )
    assert (reason, name) == ("Ada asked for it", "Ada")


def test_an_address_that_somebody_else_has_now_stays_theirs(context: Flask, sql: Any) -> None:
    admin, kim = builders.an_admin(), builders.a_student("Kim", email=FORMER)
    enrollment.set_email(kim, EMAIL, by=admin)
    heir = builders.a_student("Ada", email=FORMER)
    enrollment.deactivate_user(heir, by=admin, reason=f"{FORMER} bounces")
    enrollment.erase_person(kim, by=admin)
    _send_all()
    assert _everywhere(EMAIL) == []
    assert set(_everywhere(FORMER)) == {"users.email", "audit_entries.reason"}


def test_undo_leaves_what_a_repair_did_for_an_erased_person(kim: int, sql: Any) -> None:
    [(run,)] = sql("SELECT max(id) FROM sync_runs WHERE NOT is_dry_run")
    assert sql("SELECT count(*) FROM sync_changes") != [(0,)]
    enrollment.erase_person(kim, by=None)
    _send_all()
    assert sync.undo(run, by=None).undone == 0
    assert _everywhere(NAME, EMAIL) == []


def test_money_that_moves_later_writes_to_nobody(kim: int, sql: Any, context: Flask) -> None:
    enrollment.erase_person(kim, by=None)
    sql("DELETE FROM outbox_emails")
    [(course,)] = sql("SELECT course_id FROM payments")
    enrollment.delete_course(course, by=None)
    sync.auto_fix(by=None)
    assert sql("SELECT recipient FROM outbox_emails WHERE recipient NOT LIKE '%@%'") == []


MAY_LOSE = {
    "audit_entries": {"actor_name", "student_name", "reason", "details"},
    "decisions": {"student_name", "student_email", "message", "reason", "decided_by_name"},
    "decision_reversals": {"reversed_by_name"},
}


@pytest.mark.parametrize("table", MAY_LOSE)
def test_records_change_in_no_other_way(table: str, context: Flask, sql: Any) -> None:
    admin, other = builders.an_admin("Grace Hopper"), builders.an_admin("Other")
    student, course = builders.a_student("Ada"), builders.a_course()
    decided = enrollment.approve(builders.a_request(student, course), by=admin, reason="Yes")
    enrollment.undo_decision(decided.decision_id, by=admin)
    enrollment.erase_person(admin, by=other)
    # Neither to anything else, nor to the pseudonym of somebody who is still here.
    here = f"'Erased person {student}'"
    values = {"details": f"'{{\"Erased person {student}\": 1}}'", "message": "''"}
    for column in Base.metadata.tables[table].columns:
        wrong = "'7'"
        if column.type.python_type is int:
            wrong = "4711"
        elif isinstance(column.type, UtcDateTime):
            wrong = "'2026-01-02 03:04:05.000000'"
        elif column.name == "details":
            wrong = "'{}'"
        for value in (
            wrong,
            values.get(column.name, here) if column.name in MAY_LOSE[table] else wrong,
        ):
            with pytest.raises(DBAPIError, match="kept for good"):
                sql(f"UPDATE {table} SET {column.name} = {value}")
    with pytest.raises(DBAPIError):
        sql(f"DELETE FROM {table}")


def test_a_wish_can_be_made_withdrawn_refused_and_made_again(context: Flask, sql: Any) -> None:
    admin, kim = builders.an_admin(), builders.a_student("Kim", email=EMAIL)
    enrollment.request_erasure(kim, reason="I leave.")
    enrollment.request_erasure(kim, reason="I leave again.")
    assert sql("SELECT reason FROM erasure_requests") == [("I leave.",)]
    enrollment.withdraw_erasure(kim)
    enrollment.withdraw_erasure(kim)
    with pytest.raises(ErasureNotRequested):
        enrollment.refuse_erasure(kim, by=admin, reason="No.", address="")
    enrollment.request_erasure(kim)
    for _ in range(2):
        enrollment.refuse_erasure(kim, by=admin, reason="An invoice is open.", address="")
    assert sql("SELECT answer FROM erasure_requests") == [("An invoice is open.",)]
    [(body,)] = sql("SELECT body FROM outbox_emails WHERE recipient = :email", email=EMAIL)
    assert "An invoice is open." in body
    enrollment.request_erasure(kim)
    assert sql("SELECT answer, refused_at FROM erasure_requests") == [("", None)]
    actions = sql("SELECT action FROM audit_entries WHERE action LIKE 'erasure%' ORDER BY id")
    assert [action.removeprefix("erasure.") for (action,) in actions] == [
        *("requested", "withdrawn", "requested", "refused", "requested"),
    ]


def test_the_last_e_mail_leaves_no_trace(context: Flask, sql: Any) -> None:
    builders.an_admin()
    kim = builders.a_student("Kim", email=EMAIL)
    enrollment.erase_person(kim, by=None)
    assert sql("SELECT recipient, link FROM outbox_emails") == [(EMAIL, "")]
    assert deliver(None, SENDER, "development") == 1
    assert sql("SELECT recipient FROM outbox_emails") == []


@pytest.mark.parametrize("name", ["Student", "Admin", "a"])
def test_facts_of_the_trail_stay_whatever_a_person_is_called(
    name: str, context: Flask, sql: Any
) -> None:
    other, gone = builders.an_admin("Other"), builders.an_admin(name)
    ada = builders.a_student("Ada")
    enrollment.change_role(ada, "admin", by=gone, reason=f"A new {name} for maths")
    enrollment.change_role(gone, "student", by=other, reason="Not an admin of a class")
    changes = "SELECT details FROM audit_entries WHERE action = 'user.role_changed' ORDER BY id"
    before = sql(changes)
    enrollment.erase_person(gone, by=other)
    assert sql(changes) == before
    reasons = sql("SELECT reason FROM audit_entries WHERE action = 'user.role_changed' ORDER BY id")
    # The first is about Ada; in the other an article is no name.
    assert reasons[0] == (f"A new {name} for maths",)
    assert "of a class" in reasons[1].reason
    actors = sql("SELECT actor_name FROM audit_entries WHERE actor_id = :gone", gone=gone)
    assert set(actors) == {(f"Erased person {gone}",)}


def test_names_and_addresses_in_details_go(context: Flask, sql: Any) -> None:
    admin, kim = builders.an_admin(), builders.a_student("Al", email=FORMER)
    enrollment.rename_user(kim, "Bo", by=admin)
    enrollment.set_email(kim, EMAIL, by=admin)
    enrollment.erase_person(kim, by=admin)
    told = (
        "SELECT details FROM audit_entries WHERE action IN ('user.renamed', 'user.email_changed')"
    )
    gone = f"Erased person {kim}"
    found = [
        json.loads(row.details) if isinstance(row.details, str) else row.details
        for row in sql(told)
    ]
    assert found == [{"before": gone, "after": gone}] * 2


def test_an_address_that_a_stranger_only_typed_is_still_the_person_s(
    context: Flask, sql: Any
) -> None:
    admin, kim, ada = builders.an_admin(), builders.a_student("Kim"), builders.a_student("Ada")
    [(former,)] = sql("SELECT email FROM users WHERE id = :kim", kim=kim)
    enrollment.set_email(kim, EMAIL, by=admin)
    enrollment.deactivate_user(ada, by=admin, reason=f"Writes as {former}")
    # A clock of whole seconds says that it was before Kim left the address.
    sql(
        "INSERT INTO users (email, name, password_hash, role, email_verified_at, created_at)"
        f" VALUES ('{former}', 'Stranger', 'x', 'student', NULL,"
        " (SELECT created_at FROM users WHERE id = :kim))",
        kim=kim,
    )
    enrollment.erase_person(kim, by=admin)
    assert set(_everywhere(former)) == {"users.email"}


def test_only_the_wish_that_was_read_is_granted(context: Flask, sql: Any) -> None:
    admin, kim = builders.an_admin(), builders.a_student("Kim")
    enrollment.request_erasure(kim)
    read = erasures.person(kim).mark
    enrollment.withdraw_erasure(kim)
    for seen in (read, "2026-01-02T03:04:05+00:00"):
        with pytest.raises(ErasureChanged):
            enrollment.erase_person(kim, by=admin, wish=seen)
    enrollment.request_erasure(kim)
    for seen in (read, ""):
        with pytest.raises(ErasureChanged):
            enrollment.erase_person(kim, by=admin, wish=seen)
    assert sql("SELECT person_id FROM erasures") == []
    enrollment.erase_person(kim, by=admin, wish=erasures.person(kim).mark)
    assert sql("SELECT person_id FROM erasures") == [(kim,)]


def _pay(sql: Any, person: int, reference: str) -> None:
    sql(
        "INSERT INTO payments (user_id, course_id, user_email, amount_cents, status, reference,"
        " created_at) VALUES (:person, (SELECT min(id) FROM courses), '', 4900, 'pending',"
        " :reference, :moment)",
        person=person,
        reference=reference,
        moment=f"{now():%Y-%m-%d %H:%M:%S.%f}",
    )


def test_payments_of_who_had_the_address_before_stay_theirs(context: Flask, sql: Any) -> None:
    admin, first = builders.an_admin(), builders.a_student("First Owner", email=FORMER)
    builders.a_course()
    _pay(sql, first, "r-1")
    enrollment.delete_user(first, by=admin)
    second = builders.a_student("Second Owner", email=FORMER)
    _pay(sql, second, "r-2")
    enrollment.delete_user(second, by=admin)
    bought = "SELECT reference, user_email FROM payments ORDER BY reference"
    enrollment.erase_person(second, by=admin)
    assert sql(bought) == [("r-1", FORMER), ("r-2", f"Erased person {second}")]
    enrollment.erase_person(first, by=admin)
    assert [row.user_email for row in sql(bought)] == [
        f"Erased person {first}",
        f"Erased person {second}",
    ]


def test_the_trail_says_whose_a_payment_was(context: Flask, sql: Any) -> None:
    admin, first = builders.an_admin(), builders.a_student("First Owner", email=FORMER)
    builders.a_course()
    _pay(sql, first, "r-1")
    sql("UPDATE payments SET status = 'paid', created_at = '2999-01-02 03:04:05.000000'")
    enrollment.delete_user(first, by=admin)
    second = builders.a_student("Second Owner", email=FORMER)
    enrollment.erase_person(second, by=admin)
    assert sql("SELECT user_email FROM payments") == [(FORMER,)]
    enrollment.erase_person(first, by=admin)
    assert sql("SELECT user_email FROM payments") == [(f"Erased person {first}",)]


def test_e_mails_of_who_had_the_address_before_stay_theirs(context: Flask, sql: Any) -> None:
    admin, first = builders.an_admin(), builders.a_student("First Owner", email=FORMER)
    course = builders.a_course()
    enrollment.reject(builders.a_request(first, course), by=admin, reason="Full")
    sql("UPDATE outbox_emails SET sent_at = created_at")
    enrollment.set_email(first, EMAIL, by=admin)
    before = sql("SELECT key FROM outbox_emails WHERE recipient = :it ORDER BY id", it=FORMER)
    assert len(before) == 2  # the decision, and the news that the address is gone
    heir = builders.a_student("Second Owner", email=FORMER)
    enrollment.reject(builders.a_request(heir, course), by=admin, reason="Full")
    enrollment.erase_person(heir, by=admin)
    of_address = "SELECT key FROM outbox_emails WHERE recipient = :it ORDER BY id"
    farewell = [(f"erased-{heir}",)]
    assert sql(of_address, it=FORMER) == before + farewell
    assert sql("SELECT key FROM outbox_emails WHERE body LIKE '%Erased person%'") == []
    _send_all()
    enrollment.erase_person(first, by=admin)
    assert sql(of_address, it=FORMER) == []


def test_what_waits_moves_to_an_address_as_its_new_owner_s(context: Flask, sql: Any) -> None:
    admin, first = builders.an_admin(), builders.a_student("First Owner", email=FORMER)
    kim, course = builders.a_student("Kim", email=EMAIL), builders.a_course()
    enrollment.reject(builders.a_request(kim, course), by=admin, reason="Full")
    enrollment.set_email(first, "first@example.org", by=admin)
    enrollment.set_email(kim, FORMER, by=admin)
    of_decision = "SELECT recipient FROM outbox_emails WHERE subject LIKE '%rejected%'"
    assert sql(of_decision) == [(FORMER,)]
    enrollment.erase_person(first, by=admin)
    assert sql(of_decision) == [(FORMER,)]
    enrollment.erase_person(kim, by=admin)
    assert sql(of_decision) == []
