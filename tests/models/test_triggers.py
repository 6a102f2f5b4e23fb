"""What triggers hold together across tables, broken by raw SQL on both engines."""

import pytest
from sqlalchemy.exc import IntegrityError

from tests.conftest import Sql

pytestmark = pytest.mark.usefixtures("world")

ENROLL_BOB = (
    "INSERT INTO enrollments (user_id, course_id) VALUES (2, 1)",
    "INSERT INTO student_progress (student_id, course_id) VALUES (2, 1)",
)


def test_a_pending_request_is_refused_beside_an_enrollment(sql: Sql) -> None:
    with pytest.raises(IntegrityError, match="beside an enrollment"):
        sql("INSERT INTO access_requests (student_id, course_id) VALUES (1, 1)")


def test_a_request_that_is_moved_beside_an_enrollment_is_refused(sql: Sql) -> None:
    with pytest.raises(IntegrityError, match="beside an enrollment"):
        sql("UPDATE access_requests SET student_id = 1")


def test_a_request_that_becomes_pending_beside_an_enrollment_is_refused(sql: Sql) -> None:
    sql("INSERT INTO access_requests (student_id, course_id, status) VALUES (1, 1, 'rejected')")
    with pytest.raises(IntegrityError, match="beside an enrollment"):
        sql("UPDATE access_requests SET status = 'pending' WHERE student_id = 1")


def test_a_decided_request_may_stand_beside_an_enrollment(sql: Sql) -> None:
    sql("INSERT INTO access_requests (student_id, course_id, status) VALUES (1, 1, 'approved')")
    assert len(sql("SELECT id FROM access_requests WHERE student_id = 1")) == 1


def test_an_enrollment_removes_the_pending_request_of_its_pair_alone(sql: Sql) -> None:
    sql("INSERT INTO access_requests (student_id, course_id) VALUES (2, 2)")
    sql(*ENROLL_BOB)
    assert sql("SELECT student_id, course_id FROM access_requests") == [(2, 2)]


def test_an_enrollment_that_is_moved_to_a_pair_removes_its_pending_request(sql: Sql) -> None:
    sql("DELETE FROM access_sources", "UPDATE enrollments SET user_id = 2")
    assert sql("SELECT id FROM access_requests") == []


def test_an_enrollment_keeps_the_decided_requests_of_its_pair(sql: Sql) -> None:
    sql("UPDATE access_requests SET status = 'rejected'")
    sql(*ENROLL_BOB)
    assert len(sql("SELECT id FROM access_requests")) == 1


def test_a_full_course_takes_no_further_student(sql: Sql) -> None:
    sql("UPDATE courses SET capacity = 1 WHERE id = 1")
    with pytest.raises(IntegrityError, match="the course is full"):
        sql(*ENROLL_BOB)


def test_a_course_with_a_seat_left_takes_one(sql: Sql) -> None:
    sql("UPDATE courses SET capacity = 2 WHERE id = 1")
    sql(*ENROLL_BOB)
    assert len(sql("SELECT id FROM enrollments")) == 2


def test_a_full_course_takes_nobody_who_is_moved_from_another(sql: Sql) -> None:
    sql("DELETE FROM offers", "DELETE FROM access_sources")
    sql("UPDATE courses SET capacity = 0 WHERE id = 2")
    with pytest.raises(IntegrityError, match="the course is full"):
        sql("UPDATE enrollments SET course_id = 2")


def test_a_repeated_enrollment_in_a_full_course_is_no_error_where_conflicts_are_ignored(
    sql: Sql,
) -> None:
    sql("UPDATE courses SET capacity = 1 WHERE id = 1")
    sql("INSERT INTO enrollments (user_id, course_id) VALUES (1, 1) ON CONFLICT DO NOTHING")
    assert len(sql("SELECT id FROM enrollments")) == 1


def test_capacity_cannot_be_lowered_below_the_students_enrolled(sql: Sql) -> None:
    sql("UPDATE courses SET capacity = 1 WHERE id = 1")
    with pytest.raises(IntegrityError, match="more seats are taken or held"):
        sql("UPDATE courses SET capacity = 0 WHERE id = 1")


def an_offer(student: int, course: int, status: str = "open") -> str:
    ended = "NULL" if status == "open" else "'2026-01-01 00:00:00'"
    return f"""
        INSERT INTO offers
            (student_id, course_id, price_cents, currency, status, expires_at, ended_at)
        VALUES ({student}, {course}, 500, 'eur', '{status}', '2030-01-01 00:00:00', {ended})"""


