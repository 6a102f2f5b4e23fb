"""Importing an old school in the browser: every input gets an answer, and a page says how far."""

import re
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from lms.importing import runs
from tests.commands import run
from tests.conftest import Sql
from tests.databases import Postgresql
from tests.importing.old import make
from tests.importing.runs.school import ASKING, SCHOOL, a_file
from tests.relay import relayed
from tests.web.browser import Browser
from tests.web.conftest import Act

PAGE = "/admin/import"
SECRET = "s3cr3t/with:signs"


@pytest.fixture(autouse=True)
def imports(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of imports."""
    monkeypatch.setattr(app, "instance_path", str(tmp_path / "instance"))
    return tmp_path / "instance" / "imports"


@pytest.fixture
def work(app: Flask) -> Any:
    """Let a worker do what there is to do."""

    def once() -> None:
        with app.app_context():
            runs.work_when_due(None)

    return once


class Desk(NamedTuple):
    """An admin's browser, what stands in the database, and the worker."""

    admin: Browser
    sql: Sql
    work: Any


@pytest.fixture
def desk(admin: Browser, sql: Sql, work: Any) -> Desk:
    return Desk(admin, sql, work)


def _upload(admin: Browser, content: BytesIO, name: str = "old.db") -> TestResponse:
    return admin.send_file(PAGE, content.read(), name)


def _words(page: str) -> str:
    """Return what a page says, without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.partition("<main")[2])).split())


def _cells(line: str) -> str:
    """Return what a page says of a table's counts, or the line itself."""
    is_count = re.fullmatch(r"\w+:( \d+ \w+,?)+", line)
    return " ".join(re.findall(r"^\w+|\d+", line)) if is_count else line


def _address(page: str, what: str) -> str:
    [found] = set(re.findall(rf'action="({PAGE}/\d+/{what})"', page))
    return str(found)


def _key(page: str) -> str:
    [found] = re.findall(r'name="key" value="(\w+)"', page)
    return str(found)


def test_a_school_is_uploaded_previewed_and_imported(
    desk: Desk, app: Flask, tmp_path: Path, imports: Path
) -> None:
    admin, sql, work = desk
    answer = _upload(admin, a_file(tmp_path, ASKING), "../../old.db")
    assert (answer.status_code, answer.location) == (303, PAGE)
    assert "Reading old.db" in admin.get(PAGE).text
    work()
    page = admin.get(PAGE).text
    # Word for word what the command says, but for how to answer and to apply.
    told = run(app, "import", "legacy", str(tmp_path / "old.db")).stdout.splitlines()
    questions = told.index("Money:")
    for line in told[questions:-1]:
        assert " ".join(_cells(line).rstrip(":").split()) in _words(page)
    assert "Table Read Created Merged Repaired Refused users" in _words(page)
    asked = [line.strip() for line in told[:questions] if "?" in line]
    assert [question in _words(page) for question in asked] == [True, True]
    assert "--" not in _words(page)  # a page has no options
    assert "(preview: nothing was changed)" in _words(page)
    assert sql("SELECT count(*) FROM courses")[0][0] == 0
    answer = admin.send_form(_address(page, "apply"), key=_key(page))
    assert (answer.status_code, answer.location) == (303, PAGE)
    assert "is in progress" in admin.get(PAGE).text
    work()
    page = _words(admin.get(PAGE).text)
    assert "Imported old.db on" in page
    assert "2 questions left open" in page
    assert sql("SELECT count(*) FROM users WHERE role = 'student'")[0][0] == 5
    assert not list(imports.iterdir())
    trail = sql("SELECT actor_name, details FROM audit_entries WHERE action = 'import.applied'")
    assert [(row[0], "old.db" in str(row[1]), "/" in str(row[1])) for row in trail] == [
        ("Ada Admin", True, False)
    ]


OTHERS = {
    "people.xlsx": (b"PK\x03\x04 and so on", "people.xlsx can't be read: it is a ZIP or an Excel"),
    "old.sql": (b"-- a dump\nCREATE TABLE users (id);", "it is a dump of SQL statements."),
    "old.dump": (b"PGDMP\x01", "it is a pg_dump archive."),
    "photo.db": (b"\x89PNG", "photo.db can't be read: it isn't an SQLite database."),
    "empty.db": (b"", "empty.db can't be read: it isn't an SQLite database."),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_sqlite_file_is_refused_in_one_line(
    name: str, admin: Browser, imports: Path, sql: Sql
) -> None:
    content, said = OTHERS[name]
    answer = _upload(admin, BytesIO(content), name)
    assert (answer.status_code, said in _words(answer.text)) == (422, True)
    assert (list(imports.iterdir()), sql("SELECT * FROM import_runs")) == ([], [])


def test_no_file_and_one_that_is_too_large_are_refused(
    app: Flask, admin: Browser, imports: Path, sql: Sql
) -> None:
    answer = admin.send_form(PAGE)
    assert (answer.status_code, "Choose a file." in answer.text) == (422, True)
    app.config["LMS_IMPORT_MEGABYTES"] = 1
    answer = _upload(admin, BytesIO(bytes(2_500_000)))
    assert (answer.status_code, "larger than 1 MB" in answer.text) == (413, True)
    assert sql("SELECT * FROM import_runs") == []
    # Nobody else may send as much: not even an admin, to any other address.
    fields = {"csrf_token": admin.csrf_token(), "q": "x" * 1_500_000}
    assert admin.post(f"{PAGE}/address", data=fields).status_code == 413


def test_questions_are_fields_whose_answers_make_a_new_preview(
    admin: Browser, tmp_path: Path, sql: Sql, work: Any
) -> None:
    _upload(admin, a_file(tmp_path, ASKING))
    work()
    page = admin.get(PAGE).text
    assert "“vip” means active" in page
    answers = _address(page, "answers")
    chosen = {"question-1": "--prices decimal", "question-2": "--map enrollments.status.vip=active"}
    assert admin.send_form(answers, **chosen, timezone="America/New_York").status_code == 303
    work()
    page = admin.get(PAGE).text
    assert "to be answered" not in page
    # What was answered stands in the fields, and holds for the next answer, too.
    assert '<option selected value="decimal">' in page
    assert 'value="America/New_York"' in page
    assert "enrollments.status.vip=active</textarea>" in page
    admin.send_form(_address(page, "apply"), key=_key(page))
    work()
    assert [tuple(row) for row in sql("SELECT price_cents, status FROM courses")] == [
        (2000, "published")
    ]
    assert sql("SELECT count(*) FROM enrollments")[0][0] == 2


WRONG: list[dict[str, str]] = [
    {"timezone": "Atlantis"},
    {"timezone": "../../etc/passwd"},
    {"prices": "cheap"},
    {"names": "users"},
    {"names": "--prices cheap"},
    {"names": "--timezone users.created_at=Atlantis"},
    {"question-1": "=="},
    {"names": "users=\0"},
    {"names": "x" * 30_000},
]


@pytest.mark.parametrize("fields", WRONG, ids=str)
def test_a_wrong_answer_is_told_at_its_field(
    fields: dict[str, str], admin: Browser, tmp_path: Path, work: Any
) -> None:
    _upload(admin, a_file(tmp_path, ASKING))
    work()
    answers = _address(admin.get(PAGE).text, "answers")
    answer = admin.send_form(
        answers, **{"question-2": "--map enrollments.status.vip=ended"}, **fields
    )
    assert answer.status_code == 422
    assert 'value="--map enrollments.status.vip=ended" checked' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert _key(admin.get(PAGE).text)  # the preview still stands


def test_a_table_that_is_missed_can_be_named(
    admin: Browser, tmp_path: Path, sql: Sql, work: Any
) -> None:
    renamed = {**SCHOOL, "lectures": SCHOOL["courses"]}
    del renamed["courses"]
    _upload(admin, a_file(tmp_path, renamed))
    work()
    page = admin.get(PAGE).text
    said = _words(page)
    assert "courses=lectures" in said
    assert "Add such a line to “Tables, columns and words” below." in said
    assert "--map" not in said
    assert "Import now" not in page
    admin.send_form(_address(page, "answers"), names="courses=nothing")
    work()
    page = admin.get(PAGE).text
    assert "there is no table nothing" in _words(page)
    assert "Add such a line" not in _words(page)
    admin.send_form(_address(page, "answers"), names="--map courses=lectures")
    work()
    page = admin.get(PAGE).text
    admin.send_form(_address(page, "apply"), key=_key(page))
    work()
    assert sql("SELECT title FROM courses")[0][0] == "Algebra"


def test_importing_needs_a_fresh_proof_and_then_goes_on(
    admin: Browser, tmp_path: Path, sql: Sql, work: Any
) -> None:
    _upload(admin, a_file(tmp_path))
    work()
    page = admin.get(PAGE).text
    sql("UPDATE sign_ins SET proved_at = '2020-01-01 00:00:00.000000'")
    answer = admin.send_form(_address(page, "apply"), key=_key(page))
    assert (answer.status_code, _key(page) in answer.text) == (403, True)
    assert sql("SELECT step FROM import_runs")[0][0] == "preview"


def test_a_second_tab_is_told_what_has_happened(
    admin: Browser, tmp_path: Path, sql: Sql, work: Any
) -> None:
    _upload(admin, a_file(tmp_path))
    work()
    page = admin.get(PAGE).text
    assert _upload(admin, a_file(tmp_path)).status_code == 303
    assert "Another import is open." in admin.get(PAGE).text
    apply, cancel, key = _address(page, "apply"), _address(page, "cancel"), _key(page)
    admin.send_form(apply, key="another")
    assert "The preview has changed since you opened the page." in admin.get(PAGE).text
    admin.send_form(apply, key=key)
    admin.send_form(apply, key=key)
    assert "The import is in progress." in admin.get(PAGE).text
    work()
    for late in (apply, cancel, _address(page, "answers")):
        admin.send_form(late, key=key)
        assert "This import has ended." in admin.get(PAGE).text
    assert sql("SELECT count(*) FROM audit_entries WHERE action = 'import.applied'")[0][0] == 1


def test_canceling_deletes_the_upload(
    admin: Browser, tmp_path: Path, imports: Path, work: Any
) -> None:
    _upload(admin, a_file(tmp_path))
    work()
    admin.send_form(_address(admin.get(PAGE).text, "cancel"))
    page = admin.get(PAGE).text
    assert "Canceled. The upload was deleted, and nothing was imported." in page
    assert "Upload and preview" in page
    assert not list(imports.iterdir())


def test_a_poll_hears_of_progress_that_no_version_tells(
    admin: Browser, tmp_path: Path, act: Act, work: Any, sql: Sql
) -> None:
    _upload(admin, a_file(tmp_path))
    page = admin.get(PAGE).text
    assert 'data-live-etag=""' in page
    shown = re.search(r'id="import"[^>]* data-live="(\w+)"', page)
    assert shown is not None
    poll = admin.get(PAGE, headers={"X-Live": f"import={shown[1]}"})
    assert ("ETag" in poll.headers, 'id="import"' in poll.text) == (False, False)
    sql("UPDATE import_runs SET percent = 37")
    poll = admin.get(PAGE, headers={"X-Live": f"import={shown[1]}"})
    assert ("ETag" in poll.headers, 'value="37"' in poll.text) == (False, True)
    work()
    poll = admin.get(PAGE, headers={"X-Live": f"import={shown[1]}"})
    assert ("ETag" in poll.headers, "Import now" in poll.text) == (True, True)


_OUT_OF_REACH = "The server isn't allowed to connect to this host."
ADDRESSES = {
    f"postgresql://u:{SECRET}@elsewhere.example/school": _OUT_OF_REACH,
    "postgresql://u:secret@127.0.0.1:1/school": _OUT_OF_REACH,
    "postgresql:///school": _OUT_OF_REACH,
    "postgresql://u@listed.example/school?host=elsewhere.example": "isn't allowed to connect",
    "postgresql://u@listed.example/school?hostaddr=10.0.0.1": "Leave this out",
    "postgresql://u@listed.example/school?service=other": "Leave this out",
    "postgresql://u@listed.example/school?passfile=/etc/passwd": "Leave this out",
    "postgresql://u:secret@listed.example,elsewhere.example/school": "isn't allowed to connect",
    f"postgresql://u:{SECRET}@listed.example:port/school": "This isn't a database address.",
    "mysql://u:secret@listed.example/school": "MySQL can't be read directly.",
    "sqlite:////etc/passwd": "Upload an SQLite file instead",
    "/etc/passwd": "Upload an SQLite file instead",
    "x" * 900: "",
    "": "Enter an address",
}


@pytest.mark.parametrize("given", ADDRESSES, ids=map(str, range(len(ADDRESSES))))
def test_no_address_leads_elsewhere_and_none_is_repeated(
    given: str, app: Flask, admin: Browser, sql: Sql, imports: Path
) -> None:
    assert "Database address" not in admin.get(PAGE).text
    assert admin.send_form(f"{PAGE}/address", secret_address=given).status_code == 422
    app.config["LMS_IMPORT_HOSTS"] = "listed.example:5432"
    assert "Database address" in admin.get(PAGE).text
    answer = admin.send_form(f"{PAGE}/address", secret_address=given)
    assert (answer.status_code, ADDRESSES[given] in _words(answer.text)) == (422, True)
    assert "s3cr3t" not in answer.text
    assert 'type="password"' in answer.text
    assert sql("SELECT * FROM import_runs") == []
    assert not imports.exists() or not list(imports.iterdir())


def test_a_database_that_may_be_reached_comes_over_and_its_password_stands_nowhere(
    desk: Desk, app: Flask, postgresql: Postgresql, imports: Path, caplog: pytest.LogCaptureFixture
) -> None:
    admin, sql, work = desk
    with postgresql.empty() as url, relayed(url) as port:
        make(url, SCHOOL)
        name = url.partition("?")[0].rpartition("/")[2]
        app.config["LMS_IMPORT_HOSTS"] = f"127.0.0.1:{port}"
        address = f"postgresql://postgres:s3cr3t@127.0.0.1:{port}/{name}?schema=public"
        assert admin.send_form(f"{PAGE}/address", secret_address=address).status_code == 303
        pages = [admin.get(PAGE).text]
        work()
        pages.append(admin.get(PAGE).text)
        admin.send_form(_address(pages[-1], "apply"), key=_key(pages[-1]))
        work()
        pages.append(admin.get(PAGE).text)
    assert f"127.0.0.1:{port}/{name}" in pages[0]
    assert sql("SELECT count(*) FROM enrollments")[0][0] == 2
    told = [*pages, caplog.text, admin.get("/admin/audit").text]
    tables = ("import_runs", "import_schools", "audit_entries", "interrupted_forms")
    told += [str(tuple(row)) for table in tables for row in sql(f"SELECT * FROM {table}")]
    assert not [text for text in told if "s3cr3t" in text]
    assert not list(imports.iterdir())


def test_a_database_that_does_not_answer_ends_the_import_in_words(
    app: Flask, admin: Browser, work: Any, imports: Path
) -> None:
    app.config["LMS_IMPORT_HOSTS"] = "127.0.0.1:1"
    admin.send_form(f"{PAGE}/address", secret_address="postgresql://u:s3cr3t@127.0.0.1:1/school")
    work()
    page = admin.get(PAGE).text
    assert "The last import failed" in page
    assert "The earlier system's database can't be read" in _words(page)
    assert "s3cr3t" not in page
    assert not list(imports.iterdir())
