"""Tables of old schools under other names: singular, quoted, prefixed, or as the owner says."""

import re
from typing import Any

import pytest
from flask import Flask

from lms.importing import BadAnswer, answers, import_legacy
from tests.commands import error_line, run
from tests.conftest import Sql
from tests.importing.conftest import Import
from tests.importing.old import Tables, make

ROWS: dict[str, list[dict[str, Any]]] = {
    "users": [{"id": 1, "email": "ada@x.org", "name": "Ada"}],
    "courses": [{"id": 1, "title": "A", "priceCents": 900, "currency": "eur"}],
    "chapters": [{"id": 1, "courseId": 1, "title": "One", "order": 1}],
    "enrollments": [{"id": 1, "userId": 1, "courseId": 1}],
    "studentProgress": [{"id": 1, "studentId": 1, "courseId": 1, "totalProgress": 100}],
    "accessRequests": [{"id": 1, "studentId": 1, "courseId": 1, "status": "approved"}],
    "payments": [
        {
            "id": 1,
            "userId": 1,
            "courseId": 1,
            "amountCents": 900,
            "currency": "eur",
            "status": "paid",
        }
    ],
}
PRISMA = dict(
    zip(
        ROWS,
        ["User", "Course", "Chapter", "Enrollment", "StudentProgress", "AccessRequest", "Payment"],
        strict=True,
    )
)
NAMED = {
    "Prisma's models": PRISMA,
    "a prefix": {name: f"app_{name}" for name in ROWS},
    "Django's apps": {name: f"school_{model.lower()}" for name, model in PRISMA.items()},
    "a schema in the name": {name: f"public.{name}" for name in ROWS},
    "better-auth beside plurals": {**dict(zip(ROWS, ROWS, strict=True)), "users": "user"},
    "folded by PostgreSQL": {name: name.lower() for name in ROWS},
    "lessons and orders": {
        **dict(zip(ROWS, ROWS, strict=True)),
        "chapters": "lessons",
        "payments": "orders",
    },
}


@pytest.mark.parametrize("names", NAMED.values(), ids=NAMED)
def test_tables_are_found_by_what_they_are_called(
    names: dict[str, str], bring_in: Import, sql: Sql
) -> None:
    report = bring_in({names[name]: rows for name, rows in ROWS.items()})
    assert (report.refused, report.questions, report.not_read) == (0, [], [])
    assert sql("SELECT progress FROM enrollments") == [(100,)]
    assert sql("SELECT status FROM payments") == [("paid",)]
    assert sql("SELECT status FROM decisions") == [("approved",)]


UNCLEAR: list[tuple[dict[str, Any], str]] = [
    (
        {"people_list": ROWS["users"], "courses": ROWS["courses"], "enrollments": ROWS["payments"]},
        "refers to users, but there is no table named users. It may be people_list."
        " Name it, such as --map users=people_list; or leave out what refers to it:"
        " --map none=enrollments.",
    ),
    (
        {"user": [{"id": 1, "login": "ada"}], "enrollments": ROWS["enrollments"]},
        "refers to users, but there is no table named users. It may be user."
        " Name it, such as --map users=user; or leave out what refers to it:"
        " --map none=enrollments.",
    ),
    (
        {"users": ROWS["users"], "user": [{"id": 7, "email": "bob@x.org"}]},
        "Several tables could be users: users (1 row) and user (1 row). Say which one it is,"
        " such as --map users=users.",
    ),
]


@pytest.mark.parametrize(("tables", "words"), UNCLEAR)
def test_what_can_be_two_things_stops_the_import(
    tables: Tables, words: str, app: Flask, old_url: str, sql: Sql
) -> None:
    make(old_url, tables)
    assert words in error_line(run(app, "import", "legacy", old_url, "--apply"))
    assert sql("SELECT count(*) FROM users") == [(0,)]


def test_the_owner_says_which_table_is_which(bring_in: Import, sql: Sql) -> None:
    tables = {"members_2019": ROWS["users"], "Kurse": [{"id": 1, "title": "A", "Gebuehr": "9.50"}]}
    report = bring_in(
        {**tables, "enrollments": ROWS["enrollments"]},
        maps=["users=members_2019", "courses=Kurse", "courses.price=Gebuehr"],
    )
    assert report.not_read == []
    assert sql("SELECT price_cents FROM courses") == [(950,)]
    assert sql("SELECT count(*) FROM enrollments") == [(1,)]


def test_what_speaks_of_money_access_or_learning_is_not_passed_over(
    context: Flask, old_url: str, sql: Sql
) -> None:
    make(
        old_url,
        {
            "users": [{**ROWS["users"][0], "gradeStatus": "x", "resetTokenExpires": "y"}],
            "courses": [{"id": 1, "title": "A", "upsellPrice": None}],
            "subscription_invoices": [{"id": 1, "userId": 1}],
            "pictures": [{"id": 1}],
        },
    )
    report = import_legacy(old_url, apply=False)
    assert [question.answers[-1] for question in report.questions] == [
        "--map none=subscription_invoices",
        "--map none=users.gradeStatus",
    ]
    assert {question.topic for question in report.questions} == {"not read"}
    unneeded = answers(maps=["none=subscription_invoices", "none=users.gradeStatus"])
    assert import_legacy(old_url, apply=False, said=unneeded).questions == []


@pytest.mark.parametrize("given", ["users", "users=", "=user", "users=nothing"])
def test_an_answer_that_cannot_be_used_is_told(given: str, context: Flask, old_url: str) -> None:
    make(old_url, {"users": ROWS["users"]})
    with pytest.raises(BadAnswer, match=re.escape(f"--map {given}")):
        import_legacy(old_url, apply=False, said=answers(maps=[given]))
