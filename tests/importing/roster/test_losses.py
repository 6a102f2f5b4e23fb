"""Who would lose what stands first, and many lose it only if somebody says how many."""

import json
from pathlib import Path

import pytest
from flask import Flask

from lms import enrollment
from lms.importing.roster.losses import CourseLoss, to_be_allowed
from tests.builders import a_course, a_student
from tests.commands import run
from tests.conftest import Sql
from tests.importing.conftest import assert_sound
from tests.importing.roster.conftest import HEADER, Roster


def _enrolled(course: int, number: int) -> list[str]:
    emails = [f"s{number}@x.org" for number in range(number)]
    for email in emails:
        enrollment.enroll(a_student("Sam", email=email), course, by=None)
    return emails


def _loss(enrolled: int, leaving: int, course: int = 1) -> CourseLoss:
    emails = [f"{each}-{course}@x.org" for each in range(leaving)]
    return CourseLoss(
        course_id=course, title="Algebra", enrolled=enrolled, leaving=leaving, emails=emails
    )


@pytest.mark.parametrize(
    ("enrolled", "leaving", "is_wide"),
    [
        *((4, 4, False), (5, 5, True), (49, 5, True), (50, 5, False), (60, 6, False)),
        *((59, 6, True), (1000, 50, False), (1000, 51, True)),
    ],
)
def test_more_than_a_tenth_of_five_people_or_fifty_have_to_be_allowed(
    enrolled: int, leaving: int, is_wide: bool
) -> None:
    needed = to_be_allowed([_loss(enrolled, leaving)], is_empty=False)
    assert needed == (leaving if is_wide else None)


def test_fifty_people_are_counted_over_all_courses_and_once_each() -> None:
    several = [_loss(1000, 30, course) for course in (1, 2)]
    assert to_be_allowed(several, is_empty=False) == 60
    twice = [_loss(1000, 30), _loss(1000, 30)]
    assert to_be_allowed(twice, is_empty=False) is None


def test_everybody_by_an_empty_file_has_to_be_allowed() -> None:
    assert to_be_allowed([_loss(3, 3)], is_empty=True) == 3
    assert to_be_allowed([], is_empty=True) is None


def test_many_lose_access_only_by_the_exact_number(roster: Roster, sql: Sql) -> None:
    course = a_course()
    lines = [HEADER, *(f"{email},,{course},unenroll" for email in _enrolled(course, 6))]
    for number in (None, 5, 7):
        refused = roster(*lines, allow=number)
        assert (refused.applied, refused.run_id, refused.allow_unenroll) == (False, None, 6)
        assert sql("SELECT count(*) FROM enrollments") == [(6,)]
    applied = roster(*lines, allow=6)
    assert (applied.applied, applied.allow_unenroll) == (True, None)
    assert sql("SELECT count(*) FROM enrollments") == [(0,)]
    assert roster(*lines, allow=6).run_id is None
    assert_sound()


def test_the_preview_says_first_who_would_lose_what(
    app: Flask, context: Flask, tmp_path: Path
) -> None:
    course = a_course("Algebra")
    emails = _enrolled(course, 6)
    path = tmp_path / "roster.csv"
    others = [f"new@x.org,New,{course},enroll", f"x,,{course},enroll"]
    lines = [f"{email},,{course},drop" for email in emails]
    path.write_text("\n".join([HEADER, *others, *lines]))
    preview = run(app, "import", "roster", str(path))
    assert preview.stdout.splitlines()[:2] == [
        f"6 of 6 would lose access to Algebra: {', '.join(emails)}",
        "6 enrollments would end. If that is right, add --allow-unenroll 6.",
    ]
    applied = run(app, "import", "roster", str(path), "--apply")
    assert applied.exit_code == 1
    assert ("(preview" in preview.stdout, "(preview" in applied.stdout) == (True, False)
    assert "1 refused: nothing was changed" in applied.stdout
    [line] = applied.stderr.splitlines()
    assert line.startswith("Error: nothing was changed. 6 enrollments would end.")
    report = json.loads(run(app, "import", "roster", str(path), "--json").stdout)
    assert report["allowUnenroll"] == 6
    assert [(loss["courseId"], loss["leaving"]) for loss in report["losing"]] == [(course, 6)]
    allowed = run(app, "import", "roster", str(path), "--apply", "--allow-unenroll", "6")
    assert "1 enrolled (1 new account), 6 unenrolled" in allowed.stdout
    assert allowed.exit_code == 1  # a line was refused


def test_refused_lines_end_the_command_with_one(app: Flask, context: Flask, tmp_path: Path) -> None:
    course, path = a_course(), tmp_path / "roster.csv"
    path.write_text(f"{HEADER}\na@x.org,A,{course},enroll\n")
    assert run(app, "import", "roster", str(path)).exit_code == 0
    path.write_text(f"{HEADER}\na@x.org,A,{course},enroll\nx,,{course},enroll\n")
    assert run(app, "import", "roster", str(path)).exit_code == 1
    assert run(app, "import", "roster", str(path), "--apply").exit_code == 1
