"""A file of a course is sent to those who may read its chapters, whole or in part."""

import pytest
from flask import Flask

from lms import enrollment
from lms.files import store
from lms.queries import files as queries
from tests.builders import a_chapter, a_file, a_public_course
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act, AddPerson, Statements

POLICY = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox"
CONTENT = bytes(range(256)) * 1_000


@pytest.fixture
def school(act: Act) -> tuple[int, int]:
    """A course with a chapter, and a picture in it."""
    course_id = act(a_public_course, "Botany")
    act(a_chapter, course_id, "Cells")
    return course_id, act(a_file, course_id, "a cell.png", CONTENT)


@pytest.fixture
def address(school: tuple[int, int], student: Browser, act: Act) -> str:
    """The picture, of a course in which the student is enrolled."""
    course_id, file_id = school
    act(enrollment.enroll_directly, student.user_id, course_id)
    return f"/courses/{course_id}/files/{file_id}/a%20cell.png"


def test_who_is_enrolled_gets_the_file_with_headers_that_keep_it_harmless(
    student: Browser, address: str
) -> None:
    answer = student.get(address)
    assert (answer.status_code, answer.data) == (200, CONTENT)
    headers = answer.headers
    assert headers["Content-Type"] == "image/png"
    assert headers["Content-Length"] == str(len(CONTENT))
    assert headers["Content-Disposition"] == "inline; filename*=UTF-8''a%20cell.png"
    assert headers["Content-Security-Policy"] == POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "private, no-cache"
    assert headers["Accept-Ranges"] == "bytes"
    assert "Content-Encoding" not in headers


def test_everybody_else_gets_what_a_file_that_is_not_there_gets(
    app: Flask, school: tuple[int, int], add_person: AddPerson, student: Browser, admin: Browser
) -> None:
    course_id, file_id = school
    address = f"/courses/{course_id}/files/{file_id}/cell.png"
    add_person("other@example.org")
    for odd in (address, f"/courses/{course_id}/files/999/cell.png"):
        assert student.get(odd).status_code == 404
    assert Browser(app).get(address).status_code == 303
    assert admin.get(address).data == CONTENT
    assert admin.get(f"/courses/{course_id + 1}/files/{file_id}/cell.png").status_code == 404


def test_access_that_has_ended_ends_for_what_a_browser_has_kept(
    student: Browser, act: Act, address: str
) -> None:
    tag = student.get(address).headers["ETag"]
    kept = {"If-None-Match": tag}
    answer = student.get(address, headers=kept)
    assert (answer.status_code, answer.data) == (304, b"")
    course_id = int(address.split("/")[2])
    act(enrollment.unenroll, student.user_id, course_id, by=None, reason="")
    assert student.get(address, headers=kept).status_code == 404


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-299", 100, 300),
        ("bytes=1000-", 1000, len(CONTENT)),
        ("bytes=-5", len(CONTENT) - 5, len(CONTENT)),
        (f"bytes=10-{len(CONTENT) * 2}", 10, len(CONTENT)),
    ],
)
def test_a_part_is_sent_alone(
    student: Browser, address: str, asked: str, start: int, stop: int
) -> None:
    answer = student.get(address, headers={"Range": asked})
    assert (answer.status_code, answer.data) == (206, CONTENT[start:stop])
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(CONTENT)}"
    assert answer.headers["Content-Length"] == str(stop - start)


@pytest.mark.parametrize(
    "asked", [f"bytes={len(CONTENT)}-", "bytes=5-2", "bytes=x", "furlongs=1-2"]
)
def test_a_part_that_is_not_there_is_refused_with_the_length(
    student: Browser, address: str, asked: str
) -> None:
    answer = student.get(address, headers={"Range": asked})
    assert answer.status_code in {200, 416}
    if answer.status_code == 416:
        assert answer.headers["Content-Range"] == f"bytes */{len(CONTENT)}"
    else:
        assert answer.data == CONTENT


def test_several_parts_at_once_are_the_whole_file(student: Browser, address: str) -> None:
    answer = student.get(address, headers={"Range": "bytes=0-1,5-6"})
    assert (answer.status_code, answer.data) == (200, CONTENT)


def test_a_part_of_another_version_is_the_whole_file(student: Browser, address: str) -> None:
    tag = student.get(address).headers["ETag"]
    part = {"Range": "bytes=0-9"}
    assert student.get(address, headers={**part, "If-Range": tag}).status_code == 206
    answer = student.get(address, headers={**part, "If-Range": '"another"'})
    assert (answer.status_code, answer.data) == (200, CONTENT)


def test_head_says_all_but_the_content(student: Browser, address: str) -> None:
    answer = student.head(address)
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert answer.headers["Accept-Ranges"] == "bytes"


def test_what_no_browser_shows_is_saved_and_not_compressed_anew(admin: Browser, act: Act) -> None:
    course_id = act(a_public_course)
    odd = 'Übung "1"; x=y\r\n.txt'
    file_id = act(
        a_file, course_id, odd, b"words " * 9_000, kind="document", media_type="text/plain"
    )
    answer = admin.get(
        f"/courses/{course_id}/files/{file_id}/x", headers={"Accept-Encoding": "gzip"}
    )
    assert answer.data == b"words " * 9_000
    assert answer.headers["Cache-Control"] == "private, no-store"
    found = answer.headers["Content-Disposition"]
    assert found == "attachment; filename*=UTF-8''%C3%9Cbung%20_1_%3B%20x%3Dy%20.txt"


def test_a_file_whose_content_is_gone_is_not_there(
    app: Flask, student: Browser, act: Act, address: str, sql: Sql
) -> None:
    [(digest,)] = sql("SELECT digest FROM course_files")
    with app.app_context():
        store.place(digest).unlink()
    assert student.get(address).status_code == 404


def test_a_course_s_files_are_read_in_one_statement(
    app: Flask, school: tuple[int, int], act: Act, statements: Statements
) -> None:
    course_id, file_id = school
    other = act(a_file, course_id, "leaf.png", b"leaf")
    with app.app_context(), statements() as sent:
        found = queries.of_course(course_id)
    assert [(each.id, each.name) for each in found] == [
        (other, "leaf.png"),
        (file_id, "a cell.png"),
    ]
    assert len(sent) == 1


def test_sending_a_file_takes_two_statements(
    student: Browser, address: str, statements: Statements
) -> None:
    student.get(address)
    with statements() as sent:
        student.get(address)
    assert len(sent) == 2, [each.text for each in sent]
