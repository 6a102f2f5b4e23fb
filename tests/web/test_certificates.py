"""Certificates over HTTP: the download, the public page and an admin's revocation."""

from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from pypdf import PdfReader

from lms import enrollment
from tests.builders import a_chapter, a_public_course
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act, AddPerson, Statements


@pytest.fixture
def completed(student: Browser, act: Act) -> int:
    """Let Sam complete Botany, and return the course's id."""
    course: int = act(a_public_course, chapters=1)
    act(enrollment.enroll_directly, student.user_id, course)
    chapter = student.get("/api/student/progress-details").get_json()["courses"][0]["chapters"][0]
    act(enrollment.complete_chapter, student.user_id, chapter["id"])
    return course


def code_of(student: Browser) -> str:
    [found] = student.get("/api/student/certificates").get_json()["certificates"]
    return str(found["code"])


def read(pdf: bytes) -> str:
    return " ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)


def test_a_completed_course_has_its_certificate_to_download(
    app: Flask, student: Browser, completed: int
) -> None:
    app.config.update(SCHOOL_NAME="Hill School", PUBLIC_URL="https://localhost:8443")
    code = code_of(student)
    answer = student.get(f"/student/courses/{completed}/certificate")
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="certificate-{code}.pdf"'
    assert "no-store" in answer.headers["Cache-Control"]
    said = read(answer.data)
    for words in ("HILL SCHOOL", "Sam Student", "Botany", "(UTC)", code):
        assert words in said
    assert f"https://localhost:8443/certificates/{code}" in said
    [page] = PdfReader(BytesIO(answer.data)).pages
    assert [round(float(side)) for side in page.mediabox[2:]] == [842, 595]
    again = {"If-None-Match": answer.headers["ETag"]}
    unchanged = student.get(f"/student/courses/{completed}/certificate", headers=again)
    assert (unchanged.status_code, unchanged.data) == (304, b"")
    for address in ("/student/progress", f"/student/courses/{completed}"):
        assert "Download certificate" in student.get(address).text


def test_a_certificate_that_says_something_else_now_is_no_longer_unchanged(
    app: Flask, student: Browser, admin: Browser, completed: int
) -> None:
    address = f"/student/courses/{completed}/certificate"
    known = {"If-None-Match": student.get(address).headers["ETag"]}
    assert student.get(address, headers=known).status_code == 304
    seen = admin.get("/admin/settings").text.partition('name="seen" value="')[2].partition('"')[0]
    typed = {"registration": "open", "name": "Mill School"}
    assert admin.send_form("/admin/settings", seen=seen, **typed).status_code == 303
    renamed = student.get(address, headers=known)
    assert "MILL SCHOOL" in read(renamed.data)
    known = {"If-None-Match": renamed.headers["ETag"]}
    app.config["SCHOOL_NAME"] = "Given School"
    assert "GIVEN SCHOOL" in read(student.get(address, headers=known).data)


def test_a_course_that_is_not_completed_has_none_yet(student: Browser, act: Act) -> None:
    course = act(a_public_course, "Long", chapters=2)
    for _ in range(2):
        answer = student.get(f"/student/courses/{course}/certificate")
        assert answer.status_code == 409
        assert "You haven&#39;t completed Long yet" in answer.text
        act(enrollment.enroll_directly, student.user_id, course)
    assert student.get("/student/courses/999/certificate").status_code == 404
    assert "Download certificate" not in student.get(f"/student/courses/{course}").text
    assert "Download certificate" not in student.get("/student/progress").text


def test_a_new_chapter_or_a_deleted_course_takes_no_certificate_away(
    student: Browser, completed: int, act: Act, sql: Sql
) -> None:
    act(a_chapter, completed)
    assert student.get(f"/student/courses/{completed}/certificate").status_code == 200
    act(enrollment.delete_course, completed, by=None)
    assert student.get(f"/student/courses/{completed}/certificate").status_code == 404
    [row] = sql("SELECT id FROM certificates")
    assert f'href="/student/certificates/{row.id}"' in student.get("/student/progress").text
    assert student.get(f"/student/certificates/{row.id}").mimetype == "application/pdf"
    assert student.get("/student/certificates/999").status_code == 404


