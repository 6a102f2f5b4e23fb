"""Adding, describing and deleting the files of a course: once each, with their audit lines."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from lms import enrollment
from lms.files import store
from lms.files.content import Content
from lms.refusals import CourseNotFound, FileLost, FileNotFound, Invalid
from tests.builders import a_course, a_file, an_admin
from tests.conftest import Sql

pytestmark = pytest.mark.usefixtures("context")
VIDEO = {"kind": "video", "media_type": "video/mp4"}
CAPTIONS = {"kind": "captions", "media_type": "text/vtt"}


def _actions(sql: Sql) -> list[str]:
    rows = sql("SELECT action FROM audit_entries WHERE action LIKE 'file.%' ORDER BY id")
    return [row.action for row in rows]


def test_the_same_upload_once_more_is_the_same_file(sql: Sql) -> None:
    course_id = a_course()
    assert a_file(course_id, "a.png", b"a") == a_file(course_id, "a.png", b"a")
    assert a_file(course_id, "b.png", b"a") != a_file(course_id, "a.png", b"a")
    assert _actions(sql) == ["file.added"] * 2


def test_uploads_of_the_same_at_once_make_one_file(app: Flask, sql: Sql) -> None:
    course_id = a_course()

    def add(_: int) -> int:
        with app.app_context():
            return a_file(course_id, "a.png", b"a")

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(add, range(8)))) == 1
    assert _actions(sql) == ["file.added"]


def test_a_file_needs_its_course_and_its_content(sql: Sql) -> None:
    with pytest.raises(CourseNotFound):
        a_file(9)
    lost = Content("0" * 64, 5, "picture", "image/png")
    with pytest.raises(FileLost):
        enrollment.add_file(a_course(), lost, name="a.png", by=None)
    assert sql("SELECT * FROM course_files") == []


def test_what_would_take_more_than_the_school_may_use_is_refused_with_what_is_used(
    app: Flask, sql: Sql
) -> None:
    course_id = a_course()
    a_file(course_id, "small.png", b"small")
    sql("UPDATE course_files SET bytes = 999999999")
    app.config["LMS_FILES_GIGABYTES"] = 1
    with pytest.raises(Invalid, match=r"no room for this file: 1.00 of 1 GB are used. Delete"):
        a_file(course_id, "large.png", b"large")
    assert len(sql("SELECT * FROM course_files")) == 1
    assert a_file(course_id, "small again.png", b"small")  # it lies there already


def test_what_is_said_of_a_file_changes_with_an_audit_line_and_once(sql: Sql) -> None:
    course_id, admin = a_course(), an_admin()
    file_id = a_file(course_id)
    for _ in range(2):
        enrollment.edit_file(course_id, file_id, name="leaf.png", alt="A  leaf\n", by=admin)
    assert sql("SELECT name, alt FROM course_files") == [("leaf.png", "A leaf")]
    [(actor, details)] = sql(
        "SELECT actor_id, details FROM audit_entries WHERE action = 'file.changed'"
    )
    assert actor == admin
    assert "cell.png" in str(details)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "a/b.png"),
        ("name", "x" * 201),
        ("alt", "x" * 1_001),
        ("alt", "\x00"),
    ],
)
def test_what_can_not_be_said_of_a_file_is_refused_at_its_field(field: str, value: str) -> None:
    course_id = a_course()
    file_id = a_file(course_id)
    said: dict[str, Any] = {"name": "cell.png", "alt": "", field: value}
    with pytest.raises(Invalid) as refused:
        enrollment.edit_file(course_id, file_id, **said, by=None)
    assert refused.value.field == field


def test_the_name_of_the_same_content_is_taken(sql: Sql) -> None:
    course_id = a_course()
    a_file(course_id, "one.png", b"same")
    two = a_file(course_id, "two.png", b"same")
    with pytest.raises(Invalid, match="already has the same file under this name"):
        enrollment.edit_file(course_id, two, name="one.png", by=None)
    assert _actions(sql) == ["file.added"] * 2


def test_captions_belong_to_a_film_of_their_course_and_go_with_it(sql: Sql) -> None:
    course_id, other = a_course(), a_course("Other")
    film, foreign = a_file(course_id, "f.mp4", b"f", **VIDEO), a_file(other, "g.mp4", b"g", **VIDEO)
    captions, picture = a_file(course_id, "en.vtt", b"v", **CAPTIONS), a_file(course_id)

    def say(of: int | None, language: str = "pt-BR") -> None:
        said: dict[str, Any] = {"captions_of": of, "language": language}
        enrollment.edit_file(course_id, captions, name="en.vtt", **said, by=None)

    for wrong in (foreign, picture, captions, 999):
        with pytest.raises(Invalid) as refused:
            say(wrong)
        assert refused.value.field == "captions_of"
    for wrong_language in ("x", "english, please", "é", "a-" * 20):
        with pytest.raises(Invalid) as refused:
            say(film, wrong_language)
        assert refused.value.field == "language"
    say(film)
    rows = sql("SELECT captions_of, language FROM course_files WHERE kind = 'captions'")
    assert rows == [(film, "pt-BR")]
    enrollment.delete_file(course_id, film, by=None)
    assert sql("SELECT id FROM course_files WHERE kind = 'captions'") == []
    with pytest.raises(FileNotFound):
        enrollment.delete_file(course_id, film, by=None)
    with pytest.raises(FileNotFound):
        enrollment.delete_file(other, picture, by=None)


def test_a_deleted_course_takes_its_files_along(sql: Sql) -> None:
    course_id = a_course()
    a_file(course_id)
    enrollment.delete_course(course_id, by=None)
    assert sql("SELECT * FROM course_files") == []
    assert len(store.digests()) == 1
