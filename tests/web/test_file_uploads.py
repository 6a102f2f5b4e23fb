"""Files of courses in pieces: tus 1.0, and what a file of the course is made of in the end."""

import os
from errno import ENOSPC
from io import BytesIO

import pytest
from flask import Flask
from PIL import Image
from werkzeug.test import TestResponse

from lms.db import db
from lms.files import store
from lms.web.uploads import PIECE_BYTES
from tests.builders import a_course
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act, AddPerson

FILM = b"\0\0\0\x20ftypisom" + bytes(range(256)) * 4_000
PIECE = "application/offset+octet-stream"


@pytest.fixture
def page(act: Act) -> str:
    return f"/admin/courses/{act(a_course, 'Botany')}/uploads"


class Sender:
    """Sends uploads as the page's script does."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.token = browser.csrf_token()

    def send(self, method: str, address: str, data: object = b"", **headers: str) -> TestResponse:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        given = {"Tus-Resumable": "1.0.0", "X-CSRFToken": self.token} | names
        return self.browser.open(address, method=method, data=data, headers=given, buffered=True)

    def begin(self, page: str, length: int) -> str:
        answer = self.send("POST", page, Upload_Length=str(length))
        assert answer.status_code == 201
        return str(answer.headers["Location"])

    def piece(self, address: str, at: int, content: bytes) -> TestResponse:
        about = {"Upload_Offset": str(at), "Content_Type": PIECE}
        return self.send("PATCH", address, content, **about)

    def offset(self, address: str) -> int:
        answer = self.send("HEAD", address)
        assert answer.status_code == 200
        return int(answer.headers["Upload-Offset"])

    def whole(self, page: str, content: bytes, name: str) -> TestResponse:
        address = self.begin(page, len(content))
        assert self.piece(address, 0, content).status_code == 204
        return self.finish(address, name)

    def finish(self, address: str, name: str) -> TestResponse:
        return self.send("POST", f"{address}/finish", {"name": name})


@pytest.fixture
def sender(admin: Browser) -> Sender:
    return Sender(admin)


@pytest.fixture
def other_admin(app: Flask, add_person: AddPerson) -> Sender:
    add_person("amy@example.org", role="admin")
    browser = Browser(app)
    browser.sign_in("amy@example.org")
    return Sender(browser)


def _left(app: Flask) -> tuple[list[str], set[str]]:
    """Return what is unfinished, and what is kept."""
    with app.app_context():
        return [path.name for path in store.parts().glob("*")], store.digests()


def test_a_film_comes_in_pieces_and_becomes_a_file_of_the_course(
    app: Flask, sender: Sender, page: str, sql: Sql
) -> None:
    address = sender.begin(page, len(FILM))
    first = sender.piece(address, 0, FILM[:500_000])
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "500000")
    head = sender.send("HEAD", address)
    assert (head.headers["Upload-Offset"], head.headers["Upload-Length"]) == (
        "500000",
        str(len(FILM)),
    )
    assert "no-store" in head.headers["Cache-Control"]
    assert sender.finish(address, "film.mp4").status_code == 409
    assert sender.piece(address, 500_000, FILM[500_000:]).status_code == 204
    answers = [sender.finish(address, "../film.mp4") for _ in range(2)]
    files = page.replace("uploads", "files")
    assert [(each.status_code, each.get_json()["address"]) for each in answers] == [
        (200, f"{files}/1")
    ] * 2
    assert "File added" in sender.browser.get(files).text
    [(name, digest, size)] = sql("SELECT name, digest, bytes FROM course_files")
    assert (name, size) == ("film.mp4", len(FILM))
    with app.app_context():
        assert store.place(digest).read_bytes() == FILM
    assert sender.offset(address) == len(FILM)


def test_a_picture_leads_to_where_it_is_described(sender: Sender, page: str, sql: Sql) -> None:
    kept = BytesIO()
    Image.new("RGB", (30, 20), "green").save(kept, "PNG")
    answer = sender.whole(page, kept.getvalue(), "leaf.png")
    [(file_id,)] = sql("SELECT id FROM course_files")
    assert answer.get_json()["address"] == f"{page.replace('uploads', 'files')}/{file_id}"


def test_the_verbs_and_headers_are_those_of_tus(sender: Sender, page: str) -> None:
    asked = sender.send("OPTIONS", page)
    assert asked.headers["Tus-Version"] == "1.0.0"
    assert asked.headers["Tus-Extension"] == "creation,termination"
    assert asked.headers["Tus-Max-Size"] == "1000000000"
    address = sender.begin(page, 2_000)
    for version in ("0.2.2", ""):
        refused = sender.send("HEAD", address, Tus_Resumable=version)
        assert (refused.status_code, refused.headers["Tus-Version"]) == (412, "1.0.0")
    assert sender.send("PATCH", address, b"x", Upload_Offset="0").status_code == 415
    assert sender.piece(address, 0, b"x" * 1_000).status_code == 204
    for at in (0, 999, 1_001):
        refused = sender.piece(address, at, b"y")
        assert (refused.status_code, refused.get_json()["code"]) == (409, "conflict")
        assert refused.headers["Tus-Resumable"] == "1.0.0"
    assert sender.piece(address, 1_000, b"y" * 1_001).status_code == 422
    assert sender.offset(address) == 1_000
    assert sender.send("DELETE", address).status_code == 204
    for answer in (sender.send("HEAD", address), sender.piece(address, 0, b"x")):
        assert answer.status_code == 404
    assert sender.finish(address, "film.mp4").status_code == 404


@pytest.mark.parametrize("number", ["", "-1", "1.5", "x", "²", "9" * 19, "0x10", " 1 2"])
def test_what_is_no_number_is_refused(sender: Sender, page: str, number: str) -> None:
    number = number.encode().decode("latin-1")
    assert sender.send("POST", page, Upload_Length=number).status_code == 400
    address = sender.begin(page, 100)
    about = {"Upload_Offset": number, "Content_Type": PIECE}
    assert sender.send("PATCH", address, b"x", **about).status_code == 400


def test_nobody_else_goes_on_with_it_nor_elsewhere(
    sender: Sender, other_admin: Sender, page: str, act: Act, student: Browser
) -> None:
    address = sender.begin(page, len(FILM))
    sender.piece(address, 0, FILM[:5_000])
    course = page.split("/")[3]
    elsewhere = address.replace(f"/{course}/", f"/{act(a_course, 'Zoology')}/")
    nowhere = address.replace(f"/{course}/", "/999999/")
    for someone, where in (
        (other_admin, address),
        (sender, elsewhere),
        (sender, nowhere),
        (sender, address[:-1] + "?"),
    ):
        assert someone.send("HEAD", where).status_code in {404, 405}
        assert someone.piece(where, 5_000, b"other").status_code in {404, 405}
        assert someone.finish(where, "film.mp4").status_code in {404, 405}
        assert someone.send("DELETE", where).status_code in {404, 405}
    refused = Sender(student).piece(address, 5_000, b"other")
    assert (refused.status_code, refused.get_json()["code"]) == (403, "forbidden")
    assert sender.offset(address) == 5_000


def test_without_a_token_or_a_sign_in_nothing_comes(app: Flask, sender: Sender, page: str) -> None:
    address = sender.begin(page, len(FILM))
    sender.token = "made-up"
    assert sender.piece(address, 0, FILM[:5_000]).status_code == 403
    assert sender.send("POST", page, Upload_Length="9").status_code == 403
    signed_out = Sender(Browser(app))
    answer = signed_out.piece(address, 0, FILM[:5_000])
    assert (answer.status_code, answer.get_json()["code"]) == (401, "not_authenticated")
    assert sender.offset(address) == 0


def test_what_is_too_large_is_refused_before_it_is_sent(
    app: Flask, sender: Sender, page: str
) -> None:
    app.config["LMS_FILE_MEGABYTES"] = 2
    answer = sender.send("POST", page, Upload_Length="2000001")
    assert (answer.status_code, "larger than 2 MB" in answer.get_json()["detail"]) == (413, True)
    assert sender.send("POST", page, Upload_Length="0").status_code == 422
    address = sender.begin(page, 2_000_000)
    refused = sender.piece(address, 0, bytes(PIECE_BYTES + 1_000_001))
    assert (refused.status_code, "pieces of 8 MB" in refused.get_json()["detail"]) == (413, True)


def test_what_has_no_room_is_refused_at_the_beginning_and_in_the_end_until_there_is_some(
    app: Flask, sender: Sender, page: str, sql: Sql
) -> None:
    address = sender.begin(page, len(FILM))
    sender.piece(address, 0, FILM)
    app.config["LMS_FILES_GIGABYTES"] = 0
    for refused in (
        sender.send("POST", page, Upload_Length="9"),
        sender.finish(address, "film.mp4"),
    ):
        assert refused.status_code == 422
        assert "There's no room for this file" in refused.get_json()["detail"]
        assert refused.get_json()["code"] == "no_room"  # else the browser forgets the upload
    assert _left(app)[1] == set()
    app.config["LMS_FILES_GIGABYTES"] = 1
    assert sender.finish(address, "film.mp4").status_code == 200
    assert len(sql("SELECT id FROM course_files")) == 1


def test_what_is_announced_has_its_room_before_it_has_come(
    app: Flask, sender: Sender, page: str
) -> None:
    app.config["LMS_FILES_GIGABYTES"] = 1
    address = sender.begin(page, 900_000_000)
    sender.piece(address, 0, FILM)
    refused = sender.send("POST", page, Upload_Length="100000001")
    assert refused.status_code == 422
    detail = refused.get_json()["detail"]
    assert "0.00 of 1 GB are used, and unfinished uploads take 0.90 GB." in detail
    assert "They are deleted a day after their last part arrived." in detail
    assert "Delete files" not in detail
    assert sender.send("POST", page, Upload_Length="100000000").status_code == 201
    assert sender.send("DELETE", address).status_code == 204
    assert sender.send("POST", page, Upload_Length="900000000").status_code == 201


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<svg><script>alert(1)</script></svg>", "isn't accepted"),
        (b"\x89PNG\r\n\x1a\nno picture", "The picture is damaged"),
        (b"PK\x03\x04" + b"word/vbaProject.bin[Content_Types].xml", "macros"),
    ],
)
def test_what_is_not_accepted_is_told_in_words_and_leaves_nothing(
    app: Flask, sender: Sender, page: str, content: bytes, words: str
) -> None:
    address = sender.begin(page, len(content))
    assert sender.piece(address, 0, content).status_code == 204
    answer = sender.finish(address, "leaf.png")
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert words in answer.get_json()["detail"]
    assert _left(app) == ([], set())
    assert sender.finish(address, "leaf.png").status_code == 404


def test_what_can_t_be_accepted_is_refused_by_its_first_piece(
    app: Flask, sender: Sender, page: str
) -> None:
    for content in (b"MZ\x90" * 2_000, b"\0\0\0\x20ftypqt  " + bytes(5_000)):
        address = sender.begin(page, 900_000_000)
        answer = sender.piece(address, 0, content)
        assert (answer.status_code, "isn't accepted" in answer.get_json()["detail"]) == (422, True)
        assert _left(app) == ([], set())
    words = ("é" * 3_000).encode()
    address = sender.begin(page, len(words))  # cut in the middle of a letter
    assert sender.piece(address, 0, words[:5_001]).status_code == 204
    assert sender.piece(address, 5_001, words[5_001:]).status_code == 204
    assert sender.finish(address, "words.txt").status_code == 200


def test_what_the_database_loses_in_the_end_is_finished_when_asked_again(
    app: Flask, sender: Sender, page: str, sql: Sql
) -> None:
    address = sender.begin(page, len(FILM))
    sender.piece(address, 0, FILM)
    sql("ALTER TABLE course_files RENAME TO course_files_away")
    assert sender.finish(address, "film.mp4").status_code >= 500
    sql("ALTER TABLE course_files_away RENAME TO course_files")
    with app.app_context():
        db.engine.dispose()
    assert sender.offset(address) == len(FILM)
    assert sender.finish(address, "film.mp4").status_code == 200
    assert len(sql("SELECT id FROM course_files")) == 1


def test_a_full_disk_is_told_and_the_upload_goes_on_once_there_is_room(
    sender: Sender, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = sender.begin(page, len(FILM))

    def refuse(_: int) -> None:
        raise OSError(ENOSPC, os.strerror(ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", refuse)
        answer = sender.piece(address, 0, FILM)
        assert (answer.status_code, "disk may be full" in answer.get_json()["detail"]) == (
            503,
            True,
        )
    assert sender.offset(address) == 0
    assert sender.piece(address, 0, FILM).status_code == 204


def test_below_a_path_the_upload_lies_below_it(app: Flask, page: str, admin: Browser) -> None:
    headers = {"Tus-Resumable": "1.0.0", "X-CSRFToken": admin.csrf_token(), "Upload-Length": "9"}
    answer = admin.post(page, headers=headers, environ_overrides={"SCRIPT_NAME": "/portal"})
    assert answer.headers["Location"].startswith(f"/portal{page}/")


def test_the_page_tells_the_script_where_and_how(sender: Sender, page: str) -> None:
    shown = sender.browser.get(page.replace("uploads", "files")).text
    assert f'data-pieces="{page}"' in shown
    assert f'data-piece="{PIECE_BYTES}"' in shown