def test_only_its_holder_downloads_it(
    *,
    browser: Browser,
    student: Browser,
    admin: Browser,
    add_person: AddPerson,
    completed: int,
    sql: Sql,
) -> None:
    [row] = sql("SELECT id FROM certificates")
    for address in (f"/student/courses/{completed}/certificate", f"/student/certificates/{row.id}"):
        assert admin.get(address).status_code == 403
        assert browser.get(address).status_code == 303
    student.send_form("/logout")
    add_person("bob@example.org")
    student.sign_in("bob@example.org")
    assert student.get(f"/student/certificates/{row.id}").status_code == 404
    assert student.get("/api/student/certificates").get_json() == {"certificates": []}


def test_anybody_with_the_code_sees_that_it_is_valid_and_no_search_engine_does(
    browser: Browser, student: Browser, completed: int, statements: Statements
) -> None:
    code = code_of(student)
    with statements() as sent:
        answer = browser.get(f"/certificates/{code.lower()}")
    assert len(sent) == 2
    assert answer.status_code == 200
    for words in ("Sam Student", "Botany", "This certificate is valid", code):
        assert words in answer.text
    assert "sam@example.org" not in answer.text
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert '<meta name="robots" content="noindex' in answer.text
    found = browser.get("/certificates", query_string={"code": code.replace("-", " ")})
    assert found.location == f"/certificates/{code}"


def test_an_unknown_code_is_answered_kindly(browser: Browser) -> None:
    assert "Verify a certificate" in browser.get("/certificates").text
    for code in ("NOPE", "0000-0000-0000-0000-0000-0000", "%00", "%F0%9F%8E%93", "x" * 3000):
        answer = browser.get(f"/certificates/{code}")
        assert answer.status_code == 404
        assert "No certificate has this code" in answer.text
        assert "noindex" in answer.headers["X-Robots-Tag"]


def test_an_admin_revokes_and_reinstates_it(
    browser: Browser, student: Browser, admin: Browser, completed: int, sql: Sql
) -> None:
    code = code_of(student)
    [row] = sql("SELECT id FROM certificates")
    address = f"/admin/students/{student.user_id}/certificates/{row.id}"
    assert f"{address}/revoke" in admin.get(f"/admin/students/{student.user_id}").text
    assert "Botany" in admin.get(f"{address}/revoke").text
    assert admin.send_form(f"{address}/revoke", reason="x" * 3000).status_code == 303
    assert "This certificate is valid" in browser.get(f"/certificates/{code}").text

    assert admin.send_form(f"{address}/revoke", reason="Copied").status_code == 303
    public = browser.get(f"/certificates/{code}").text
    assert "This certificate is not valid" in public
    assert "Copied" not in public
    refused = student.get(f"/student/courses/{completed}/certificate")
    assert refused.status_code == 409
    assert "If the school gave a reason, you&#39;ll find it under Notices." in refused.text
    assert "Download certificate" not in student.get(f"/student/courses/{completed}").text
    assert "Reason: Copied" in student.get("/student/notices").text

    assert admin.send_form(f"{address}/reinstate").status_code == 303
    assert "This certificate is valid" in browser.get(f"/certificates/{code}").text
    assert student.get(f"/student/courses/{completed}/certificate").status_code == 200
    wrong = f"/admin/students/{admin.user_id}/certificates/{row.id}/reinstate"
    assert admin.send_form(wrong).status_code == 404


def test_the_json_tells_what_a_student_has(student: Browser, completed: int) -> None:
    [found] = student.get("/api/student/certificates").get_json()["certificates"]
    assert found.pop("completedAt").endswith("Z")
    known: dict[str, Any] = {
        key: found[key] for key in ("courseId", "courseTitle", "studentName", "revokedAt")
    }
    assert known == {
        "courseId": completed,
        "courseTitle": "Botany",
        "studentName": "Sam Student",
        "revokedAt": None,
    }
