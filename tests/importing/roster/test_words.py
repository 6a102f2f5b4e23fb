"""How people and their spreadsheets write courses, actions, columns and names."""

import pytest

from lms import enrollment
from tests.builders import a_course, a_student
from tests.importing.conftest import assert_sound
from tests.importing.roster.conftest import HEADER, Roster


def test_a_course_is_named_by_id_code_or_title(roster: Roster) -> None:
    algebra, botany = a_course("Algebra", code="MATH-101"), a_course("Botany", code="7001")
    a_course("Chemistry"), a_course("chemistry "), a_course("Drawing", code="a1")
    a_course("Dance", code="A1")
    for written, detail in (
        (f"{algebra}", "enrolled in Algebra"),
        (f"{algebra}.0", "enrolled in Algebra"),
        (f'"{algebra},0"', "enrolled in Algebra"),
        ("MATH-101", "enrolled in Algebra"),
        ("math-101", "enrolled in Algebra"),
        ("7001", "enrolled in Botany"),
        ("7001.0", "enrolled in Botany"),
        ("  BOTANY", "enrolled in Botany"),
        ("a1", "enrolled in Drawing"),
        ("Chemistry", "2 courses have this title: use the id or code"),
        (f"{algebra}.5", "the course doesn't exist"),
        ("Mathematics", "the course doesn't exist"),
    ):
        [row] = roster(HEADER, f"new@x.org,New,{written},enroll", apply=False).rows
        assert row.detail.removesuffix(", with a new account") == detail, written
    assert botany


def test_a_number_that_means_two_courses_is_refused(roster: Roster) -> None:
    algebra = a_course("Algebra")
    a_course("Botany", code=str(algebra))
    [row] = roster(HEADER, f"new@x.org,New,{algebra},enroll", apply=False).rows
    assert (row.outcome, row.detail) == (
        "refused",
        f"{algebra} is the id of one course and the code of another: use a title",
    )


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        *((each, "enroll") for each in ("enrol", "Enroll", "ENROLLED", "add", "einschreiben")),
        *((each, "enroll") for each in ("hinzufügen", "Anmelden")),
        *((each, "unenroll") for each in ("unenrol", "un-enroll", "drop", "Remove", "withdraw")),
        *((each, "unenroll") for each in ("delete", "austragen", "Löschen", "abmelden")),
        *((each, "refused") for each in ("", "yes", "x", "promote")),
    ],
)
def test_people_have_many_words_for_two_actions(roster: Roster, word: str, outcome: str) -> None:
    course, ada = a_course(), a_student("Ada", email="ada@x.org")
    if outcome == "unenroll":
        enrollment.enroll(ada, course, by=None)
    [row] = roster(HEADER, f"ada@x.org,,{course},{word}", apply=False).rows
    assert row.outcome == outcome


@pytest.mark.parametrize(
    "header",
    [
        "E-Mail;Name;Kurs;Aktion",
        "E-Mail-Adresse;Name;Kurs-ID;Aktion",
        "Email address;Full name;Course code;Action",
        "email;Student Name;Course Title;action",
        "Mail;Vollständiger Name;Kursname;AKTION",
    ],
)
def test_headers_are_german_or_english(roster: Roster, header: str) -> None:
    a_course("Algebra")
    report = roster(header, "ada@x.org;Ada Lovelace;Algebra;enroll")
    assert report.counts["create_and_enroll"] == 1
    assert_sound()


def test_a_name_may_be_in_two_columns(roster: Roster) -> None:
    algebra = a_course()
    for header in ("Vorname;Name", "First name;Last name", "Vorname;Nachname"):
        report = roster(f"{header};E-Mail;Kurs;Aktion", f"Ada;Lovelace;ada@x.org;{algebra};add")
        assert report.rows[0].name == "Ada Lovelace"


def test_names_that_have_lost_letters_are_flagged(roster: Roster) -> None:
    algebra = a_course()
    report = roster(
        HEADER,
        f"a@x.org,M?ller,{algebra},enroll",
        f"b@x.org,Jos\N{REPLACEMENT CHARACTER},{algebra},enroll",
        f"c@x.org,MÃ¼ller,{algebra},enroll",
        f"d@x.org,Zoë Ångström,{algebra},enroll",
        f"e@x.org,?,{algebra},enroll",
        apply=False,
    )
    flagged = [row.line for row in report.rows if "lost letters" in row.detail]
    assert flagged == [2, 3, 4]
    assert report.warnings == [
        "3 names seem to have lost letters, such as M?ller (line 2):"
        " export the list again as UTF-8."
    ]
    one = roster(HEADER, f"a@x.org,M?ller,{algebra},enroll", apply=False)
    assert one.warnings == [
        "The name M?ller (line 2) seems to have lost letters: export the list again as UTF-8."
    ]


def test_formulas_are_no_names(roster: Roster) -> None:
    algebra = a_course()
    for formula in ('"=HYPERLINK(""https://x.org"")"', "@SUM(A1)", "+1"):
        [row] = roster(HEADER, f"a@x.org,{formula},{algebra},enroll", apply=False).rows
        assert row.detail == "the name is a spreadsheet formula"
