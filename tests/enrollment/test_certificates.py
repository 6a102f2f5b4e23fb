"""Certificates: one per completed course, from whichever path led there, and kept."""

from typing import Any

import pytest

from lms import enrollment
from lms.db import db
from lms.enrollment import CourseFields
from lms.ledger.certificates import LETTERS, new_code
from lms.queries.certificates import certificate, normalized
from lms.refusals import CertificateNotFound
from tests.builders import a_chapter, a_course, a_public_course, a_student, an_admin
from tests.conftest import Sql
from tests.enrollment.conftest import Touches

FOUND = "SELECT user_id, course_id, student_name, course_title FROM certificates ORDER BY id"


def found(sql: Sql) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in sql(FOUND)]


def chapters(sql: Sql, course: int) -> list[int]:
    return [row.id for row in sql("SELECT id FROM chapters WHERE course_id = :c", c=course)]


def a_graduate(sql: Sql, course: int, name: str = "Ada") -> int:
    student = a_student(name)
    enrollment.enroll_directly(student, course)
    for chapter in chapters(sql, course):
        enrollment.complete_chapter(student, chapter)
    return student


def test_the_last_chapter_brings_the_certificate_once(sql: Sql) -> None:
    course = a_public_course(chapters=2)
    student = a_student("Ada Lovelace")
    enrollment.enroll_directly(student, course)
    first, last = chapters(sql, course)
    enrollment.complete_chapter(student, first)
    assert found(sql) == []
    for _ in range(2):
        enrollment.complete_chapter(student, last)
        enrollment.reopen_chapter(student, first)
        enrollment.complete_chapter(student, first)
    assert found(sql) == [(student, course, "Ada Lovelace", "Botany")]


def test_it_outlives_new_names_new_chapters_unenrolling_and_the_course(sql: Sql) -> None:
    admin, course = an_admin(), a_public_course(chapters=1)
    student = a_graduate(sql, course)
    enrollment.rename_user(student, "Countess", by=student)
    enrollment.edit_course(course, CourseFields(title="Zoology", status="published"), by=admin)
    a_chapter(course)
    enrollment.unenroll(student, course, by=admin)
    assert found(sql) == [(student, course, "Ada", "Botany")]
    enrollment.delete_course(course, by=admin)
    assert found(sql) == [(student, None, "Ada", "Botany")]


def test_it_goes_with_its_student(sql: Sql) -> None:
    student = a_graduate(sql, a_public_course(chapters=1))
    enrollment.delete_user(student, by=None)
    assert found(sql) == []


def test_a_removed_chapter_may_complete_the_course_of_many(sql: Sql) -> None:
    course = a_public_course(chapters=2)
    first, last = chapters(sql, course)
    students = [a_student() for _ in range(3)]
    for student in students:
        enrollment.enroll_directly(student, course)
        enrollment.complete_chapter(student, first)
    enrollment.delete_chapter(last, by=None)
    assert [row[0] for row in found(sql)] == students


def test_coming_back_to_a_course_that_is_completed_by_now_brings_it(sql: Sql) -> None:
    admin, course = an_admin(), a_public_course(chapters=2)
    student, other = a_student(), a_student()
    first, last = chapters(sql, course)
    for each in (student, other):
        enrollment.enroll_directly(each, course)
        enrollment.complete_chapter(each, first)
        enrollment.unenroll(each, course, by=admin)
    enrollment.delete_chapter(last, by=admin)
    assert found(sql) == []
    enrollment.enroll(student, course, by=admin)
    assert [row[0] for row in found(sql)] == [student]
    open_to_all = CourseFields(title="B", status="published", is_default_unlocked=True)
    enrollment.edit_course(course, open_to_all, by=admin)
    assert [row[0] for row in found(sql)] == [student, other]


def test_codes_cannot_be_guessed_and_can_be_read_out() -> None:
    codes = {new_code() for _ in range(500)}
    assert len(codes) == 500
    assert all(set(code) <= {*LETTERS, "-"} and len(code) == 29 for code in codes)
    assert len(LETTERS) ** 24 > 2**100
    assert not set("ILOU") & set(LETTERS)


def test_a_code_is_found_however_it_was_typed(sql: Sql) -> None:
    a_graduate(sql, a_public_course(chapters=1))
    [code] = [row.code for row in sql("SELECT code FROM certificates")]
    typed = f" {code.lower().replace('-', ' ')} ".replace("0", "o").replace("1", "l")
    assert normalized(typed) == code
    assert certificate(typed).student_name == "Ada"
    for unknown in ("", "\x00", "é" * 24, new_code(), code[:-1]):
        with pytest.raises(CertificateNotFound):
            certificate(unknown)


def test_a_certificate_is_revoked_and_reinstated_with_a_trail_and_a_notice(sql: Sql) -> None:
    admin = an_admin()
    a_graduate(sql, a_public_course(chapters=1))
    [row] = sql("SELECT id, code FROM certificates")
    for _ in range(2):
        enrollment.revoke_certificate(row.id, by=admin, reason="Copied")
        enrollment.revoke_certificate(row.id, by=admin, reason="Again")
        assert certificate(row.code).revoked_at is not None
        db.session.rollback()
        enrollment.reinstate_certificate(row.id, by=admin)
        enrollment.reinstate_certificate(row.id, by=admin)
        assert certificate(row.code).revoked_at is None
        db.session.rollback()
    kinds = [(each.kind, each.reason) for each in sql("SELECT kind, reason FROM notices")]
    assert kinds == [("certificate_revoked", "Copied"), ("certificate_reinstated", "")] * 2
    trail = sql("SELECT action FROM audit_entries WHERE action LIKE 'certificate%' ORDER BY id")
    judged = ["certificate.revoked", "certificate.reinstated"] * 2
    assert [each.action for each in trail] == ["certificate.issued", *judged]
    with pytest.raises(CertificateNotFound):
        enrollment.revoke_certificate(999, by=admin)


def test_the_pages_of_its_student_and_of_admins_show_a_revocation(
    sql: Sql, touches: Touches
) -> None:
    student = a_graduate(sql, a_public_course(chapters=1))
    [row] = sql("SELECT id FROM certificates")
    with touches("progress", students=[student]):
        enrollment.revoke_certificate(row.id, by=None)
    with touches():
        enrollment.revoke_certificate(row.id, by=None)


def test_a_course_without_chapters_is_not_completed(sql: Sql) -> None:
    enrollment.enroll(a_student(), a_course(), by=an_admin())
    assert found(sql) == []
