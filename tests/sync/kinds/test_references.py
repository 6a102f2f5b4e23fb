"""Rows that refer to what does not exist."""

from lms import sync
from lms.db import Base
from lms.models import InterruptedForm, User
from lms.sync.kind import Phase
from lms.sync.kinds import CHECKS
from tests.sync.conftest import Injure, contents
from tests.sync.damage import Damage
from tests.sync.injections import injection
from tests.sync.school import (
    LONG_AGO,
    NOBODY,
    School,
    a_payment,
    a_request_row,
    certify,
    complete,
    enroll,
    grant,
    mirror,
)


@injection("refused")
def orphaned_enrollment(d: Damage, s: School) -> None:
    enroll(d, NOBODY, s.algebra)
    mirror(d, s.ada, NOBODY)
    enroll(d, s.ada, NOBODY)


@injection("refused")
def orphaned_progress(d: Damage, s: School) -> None:
    mirror(d, NOBODY, s.algebra)


@injection("refused")
def orphaned_request(d: Damage, s: School) -> None:
    a_request_row(d, NOBODY, s.algebra, "pending")


@injection("refused", loses_completions=True)
def orphaned_completion(d: Damage, s: School) -> None:
    complete(d, s.ada, NOBODY)


@injection("refused", loses_completions=True)
def orphaned_chapter(d: Damage, s: School) -> None:
    d.run(
        "INSERT INTO chapters (id, course_id, title, position, body) VALUES (700, ?, 'T', 1, '')",
        NOBODY,
    )
    complete(d, s.ada, 700)


@injection("refused")
def orphaned_refund_request(d: Damage, s: School) -> None:
    d.run(
        "INSERT INTO refund_requests (key, payment_id, amount_cents) VALUES ('refund', ?, 100)",
        NOBODY,
    )


@injection("refused")
def orphaned_source(d: Damage, s: School) -> None:
    grant(d, NOBODY, s.algebra, "admin")


@injection("refused")
def orphaned_waiver(d: Damage, s: School) -> None:
    d.run(
        "INSERT INTO access_waivers (user_id, course_id, created_at) VALUES (?, ?, ?)",
        *(s.ada, NOBODY, LONG_AGO),
    )


@injection("refused")
def orphaned_sign_in(d: Damage, s: School) -> None:
    d.run(
        "INSERT INTO sign_ins (token_hash, user_id, created_at, expires_at) VALUES ('x', ?, ?, ?)",
        *(NOBODY, LONG_AGO, LONG_AGO),
    )


@injection("refused")
def orphaned_factor(d: Damage, s: School) -> None:
    d.run(
        "INSERT INTO second_factors"
        " (user_id, kind, name, credential_id, secret, last_step, created_at)"
        " VALUES (?, 'totp', 'Phone', 'x', 'y', 1, ?)",
        *(NOBODY, LONG_AGO),
    )


@injection("refused")
def orphaned_recovery_code(d: Damage, s: School) -> None:
    d.run(
        "INSERT INTO recovery_codes (user_id, code_hash, created_at) VALUES (?, 'x', ?)",
        *(NOBODY, LONG_AGO),
    )


@injection("refused")
def orphaned_address_change(d: Damage, s: School) -> None:
    d.run(
        "INSERT INTO address_changes (user_id, email, created_at, expires_at)"
        " VALUES (?, 'new@example.org', ?, ?)",
        *(NOBODY, LONG_AGO, LONG_AGO),
    )


@injection("refused")
def orphaned_former_address(d: Damage, s: School) -> None:
    d.run(
        "INSERT INTO former_addresses (user_id, email, undo_hash, changed_at, undo_until)"
        " VALUES (?, 'old@example.org', 'x', ?, ?)",
        *(NOBODY, LONG_AGO, LONG_AGO),
    )


@injection("refused")
def orphaned_erasure_request(d: Damage, s: School) -> None:
    d.run(
        "INSERT INTO erasure_requests (user_id, created_at) VALUES (?, ?)",
        *(NOBODY, LONG_AGO),
    )


@injection("refused")
def orphaned_offer(d: Damage, s: School) -> None:
    for student, course in ((NOBODY, s.botany), (s.bob, NOBODY)):
        d.run(
            "INSERT INTO offers (student_id, course_id, price_cents, currency, status, created_at,"
            " expires_at) VALUES (?, ?, 900, 'eur', 'open', ?, ?)",
            *(student, course, LONG_AGO, LONG_AGO),
        )


@injection("refused")
def orphaned_filter(d: Damage, s: School) -> None:
    d.run(
        "INSERT INTO saved_filters (user_id, page, name, query, created_at)"
        " VALUES (?, 'requests', 'Mine', 'q=x', ?)",
        *(NOBODY, LONG_AGO),
    )


@injection("refused")
def orphaned_notice(d: Damage, s: School) -> None:
    for number, (student, course) in enumerate(((NOBODY, s.algebra), (s.ada, NOBODY))):
        d.run(
            "INSERT INTO notices (user_id, kind, key, title, text, course_id, created_at)"
            " VALUES (?, 'enrolled', ?, 'You are in', '', ?, ?)",
            *(student, f"orphan-{number}", course, LONG_AGO),
        )


@injection("refused")
def orphaned_certificate(d: Damage, s: School) -> None:
    certify(d, NOBODY, s.algebra, "A")
    certify(d, s.ada, NOBODY, "B")


@injection("refused")
def orphaned_payment(d: Damage, s: School) -> None:
    a_payment(d, NOBODY, s.botany, "paid")


def test_no_row_of_a_missing_person_stays_in_the_way_of_its_key() -> None:
    repaired = {check.model for kind, check in CHECKS if kind.phase is Phase.REFERENCES}
    referring = {
        mapper.class_
        for mapper in Base.registry.mappers
        for column in mapper.local_table.columns
        if any(key.column.table is User.__table__ for key in column.foreign_keys)
    }
    # Of interrupted forms none is older than a day.
    assert referring - repaired == {InterruptedForm}


def test_a_payment_for_what_is_gone_says_so_for_good(school: School, injure: Injure) -> None:
    injure(school, _pay_for_nothing)
    assert not any(sync.auto_fix(by=None).remaining.values())
    [payment] = contents()["payments"]
    assert (payment["user_id"], payment["course_id"]) == (None, None)
    assert payment["user_email"] == "Unknown account"
    assert payment["course_title"] == "Unknown course"


def _pay_for_nothing(damage: Damage, _: School) -> None:
    a_payment(damage, NOBODY, NOBODY, "paid")
