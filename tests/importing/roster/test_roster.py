"""Rosters: what each line does or why not, as one batch that can be undone."""

from pathlib import Path

import pytest

from lms import enrollment
from lms.importing import NoRoster, import_roster
from lms.importing.roster.reading import read
from lms.sync import undo
from tests.builders import a_course, a_course_open_to_all, a_request, a_student, an_admin
from tests.conftest import Sql
from tests.importing.conftest import assert_sound, counts
from tests.importing.roster.conftest import HEADER, Roster

WELCOME = "key LIKE 'welcome-%'"


def test_every_line_says_what_it_does_or_why_not(roster: Roster) -> None:
    algebra, full = a_course(), a_course("Full", capacity=1)
    welcome = a_course_open_to_all()
    ada, bob = a_student("Ada", email="ada@x.org"), a_student("Bob", email="bob@x.org")
    an_admin("Grace", email="grace@x.org")
    enrollment.enroll(bob, full, by=None)
    enrollment.enroll(ada, algebra, by=None)
    examples = [
        (f"new@x.org,New,{algebra},enroll", "enrolled in Algebra, with a new account"),
        (f"NEW@x.org,,{full},Enroll ", "Full is full"),
        (f"ada@x.org,,{algebra},enroll", "already enrolled in Algebra"),
        (f"ada@x.org,,{algebra},enroll", "the same as line 4"),
        (f"bob@x.org,,{algebra},unenroll", "not enrolled in Algebra"),
        (f"bob@x.org,,{algebra},enroll", "it contradicts line 6"),
        (f"ada@x.org,,{welcome},UNENROLL", "unenrolled from Welcome"),
        (f"grace@x.org,,{algebra},enroll", "this is an admin's account; admins can't be enrolled"),
        (f"other@x.org,,{algebra},enroll", "a new account needs a name"),
        (f"gone@x.org,,{algebra},unenroll", "no account has this e-mail address"),
        ("ada@x.org,,4711,enroll", "the course doesn't exist"),
        ("ada@x.org,,99999999999,enroll", "the course doesn't exist"),
        ("ada@x.org,,9999999999,enroll", "the course doesn't exist"),
        ("ada@x.org,,abc,enroll", "the course doesn't exist"),
        ("ada@x.org,,,enroll", "no course is given"),
        (f"ada,,{algebra},enroll", "the e-mail address isn't valid"),
        (f",,{algebra},enroll", "no e-mail address"),
        (f"ada@x.org,,{algebra},promote", "the action must be enroll or unenroll"),
        (
            f"ada@x.org,,{algebra},enroll,,!",
            "there are more values than the first line has columns",
        ),
        (f"ada@x.org,{'A' * 121},{algebra},enroll", "Enter a name of at most 120 characters."),
    ]
    examples[4] = (examples[4][0], "it contradicts line 7")
    lines = [HEADER, *(line for line, _ in examples)]
    preview = roster(*lines, apply=False)
    assert [row.detail for row in preview.rows] == [detail for _, detail in examples]
    assert (preview.applied, preview.run_id) == (False, None)
    applied = roster(*lines)
    assert applied.rows == preview.rows
    assert applied.run_id is not None
    assert_sound()
    before = counts()
    again = roster(*lines)
    assert (again.run_id, counts()) == (None, before)


def test_the_preview_says_whose_payment_is_reviewed(roster: Roster, sql: Sql) -> None:
    course, ada = a_course("Algebra"), a_student("Ada", email="ada@x.org")
    free, _ = a_course("Botany"), a_student("Bob", email="bob@x.org")
    for taken in (course, free):
        enrollment.enroll(ada, taken, by=None)
    sql(
        "INSERT INTO payments (user_id, course_id, amount_cents, status)"
        " VALUES (:ada, :course, 4900, 'paid'), (:ada, :free, 4900, 'refunded')",
        ada=ada,
        course=course,
        free=free,
    )
    lines = [HEADER, f"ada@x.org,,{course},unenroll", f"ada@x.org,,{free},unenroll"]
    for applies in (False, True):
        assert [row.detail for row in roster(*lines, apply=applies).rows] == [
            "unenrolled from Algebra, and the payment marked for review",
            "unenrolled from Botany",
        ]
    assert sql("SELECT status FROM payments ORDER BY id") == [("needs_review",), ("refunded",)]


def test_who_leaves_makes_room_for_who_comes_wherever_the_lines_stand(roster: Roster) -> None:
    full, bob = a_course(capacity=1), a_student("Bob", email="bob@x.org")
    enrollment.enroll(bob, full, by=None)
    lines = (HEADER, f"new@x.org,New,{full},enroll", f"bob@x.org,,{full},unenroll")
    assert [row.outcome for row in roster(*lines).rows] == ["create_and_enroll", "unenroll"]
    assert roster(*lines).run_id is None
    assert_sound()


