"""Rosters in the browser: a file or a pasted list, its preview, and what became of it."""

import re
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from lms import enrollment
from lms.importing import uploads
from tests.builders import a_course, a_student
from tests.conftest import Sql
from tests.importing.roster.conftest import HEADER
from tests.web.browser import Browser
from tests.web.conftest import Act, AddPerson

PAGE = "/admin/roster"


@pytest.fixture(autouse=True)
def _folder(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "instance_path", str(tmp_path / "instance"))


@pytest.fixture
def algebra(act: Act) -> int:
    return int(act(a_course, "Algebra"))


def _upload(admin: Browser, content: bytes, name: str = "roster.csv") -> TestResponse:
    return admin.send_file(PAGE, content, name)


def _paste(admin: Browser, course: int | str, people: str) -> TestResponse:
    return admin.send_form(f"{PAGE}/list", course_id=str(course), people=people)


def _apply(admin: Browser, at: str, **typed: str) -> TestResponse:
    return admin.send_form(f"{at}/apply", key=_key(admin, at), **typed)


def _key(admin: Browser, at: str) -> str:
    [key] = re.findall(r'name="key" value="(\w+)"', admin.get(at).text)
    return str(key)


def _words(answer: TestResponse) -> str:
    """Return what a page says, without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2])).split())


def _at(answer: TestResponse) -> str:
    assert answer.status_code == 303, _words(answer)
    return str(answer.location)


def test_a_pasted_list_is_previewed_applied_and_undone(
    admin: Browser, algebra: int, act: Act, sql: Sql
) -> None:
    act(a_student, "Kim Lee", email="kim@x.org")
    page = admin.get(f"{PAGE}?course={algebra}").text
    assert re.search(rf'<option selected value="{algebra}">Algebra', page)
    at = _at(_paste(admin, algebra, "Bob <bob@x.org>\nKim Lee\nNobody Known"))
    preview = _words(admin.get(at))
    for part in (
        "A pasted list for Algebra",
        "To enroll 2 1 new account To unenroll 0 Nothing to do 0 Refused 1",
        "Nobody Known 3 Refused No student has this name: add the e-mail address",
        "Kim Lee kim@x.org (found by name) 2 Enroll",
        "Bob bob@x.org 1 New account Would be enrolled in Algebra, with a new account",
    ):
        assert part in preview
    assert sql("SELECT count(*) FROM enrollments") == [(0,)]
    assert "A pasted list for Algebra" in _words(admin.get(PAGE))
    key = _key(admin, at)
    for _ in range(2):  # two tabs show the same preview
        assert _at(admin.send_form(f"{at}/apply", key=key)) == at
    assert sql("SELECT count(*) FROM enrollments") == [(2,)]
    done = admin.get(at)
    assert "Enrolled 2 1 new account Unenrolled 0" in _words(done)
    [undo] = re.findall(r'action="(/admin/sync/runs/\d+/undo)"', done.text)
    admin.send_form(undo)
    assert sql("SELECT count(*) FROM enrollments") == [(0,)]
    assert "It was undone on" in _words(admin.get(at))


def test_a_file_says_who_loses_what_and_asks_for_the_number(
    admin: Browser, algebra: int, act: Act, sql: Sql
) -> None:
    lines = [HEADER]
    for number in range(6):
        student = act(a_student, f"S{number}", email=f"s{number}@x.org")
        act(enrollment.enroll, student, algebra, by=None)
        lines.append(f"s{number}@x.org,,Algebra,unenroll")
    at = _at(_upload(admin, "\n".join(lines).encode(), "C:\\lists\\../leaving.csv"))
    preview = _words(admin.get(at))
    assert "leaving.csv" in preview
    assert "lists" not in preview
    assert "6 of 6 would lose access to Algebra: s0@x.org, s1@x.org," in preview
    assert preview.index("would lose") < preview.index("To enroll")
    for wrong in ("", "5", "six", "9" * 19, "-6"):
        answer = _apply(admin, at, ending=wrong)
        assert answer.status_code == 422
        assert "6 enrollments would end. If that is right, type 6." in _words(answer)
        assert f'value="{wrong}"' in answer.text
    assert sql("SELECT count(*) FROM enrollments") == [(6,)]
    assert _at(_apply(admin, at, ending=" 6 ")) == at
    assert sql("SELECT count(*) FROM enrollments") == [(0,)]
    assert "6 of 6 lost access to Algebra" in _words(admin.get(at))


def test_a_long_one_is_left_to_the_worker(
    admin: Browser, algebra: int, act: Act, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("READ_AT_ONCE", "APPLIED_AT_ONCE"):
        monkeypatch.setattr(uploads.content, name, 1)
    at = _at(_paste(admin, algebra, "A <a@x.org>\nB <b@x.org>"))
    assert "The preview will appear here once every line has been checked" in _words(admin.get(at))
    act(uploads.work_when_due, None)
    assert "To enroll 2" in _words(admin.get(at))
    assert _at(_apply(admin, at)) == at
    assert "All changes take effect at once" in _words(admin.get(at))
    act(uploads.work_when_due, None)
    assert "Enrolled 2" in _words(admin.get(at))


BAD_LISTS = {
    "": "Enter at least one person.",
    "x" * 10_000: "Line 1 is too long. Put one person on each line.",
    "Name, E-mail": "Paste at least one person.",
    "a\x00b": "Remove the characters that can't be stored.",
}


@pytest.mark.parametrize("people", BAD_LISTS)
def test_a_bad_list_is_refused_at_its_field_and_stays(
    admin: Browser, algebra: int, people: str
) -> None:
    answer = _paste(admin, algebra, people)
    assert answer.status_code == 422
    [error] = re.findall(r'id="people-error">.*?</svg>(.*?)</p>', unescape(answer.text))
    assert error == BAD_LISTS[people]
    assert people.replace("\x00", "") in answer.text.replace("\x00", "")
    assert re.search(rf'<option selected value="{algebra}">', answer.text)


@pytest.mark.parametrize("course", ["", "4711", "x"])
def test_a_course_that_is_none_is_refused_at_its_field(admin: Browser, course: str) -> None:
    answer = _paste(admin, course, "Ada <ada@x.org>")
    assert answer.status_code == 422
    assert 'id="course_id-error"' in answer.text
    assert "Ada &lt;ada@x.org&gt;" in answer.text


def test_a_course_deleted_after_the_preview_brings_a_new_one(
    admin: Browser, algebra: int, act: Act, sql: Sql
) -> None:
    at = _at(_paste(admin, algebra, "Bob <bob@x.org>"))
    act(enrollment.delete_course, algebra, by=admin.user_id)
    assert "A pasted list for a course that was deleted" in _words(admin.get(at))
    _apply(admin, at)
    assert "Nothing was applied. This is the new preview" in _words(admin.get(at))
    assert "Refused The course doesn't exist" in _words(admin.get(at))
    assert sql("SELECT count(*) FROM users WHERE email = 'bob@x.org'") == [(0,)]


def test_what_is_no_roster_is_refused_at_its_field(admin: Browser) -> None:
    bad = {b"": "roster.csv is empty", b"\x89PNG": "is a picture", b"a,b\n1,2": "first line lacks"}
    for content, words in bad.items():
        answer = _upload(admin, content)
        assert (answer.status_code, words in _words(answer)) == (422, True)
        assert 'id="file-error"' in answer.text
    answer = admin.send_form(PAGE)
    assert (answer.status_code, "Choose a file." in _words(answer)) == (422, True)


def test_a_file_that_is_too_large_names_the_command(admin: Browser, sql: Sql) -> None:
    answer = _upload(admin, bytes(uploads.MOST_BYTES + 1_000_001))
    assert (answer.status_code, "flask import roster" in answer.text) == (413, True)
    answer = _upload(admin, bytes(uploads.MOST_BYTES + 1))
    assert (answer.status_code, "larger than 10 MB" in answer.text) == (422, True)
    assert sql("SELECT * FROM roster_uploads") == []


def test_applying_asks_for_a_fresh_proof(admin: Browser, algebra: int, sql: Sql) -> None:
    at = _at(_paste(admin, algebra, "Bob <bob@x.org>"))
    sql("UPDATE sign_ins SET proved_at = '2020-01-01 00:00:00.000000'")
    assert "Confirm" in _words(_apply(admin, at))
    assert sql("SELECT count(*) FROM enrollments") == [(0,)]


def test_canceled_the_page_is_gone(admin: Browser, algebra: int) -> None:
    at = _at(_paste(admin, algebra, "Bob <bob@x.org>"))
    key = _key(admin, at)
    assert _at(admin.send_form(f"{at}/cancel")) == PAGE
    answer = admin.get(at)
    assert (answer.status_code, "submit it again" in answer.text) == (404, True)
    assert admin.send_form(f"{at}/apply", key=key).status_code == 404
    assert _at(admin.send_form(f"{at}/cancel")) == PAGE


def test_canceled_after_it_was_applied_it_leads_to_the_undo(
    admin: Browser, algebra: int, act: Act, sql: Sql
) -> None:
    act(a_student, "Kim Lee", email="kim@x.org")
    for undo in (" Undo reverses what it did.", ""):  # the second has nothing to change
        at = _at(_paste(admin, algebra, "kim@x.org"))
        _apply(admin, at)
        assert _at(admin.send_form(f"{at}/cancel")) == at
        page = admin.get(at)
        assert f"can no longer be canceled.{undo} " in _words(page)
        assert ("/undo" in page.text) == bool(undo)
    assert sql("SELECT count(*) FROM enrollments") == [(1,)]


def test_a_poll_tells_a_new_title_and_a_new_name_of_the_sender(
    app: Flask, admin: Browser, algebra: int, add_person: AddPerson, act: Act
) -> None:
    eve, other = add_person("eve@x.org", name="Eve", role="admin"), Browser(app)
    other.sign_in("eve@x.org")
    at = _at(_paste(other, algebra, "Bob <bob@x.org>"))
    fields = enrollment.CourseFields(title="Geometry", price_cents=0)
    for verb, values, words in (
        (enrollment.edit_course, (algebra, fields), "Geometry"),
        (enrollment.rename_user, (eve, "Eve King"), "Eve King"),
    ):
        poll = {"X-Live": "none=0"}
        tags = {page: admin.get(page, headers=poll).headers["ETag"] for page in (PAGE, at)}
        act(verb, *values, by=eve)
        for page, tag in tags.items():
            assert admin.get(page, headers={**poll, "If-None-Match": tag}).status_code != 304
            assert words in admin.get(page).text


def test_new_people_are_invited_where_the_portal_knows_its_address(
    app: Flask, admin: Browser, algebra: int, sql: Sql
) -> None:
    assert "get an e-mail without a link" in _words(
        admin.get(_at(_paste(admin, algebra, "Bob <bob@x.org>")))
    )
    app.config["PUBLIC_URL"] = "http://localhost"
    at = _at(_paste(admin, algebra, "Bob <bob@x.org>"))
    assert "get an e-mail with a link" in _words(admin.get(at))
    _apply(admin, at)
    assert sql("SELECT recipient FROM outbox_emails WHERE key LIKE 'welcome-%'") == [("bob@x.org",)]
