"""People of old schools, one line per thing that is wrong with them."""

import pytest
from flask import Flask

from lms import accounts
from tests.builders import an_admin
from tests.conftest import Sql
from tests.importing.conftest import Import
from tests.importing.old import make, outcome
from tests.old_hashes import PASSWORD, WRITTEN

ARGON2 = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXo"
GREEDY = ARGON2.replace("m=8", "m=99999999")

# id, e-mail, name, role, password, is_active: what it becomes, and what of it is stored.
USERS = [
    (
        1,
        "ada@example.org",
        "Ada",
        "student",
        ARGON2,
        "t",
        "created",
        ("ada@example.org", "Ada", "student", ARGON2, True),
    ),
    (
        2,
        "  BOB@Example.ORG\n",
        "Bob",
        "Student ",
        None,
        1,
        "created",
        ("bob@example.org", "Bob", "student", "", True),
    ),
    (3, "bob@example.org", "Bobby", "admin", ARGON2, None, "merged: the same e-mail address", None),
    (
        "uuid-4",
        "carl@example.org",
        None,
        None,
        "$2b$12$bcrypt",
        "false",
        "repaired",
        ("carl@example.org", "carl", "student", "", False),
    ),
    (5, "nobody", "N", "student", None, None, "refused: the e-mail address isn't valid", None),
    (6, None, "N", "student", None, None, "refused: no e-mail address", None),
    (7, "   ", "N", "student", None, None, "refused: no e-mail address", None),
    (
        8,
        "dora@example.org",
        "  Dora \t D. ",
        "owner",
        "plain text",
        "banned",
        "repaired",
        ("dora@example.org", "Dora D.", "student", "", False),
    ),
    (
        12,
        "zoe@example.org",
        "\u202eZoe\u0308 \x07Lee\u200b",
        "student",
        None,
        "t",
        "repaired",
        ("zoe@example.org", "Zoë Lee", "student", "", True),
    ),
    (
        13,
        "seen@example.org",
        "\u200b\u3164",
        "student",
        ARGON2,
        "t",
        "repaired",
        ("seen@example.org", "seen", "student", ARGON2, True),
    ),
    (
        9,
        "eve@example.org",
        "E" * 130,
        "ADMIN",
        GREEDY,
        True,
        "repaired",
        ("eve@example.org", "E" * 120, "admin", "", True),
    ),
    (
        10,
        "fred@example.org",
        "Fr\ud800ed",
        "",
        "",
        "0",
        "repaired",
        ("fred@example.org", "Fr\ufffded", "student", "", False),
    ),
]


def test_people(bring_in: Import, sql: Sql) -> None:
    names = ("id", "email", "name", "role", "passwordHash", "isActive")
    rows = [dict(zip(names, user[:6], strict=True)) for user in USERS]
    for row in rows:
        row["name"] = row["name"] and str(row["name"]).replace("\ud800", "\ufffd")
    report = bring_in({"users": rows})
    for user in USERS:
        assert outcome(report, "users", user[0]).startswith(str(user[6])), user
    stored = sql("SELECT email, name, role, password_hash, is_active FROM users ORDER BY email")
    expected = [user[7] for user in USERS if user[7]]
    assert [(*row[:4], bool(row[4])) for row in stored] == sorted(expected)
    assert report.without_password == 6


def test_an_account_here_stays_as_it_is(bring_in: Import, sql: Sql) -> None:
    an_admin("Grace", email="grace@example.org")
    report = bring_in(
        {"users": [{"id": 1, "email": "Grace@example.org", "name": "G", "role": "student"}]}
    )
    assert outcome(report, "users", 1).startswith(
        "merged: an account with this e-mail address already exists"
    )
    assert sql("SELECT name, role FROM users") == [("Grace", "admin")]


def test_an_id_that_stands_for_two_people_stands_for_none(bring_in: Import, sql: Sql) -> None:
    report = bring_in(
        {
            "users": [{"id": 1, "email": "ada@x.org"}, {"id": "1", "email": "bob@x.org"}],
            "courses": [{"id": 1, "title": "Algebra"}],
            "enrollments": [{"id": 1, "userId": 1, "courseId": 1}],
        }
    )
    assert outcome(report, "enrollments", 1).startswith("refused: two different students")
    assert sql("SELECT count(*) FROM enrollments") == [(0,)]


@pytest.mark.parametrize("is_mail_set", [True, False])
def test_whoever_has_no_password_is_invited_where_mail_is_set(
    app: Flask, old_url: str, sql: Sql, is_mail_set: bool
) -> None:
    columns = ("id", "email", "name", "passwordHash", "isActive")
    people = [
        (1, "md5@example.org", "Bea", "0123456789abcdef" * 2, "1"),
        (2, "nothing@example.org", "Nia", "", "1"),
        (3, "locked@example.org", "Lou", "", "0"),
        (4, "argon@example.org", "Ada", ARGON2, "1"),
    ]
    make(old_url, {"users": [dict(zip(columns, each, strict=True)) for each in people]})
    mail_url = "smtp://mail.example.org" if is_mail_set else None
    app.config.update(
        LMS_ENV="production", PUBLIC_URL="https://portal.example.org", MAIL_URL=mail_url
    )
    run = app.test_cli_runner()
    preview = run.invoke(args=["import", "legacy", old_url]).output
    assert "3 new accounts have no password" in preview
    assert ("are invited by e-mail" in preview) is is_mail_set
    for _again in range(2):
        run.invoke(args=["import", "legacy", old_url, "--apply"])
    assert len(sql("SELECT id FROM users")) == 4
    expected = ["md5@example.org", "nothing@example.org"] if is_mail_set else []
    invited = sql("SELECT email FROM users WHERE invited_at IS NOT NULL ORDER BY email")
    mails = sql("SELECT recipient, link FROM outbox_emails ORDER BY recipient")
    assert [row.email for row in invited] == [row.recipient for row in mails] == expected
    assert all(row.link.startswith("https://portal.example.org/invitation/") for row in mails)


@pytest.mark.parametrize(
    "column", ["password", "passwordHash", "hashed_password", "encrypted_password", "user_pass"]
)
def test_people_sign_in_with_what_another_program_made_of_their_password(
    column: str, bring_in: Import, sql: Sql
) -> None:
    written = WRITTEN["bcryptjs"]
    kim = {"id": 1, "email": "kim@example.org", "name": "Kim", column: written}
    report = bring_in({"users": [kim]})
    assert outcome(report, "users", 1) == "created"
    assert sql("SELECT password_hash FROM users") == [(written,)]
    assert accounts.has_password("kim@example.org", PASSWORD)


def test_a_hash_is_stored_in_the_form_that_verifies(bring_in: Import, sql: Sql) -> None:
    people = [
        {"id": number, "email": f"p{number}@example.org", "name": "P", "passwordHash": written}
        for number, written in enumerate(WRITTEN.values())
    ]
    report = bring_in({"users": people})
    assert report.without_password == 0
    for person in people:
        assert accounts.has_password(str(person["email"]), PASSWORD)