def test_a_roster_is_undone_as_a_whole(roster: Roster, sql: Sql) -> None:
    algebra, welcome = a_course(), a_course_open_to_all()
    ada, bob = a_student("Ada", email="ada@x.org"), a_student("Bob", email="bob@x.org")
    a_request(bob, algebra)
    enrollment.enroll(ada, algebra, by=None)
    school = "SELECT user_id, course_id, kind, reference FROM access_sources ORDER BY 1, 2, 3"
    before = sql(school), sql("SELECT count(*) FROM users"), sql("SELECT * FROM access_requests")
    report = roster(
        HEADER,
        f"ada@x.org,,{algebra},unenroll",
        f"ada@x.org,,{welcome},unenroll",
        f"bob@x.org,,{algebra},enroll",
        f"new@x.org,New,{algebra},enroll",
    )
    assert sql("SELECT trigger, status FROM sync_runs") == [("import", "finished")]
    [mail] = sql(f"SELECT recipient, link FROM outbox_emails WHERE {WELCOME}")
    assert mail[0] == "new@x.org"
    assert mail[1] == f"https://portal.example.org/invitation/{bob + 1}/new@x.org"
    assert report.run_id is not None
    result = undo(report.run_id, by=None)
    assert result.kept == []
    assert_sound()
    after = sql(school), sql("SELECT count(*) FROM users"), sql("SELECT * FROM access_requests")
    assert after == before
    assert sql(f"SELECT count(*) FROM outbox_emails WHERE {WELCOME}") == [(0,)]
    assert sql("SELECT count(*) FROM sync_attention") == [(0,)]


def test_undo_leaves_an_access_that_was_given_once_more_since(roster: Roster, sql: Sql) -> None:
    algebra, ada = a_course(), a_student("Ada", email="ada@x.org")
    report = roster(HEADER, f"ada@x.org,,{algebra},enroll")
    enrollment.enroll(ada, algebra, by=None)
    assert report.run_id is not None
    result = undo(report.run_id, by=None)
    assert result.undone == 0
    assert {row.reason for row in result.kept} == {
        "Undoing this change would delete rows that depend on it."
    }
    sources = sql("SELECT kind FROM access_sources ORDER BY id")
    assert [row.kind for row in sources] == ["import", "admin"]
    assert_sound()


def test_undo_leaves_an_account_that_is_in_use(roster: Roster, sql: Sql) -> None:
    algebra, botany = a_course(), a_course("Botany")
    a_course_open_to_all()
    report = roster(HEADER, f"new@x.org,New,{algebra},enroll")
    [(new,)] = sql("SELECT id FROM users")
    enrollment.enroll(new, botany, by=None)
    assert report.run_id is not None
    result = undo(report.run_id, by=None)
    assert result.undone == 0
    assert {row.reason for row in result.kept} == {
        "The account is in use: deleting it would delete its data."
    }
    assert sql("SELECT count(*) FROM enrollments") == [(3,)]
    assert_sound()


SPELLINGS = [
    b'\xef\xbb\xbfAction;E-Mail;Name;Course ID\r\nenroll;ada@x.org;"A; B";7\r\n\r\n',
    b'course_id,ACTION,Email,name,note\n7,ENROLL, Ada@X.org ,"Lovelace, Ada",new',
    b"sep=;\r\nemail;name;courseId;action\r\nada@x.org;Ada;7;enroll\r\n;;;\r\n",
    b'\n\nemail\tname\tcourse-id\taction\nada@x.org\t"Ada\nLovelace"\t7\tenroll',
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spreadsheets_write_csv_in_many_ways(tmp_path: Path, spelling: bytes) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes(spelling)
    [line] = read(path).lines
    assert (line.email.lower(), line.course.written, line.action) == ("ada@x.org", "7", "enroll")
    assert line.name in {"Ada", "A; B", "Lovelace, Ada", "Ada Lovelace"}


UNREADABLE = [
    (b"email,name,course_id,action\nJos\xe9@x.org,,1,enroll", "Line 2 of roster.csv isn't UTF-8"),
    ("email,name".encode("utf-16"), "UTF-16"),
    (b"", "The file is empty"),
    (b"\n \n", "The file is empty"),
    (b"email,name,action\nx", "lacks course_id"),
    (b"email,name,course_id,action,email\nx", "names email twice"),
    (b'email,name,course_id,action\n"x', "Line 2 of roster.csv isn't valid CSV"),
    (b"email,name,course_id,action\n\x00", "binary"),
]


@pytest.mark.parametrize(("content", "words"), UNREADABLE)
def test_what_is_no_roster_is_told_in_words(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes(content)
    with pytest.raises(NoRoster, match=words):
        import_roster(path, apply=False)


def test_a_missing_file_or_an_empty_folder_is_no_roster(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "none.csv", "doesn't exist"), (tmp_path, "contains no CSV")):
        with pytest.raises(NoRoster, match=words):
            import_roster(path, apply=False)


def test_names_are_cleaned_rather_than_refused(roster: Roster, sql: Sql) -> None:
    algebra = a_course()
    report = roster(
        HEADER,
        f"a@x.org,\u202eZoe\u0308 \x07Lee\u200b,{algebra},enroll",
        f"b@x.org,\u200b\u200d,{algebra},enroll",
    )
    assert [row.detail for row in report.rows] == [
        "enrolled in Algebra, with a new account",
        "a new account needs a name",
    ]
    assert sql("SELECT name FROM users") == [("Zoë Lee",)]
