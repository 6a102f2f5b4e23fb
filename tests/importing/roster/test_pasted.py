"""A pasted list: whom each line means, and what is said of those that mean nobody."""

import pytest
from flask import Flask

from lms.db import db
from lms.enrollment import write_search_words
from lms.importing import NoRoster
from lms.importing.roster import preview_roster
from lms.importing.roster.pasted import LONGEST_LINE, MOST_LINES, read_pasted
from lms.importing.roster.people import with_people
from tests.builders import a_course, a_student, an_admin
from tests.conftest import Sql
from tests.statements import sent_to

WAYS = {
    "ada@example.org": ("ada@example.org", ""),
    "  ada@example.org ; ": ("ada@example.org", ""),
    "Ada Lovelace <ada@example.org>": ("ada@example.org", "Ada Lovelace"),
    '"Lovelace, Ada" <ada@example.org>,': ("ada@example.org", "Ada Lovelace"),
    "Lovelace, Ada ada@example.org": ("ada@example.org", "Ada Lovelace"),
    "Lovelace, Ada (ada@example.org)": ("ada@example.org", "Ada Lovelace"),
    "ada@example.org, Lovelace, Ada": ("ada@example.org", "Ada Lovelace"),
    '"Lovelace, Ada",ada@example.org': ("ada@example.org", "Ada Lovelace"),
    "'Ada','Lovelace','ada@example.org'": ("ada@example.org", "Ada Lovelace"),
    "Ada; Mary Lovelace ada@example.org": ("ada@example.org", "Ada Mary Lovelace"),
    "Ada Lovelace ada@example.org 5b": ("ada@example.org", "Ada Lovelace 5b"),
    "mailto:ada@example.org": ("ada@example.org", ""),
    "Ada <MAILTO:ada@example.org?subject=Hi>": ("ada@example.org", "Ada"),
    "Lovelace, Ada": ("", "Ada Lovelace"),
    "<ada@example.org>": ("ada@example.org", ""),
    "Ada Lovelace, ada@example.org": ("ada@example.org", "Ada Lovelace"),
    "ada@example.org; Ada Lovelace": ("ada@example.org", "Ada Lovelace"),
    "Ada\tLovelace\tada@example.org": ("ada@example.org", "Ada Lovelace"),
    "ada@example.org\tAda Lovelace\t": ("ada@example.org", "Ada Lovelace"),
    "Ada Lovelace ada@example.org": ("ada@example.org", "Ada Lovelace"),
    "Zoë  O\u2019Neill": ("", "Zoë O\u2019Neill"),
}


@pytest.mark.parametrize("written", WAYS)
def test_a_line_is_an_address_a_name_or_both(written: str) -> None:
    [line] = read_pasted(f"\n{written}\r\n\n", 7).lines
    email, name = WAYS[written]
    assert (line.email, line.name, line.number) == (email, name, 2)
    assert (line.action, line.course.written, line.is_by_name) == ("enroll", "7", not email)


def test_the_headings_of_a_spreadsheet_are_nobody() -> None:
    found = read_pasted("First name\tLast name\tE-mail\nAda\tLovelace\tada@x.org", 7).lines
    assert [(line.number, line.email) for line in found] == [(2, "ada@x.org")]
    [line] = read_pasted("Name;E-mail;Class\nAda;ada@x.org;5b", 7).lines
    assert (line.number, line.email) == (2, "ada@x.org")


REFUSED = {
    "": "Paste at least one person.",
    "\n \n\t\n": "Paste at least one person.",
    "Name\tE-mail\n": "Paste at least one person.",
    f"ada@x.org\n{'x' * (LONGEST_LINE + 1)}": "Line 2 is too long. Put one person on each line.",
    "x@x.org\n" * (MOST_LINES + 1): "You pasted 1,001 lines, and at most 1,000 are accepted.",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_list_is_refused_in_words(text: str) -> None:
    with pytest.raises(NoRoster, match=REFUSED[text].replace(".", r"\.")):
        read_pasted(text, 7)


def test_each_line_says_whom_it_enrolls_or_why_nobody(context: Flask, sql: Sql) -> None:
    course = a_course("Algebra")
    a_student("Ada Lovelace", email="ada@x.org")
    a_student("Kim Lee", email="kim@x.org")
    a_student("Lee Kim", email="lee@x.org")
    a_student("Zoë Müller", email="zoe@x.org")
    an_admin("Grace Hopper", email="grace@x.org")
    a_student("Kim, Lee", email="lee2@x.org")
    a_student("Grace Hopper", email="namesake@x.org")
    a_student("Only Unproven", email="unproven@x.org")
    sql("UPDATE users SET email_verified_at = NULL WHERE email IN ('lee@x.org', 'unproven@x.org')")
    sql("UPDATE users SET is_active = :no WHERE email = 'lee2@x.org'", no=False)
    an_admin("Alan Turing", email="alan@x.org")
    add = "add the e-mail address"
    lines = {
        "Lovelace, Ada": "enrolled in Algebra",
        "ADA@x.org": "the same as line 1",
        "zoe MULLER": "enrolled in Algebra",
        "Kim Lee": "3 accounts have this name (1 not confirmed, 1 deactivated): " + add,
        "Grace Hopper": "2 accounts have this name: " + add,
        "Alan Turing": "no student has this name: " + add,
        "Only Unproven": "the account with this name isn't confirmed: " + add,
        "New Person <new@x.org>": "enrolled in Algebra, with a new account",
        "other@x.org": "a new account needs a name",
        "=HYPERLINK(1)": "the name is a spreadsheet formula",
        "=1+1\tevil@x.org": "the name is a spreadsheet formula",
        "ada@x.org, kim@x.org": "there is more than one address: put one person on each line",
        "ada@": "the e-mail address isn't valid",
        "<>": "no student has this name: " + add,
    }
    report = preview_roster(read_pasted("\n".join(lines), course))
    assert [row.detail for row in report.rows] == list(lines.values())
    assert report.rows[2].email == "zoe@x.org"
    assert [row.line for row in report.rows if row.is_by_name] == [1, 3]
    assert report.format == "a pasted list"


def test_a_course_that_is_gone_is_said_of_each_line(context: Flask) -> None:
    report = preview_roster(read_pasted("Ada <ada@x.org>", 4711))
    assert [row.detail for row in report.rows] == ["the course doesn't exist"]


@pytest.mark.parametrize("is_written", [True, False])
def test_only_people_of_such_names_are_read_at_once(
    context: Flask, sql: Sql, *, is_written: bool
) -> None:
    names = ["Zoë Müller", 'Quo"te \\Back', "Lovelace,Ada", "Grace Brewster Hopper", "Zoë Ångström"]
    for number, name in enumerate(names):
        a_student(name, email=f"s{number}@x.org")
    for number in range(50):
        a_student(f"Other{number} Person", email=f"other{number}@x.org")
    if is_written:
        write_search_words()
    db.session.rollback()
    pasted = read_pasted("\n".join([*names, "Ada Lovelace", "Nobody At All"]), 7).lines
    with sent_to(db.engine) as sent:
        found = with_people(db.session(), pasted)
    assert [line.email for line in found] == [*(f"s{n}@x.org" for n in range(5)), "s2@x.org", ""]
    [statement] = sent
    read = db.session.connection().exec_driver_sql(statement.text, statement.values).all()
    assert len(read) == (5 if is_written else 55)
