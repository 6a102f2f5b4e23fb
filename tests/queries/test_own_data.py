"""What a person is given of all that is kept: all of it, readable, and nothing of others."""

import csv
import io
import json
import tracemalloc
from typing import Any
from zipfile import ZipFile

import pytest
from flask import Flask

from lms import enrollment
from lms.db import db
from lms.models.personal import KEPT
from lms.queries.own_data import write_archive
from lms.refusals import UserNotFound
from tests import builders
from tests.known_person import EMAIL, FORMER, NAME, a_known_person


def _archive(user_id: int) -> ZipFile:
    file = io.BytesIO()
    write_archive(file, user_id, school="Hill School")
    return ZipFile(file)


def _json(archive: ZipFile, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(archive.read(f"{name}.json"))
    return found


def _csv(archive: ZipFile, name: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(archive.read(f"{name}.csv").decode("utf-8-sig"), "")))


def test_it_holds_everything_about_the_person(context: Flask, sql: Any) -> None:
    kim = a_known_person(sql)
    enrollment.request_erasure(kim, reason="I leave.")
    archive = _archive(kim)
    assert {name.partition(".")[0] for name in archive.namelist()} == {
        "README",
        *(kept.file for kept in KEPT if kept.file),
    }
    rows = {kept.file: _json(archive, kept.file) for kept in KEPT if kept.file}
    assert [row["email"] for row in rows["account"]] == [EMAIL]
    assert {row["reason"] for row in rows["decisions"]} == {
        f"{NAME} asked twice.",
        f"Write from {FORMER}.",
    }
    assert [row["message"] for row in rows["requests"]] == [f"Please, {NAME}"]
    assert [(row["course"], row["progress"]) for row in rows["enrollments"]] == [("Algebra", 100)]
    assert [row["amount_cents"] for row in rows["payments"]] == [4900]
    assert [row["student_name"] for row in rows["certificates"]] == [NAME]
    assert [row["reason"] for row in rows["erasure-request"]] == ["I leave."]
    [(own,)] = sql("SELECT count(*) FROM audit_entries WHERE student_id = :kim", kim=kim)
    assert len(rows["trail-about-me"]) == own > 10
    for name in ("sign-ins", "progress", "completions", "access-sources", "notices", "import"):
        assert rows[name], name
    assert [row["label"] for row in rows["import"]] == ["u-17"]


def test_both_forms_say_the_same(context: Flask, sql: Any) -> None:
    archive = _archive(a_known_person(sql))
    for kept in KEPT:
        if kept.file:
            header, *rows = _csv(archive, kept.file)
            told = _json(archive, kept.file)
            assert len(rows) == len(told), kept.file
            assert [header] * len(told) == [list(row) for row in told], kept.file
    readme = archive.read("README.txt").decode()
    assert "account.json, account.csv (1 row)" in readme
    assert "Kept: as long as your account exists. Seen by: you, admins." in readme
    assert "Without: decided_by, decided_by_name (they're about someone else)." in readme
    assert "Numbers of erased people: yours isn't among them." in readme
    assert "the person" not in readme


def test_it_holds_nothing_of_others_and_no_secret(context: Flask, sql: Any) -> None:
    kim = a_known_person(sql)
    sql("UPDATE users SET password_hash = 'the-hash'")
    sql("UPDATE sign_ins SET token_hash = 'the-token'")
    sql("UPDATE payments SET checkout_url = 'https://checkout.test/the-link'")
    sql("UPDATE outbox_emails SET link = 'https://school.test/reset/the-link'")
    archive = _archive(kim)
    everything = b"\n".join(archive.read(name) for name in archive.namelist()).decode()
    others = [
        (row.name, row.email)
        for row in sql("SELECT name, email FROM users WHERE id <> :kim", kim=kim)
    ]
    assert len(others) == 2
    for word in ("the-hash", "the-token", "the-link", *(word for both in others for word in both)):
        assert word not in everything, word


def test_an_admin_gets_what_they_did_without_whom_they_did_it_for(context: Flask, sql: Any) -> None:
    kim = a_known_person(sql)
    [(admin,)] = sql("SELECT id FROM users WHERE role = 'admin'")
    archive = _archive(admin)
    done = _json(archive, "trail-by-me")
    assert {"request.approved", "user.renamed"} <= {row["action"] for row in done}
    for name in archive.namelist():
        if not name.startswith("saved-filters"):  # which the admin has typed
            content = archive.read(name).decode()
            assert not [word for word in (NAME, EMAIL, FORMER) if word in content], name
    assert kim != admin


def test_no_spreadsheet_runs_what_is_in_it(context: Flask) -> None:
    student, course = builders.a_student(), builders.a_course("=1+1")
    builders.a_request(student, course, '=HYPERLINK("https://evil.test")')
    archive = _archive(student)
    [row] = _json(archive, "requests")
    header, cells = _csv(archive, "requests")
    assert row["message"] == '=HYPERLINK("https://evil.test")'
    assert cells[header.index("message")] == '\'=HYPERLINK("https://evil.test")'
    assert cells[header.index("course")] == "'=1+1"


@pytest.mark.usefixtures("few_in_memory")
def test_it_takes_no_more_memory_for_more_rows(context: Flask, sql: Any) -> None:
    student = builders.a_student()
    _archive(student)  # what is built once is built
    db.session.rollback()
    sql(
        "INSERT INTO notices (user_id, kind, key, title, text)"
        " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
        " SELECT :student, 'enrolled', 'k' || i, 'title', :text FROM n",
        student=student,
        text="a" * 1000,
    )
    tracemalloc.start()
    try:
        archive = _archive(student)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 5_000_000
    assert archive.getinfo("notices.json").file_size > 20_000_000


def test_nobody_has_no_data(context: Flask) -> None:
    with pytest.raises(UserNotFound):
        _archive(4711)


def test_e_mails_are_of_whoever_had_the_address_then(context: Flask, sql: Any) -> None:
    admin, first = builders.an_admin(), builders.a_student("First", email=FORMER)
    enrollment.reject(builders.a_request(first, builders.a_course("Algebra")), by=admin)
    sql("UPDATE outbox_emails SET sent_at = created_at")
    enrollment.set_email(first, EMAIL, by=admin)
    heir = builders.a_student("Heir", email=FORMER)
    enrollment.reject(builders.a_request(heir, builders.a_course("Botany")), by=admin)
    theirs, heirs = (_json(_archive(person), "e-mails") for person in (first, heir))
    assert [(row["recipient"], "Algebra" in row["subject"]) for row in theirs][:1] == [
        (FORMER, True)
    ]
    assert {row["recipient"] for row in theirs} == {FORMER, EMAIL}
    assert len(theirs) == 3
    assert [(row["recipient"], "Botany" in row["subject"]) for row in heirs] == [(FORMER, True)]