def test_capacity_cannot_be_lowered_below_the_seats_that_offers_hold(sql: Sql) -> None:
    sql(an_offer(2, 1), "UPDATE courses SET capacity = 2 WHERE id = 1")
    with pytest.raises(IntegrityError, match="more seats are taken or held"):
        sql("UPDATE courses SET capacity = 1 WHERE id = 1")


def test_an_offer_needs_a_seat_that_nobody_has(sql: Sql) -> None:
    sql("UPDATE courses SET capacity = 1 WHERE id = 1")
    with pytest.raises(IntegrityError, match="the course is full"):
        sql(an_offer(2, 1))


def test_an_offer_needs_a_seat_that_no_other_offer_holds(sql: Sql) -> None:
    sql("UPDATE courses SET capacity = 1 WHERE id = 2")
    with pytest.raises(IntegrityError, match="the course is full"):
        sql(an_offer(1, 2))


def test_an_offer_that_is_over_holds_no_seat(sql: Sql) -> None:
    sql("UPDATE offers SET status = 'expired', ended_at = expires_at")
    sql("UPDATE courses SET capacity = 1 WHERE id = 2", an_offer(1, 2))
    assert len(sql("SELECT id FROM offers WHERE status = 'open'")) == 1


def test_an_offer_that_is_over_opens_again_only_where_there_is_a_seat(sql: Sql) -> None:
    sql(an_offer(1, 2, "declined"), "UPDATE courses SET capacity = 1 WHERE id = 2")
    with pytest.raises(IntegrityError, match="the course is full"):
        sql("UPDATE offers SET status = 'open', ended_at = NULL WHERE student_id = 1")


def test_nobody_takes_the_seat_that_is_held_for_another(sql: Sql) -> None:
    sql("UPDATE courses SET capacity = 1 WHERE id = 2")
    with pytest.raises(IntegrityError, match="the course is full"):
        sql(
            "INSERT INTO enrollments (user_id, course_id) VALUES (1, 2)",
            "INSERT INTO student_progress (student_id, course_id) VALUES (1, 2)",
        )


def test_a_student_takes_the_seat_that_is_held_for_them(sql: Sql) -> None:
    sql("UPDATE courses SET capacity = 1 WHERE id = 2")
    sql(
        "INSERT INTO enrollments (user_id, course_id) VALUES (2, 2)",
        "INSERT INTO student_progress (student_id, course_id) VALUES (2, 2)",
        "UPDATE offers SET status = 'accepted', ended_at = expires_at",
    )
    assert len(sql("SELECT id FROM enrollments WHERE course_id = 2")) == 1


def test_an_open_offer_is_refused_beside_an_enrollment(sql: Sql) -> None:
    with pytest.raises(IntegrityError, match="beside an enrollment"):
        sql(an_offer(1, 1))
    sql(an_offer(1, 1, "accepted"))
    with pytest.raises(IntegrityError, match="beside an enrollment"):
        sql("UPDATE offers SET status = 'open', ended_at = NULL WHERE student_id = 1")


@pytest.mark.parametrize("table", ["audit_entries", "decisions", "decision_reversals"])
@pytest.mark.parametrize("change", ["UPDATE {} SET id = 9", "DELETE FROM {}"])
def test_the_record_is_kept_for_good(sql: Sql, table: str, change: str) -> None:
    with pytest.raises(IntegrityError, match="kept for good"):
        sql(change.format(table))


@pytest.mark.parametrize("table", ["audit_entries", "decisions", "decision_reversals"])
def test_the_record_cannot_be_replaced(sql: Sql, database_url: str, table: str) -> None:
    before = sql(f"SELECT * FROM {table}")
    replace = {
        "sqlite": f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
        "postgresql": f"TRUNCATE {table} CASCADE",
    }
    with pytest.raises(IntegrityError, match="kept for good"):
        sql(replace[database_url.partition(":")[0]])
    assert sql(f"SELECT * FROM {table}") == before


@pytest.mark.parametrize(
    ("table", "columns", "values"),
    [
        ("users", "email, name", "'eve@example.org', 'Eve'"),
        ("courses", "title", "'Chemistry'"),
        ("chapters", "course_id, title", "1, 'Groups'"),
        ("access_requests", "student_id, course_id", "2, 2"),
        ("payments", "amount_cents", "1"),
        ("sign_ins", "token_hash, user_id, expires_at", "'t', 1, '2030-01-01 00:00:00'"),
    ],
)
def test_the_id_of_a_deleted_row_is_never_given_again(
    sql: Sql, table: str, columns: str, values: str
) -> None:
    insert = f"INSERT INTO {table} ({columns}) VALUES ({values}) RETURNING id"
    [(first,)] = sql(insert)
    sql(f"DELETE FROM {table} WHERE id = {first}")
    [(second,)] = sql(insert)
    assert second > first
