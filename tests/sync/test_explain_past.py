"""Why a student had access or not, as of a day of the past, by the audit trail."""

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from lms import enrollment, sync
from lms.db import at, db, now
from lms.enrollment import intake
from lms.ledger.access import Past
from lms.ledger.sources import Source
from lms.queries import past
from lms.queries.past import as_of
from lms.refusals import CourseNotFound, Invalid, StudentNotFound
from lms.sync import Explanation
from lms.transaction import transactional
from tests.arrivals import arrival
from tests.builders import a_course, a_student, an_admin
from tests.statements import sent_to
from tests.sync.damage import damaging


def on(day: str, time: str = "12:00") -> Any:
    """Let verbs act at a time of this year's history."""
    return at(datetime.fromisoformat(f"2026-{day}T{time}").replace(tzinfo=UTC))


class Story:
    """What happened to Ada and Bob in Algebra."""

    def __init__(self) -> None:
        with on("01-10"):
            self.grace = an_admin("Grace")
            self.algebra = a_course("Algebra")
        with on("01-20"):
            self.ada, self.bob = a_student("Ada"), a_student("Bob", email="bob@example.org")
        with on("02-01"):
            enrollment.enroll(self.ada, self.algebra, by=self.grace, reason="Came late")
        with on("03-01"):
            enrollment.unenroll(self.ada, self.algebra, by=self.grace, reason="Moved away")
        with on("04-01"):
            _import(Source(self.bob, self.algebra, "import"), datetime(2025, 9, 1, tzinfo=UTC))
        with on("05-01"):
            enrollment.deactivate_user(self.bob, by=self.grace)

    def explain(self, student: int, day: str) -> Explanation:
        with on("12-31"):
            return sync.explain(student, self.algebra, as_of(f"2026-{day}"))


@transactional
def _import(session: Session, source: Source, since: datetime) -> None:
    intake.lock_school(session)
    intake.let_in(session, [arrival(source, Past(since))])


@transactional
def _import_deactivated(session: Session, name: str) -> int:
    """Open an account as an old school's is that was closed there."""
    email = f"{name.lower()}@old.example"
    account = {"name": name, "email": email, "password_hash": "", "role": "student"}
    [user_id] = intake.add_people(session, [{**account, "is_active": False, "created_at": now()}])
    return user_id


@pytest.fixture
def story(context: Flask) -> Story:
    return Story()


def test_the_end_of_a_day_tells_source_giver_and_reason(story: Story) -> None:
    why = story.explain(story.ada, "02-01")
    assert why.has_access
    assert why.verdict == (
        "Ada had access to Algebra at the end of 1 Feb 2026: enrolled by an admin."
    )
    assert why.reasons == [
        "source of access: enrolled by an admin, since 2026-02-01 by Grace: Came late",
        "enrolled since 2026-02-01",
        "next change: access ended on 2026-03-01 by Grace: Moved away",
    ]
    assert [entry.action for entry in why.facts.timeline] == ["access.granted"]
    assert why.as_of == datetime(2026, 2, 1, 23, 59, 59, 999999, tzinfo=UTC)
    assert (why.action, why.violations) == ("", [])


def test_before_and_after_it_is_told_what_was_and_what_came(story: Story) -> None:
    before = story.explain(story.ada, "01-31")
    assert before.verdict == "Ada had no access to Algebra at the end of 31 Jan 2026."
    assert before.reasons == [
        "access had never been granted",
        "next change: access was granted on 2026-02-01 by Grace, enrolled by an admin: Came late",
    ]
    after = story.explain(story.ada, "12-30")
    assert not after.has_access
    assert after.reasons == ["access ended on 2026-03-01 by Grace: Moved away"]


def test_a_time_counts_to_the_second_and_in_its_own_zone(story: Story) -> None:
    assert not story.explain(story.ada, "02-01T11:59:59").has_access
    noon = story.explain(story.ada, "02-01T12:00")
    assert noon.verdict.startswith("Ada had access to Algebra on 1 Feb 2026 at 12:00 UTC: ")
    assert story.explain(story.ada, "02-01T14:00+02:00").has_access
    assert not story.explain(story.ada, "02-01T13:59+02:00").has_access


def test_what_was_imported_begins_here_and_says_since_when_there(story: Story) -> None:
    before = story.explain(story.bob, "03-31")
    assert not before.has_access
    assert before.reasons[1] == (
        "next change: access was granted on 2026-04-01, imported, enrolled since 2025-09-01:"
        " Imported from another system"
    )
    assert "enrolled since 2025-09-01" in story.explain(story.bob, "04-01").reasons


def test_an_account_that_was_deactivated_then_is_said_to_be(story: Story) -> None:
    assert story.explain(story.bob, "04-30").verdict.endswith(": imported.")
    assert "but the account was deactivated" in story.explain(story.bob, "05-01").verdict


def test_an_account_that_was_imported_deactivated_is_said_to_have_been(story: Story) -> None:
    with on("03-15"):
        eve = _import_deactivated("Eve")
        enrollment.enroll(eve, story.algebra, by=story.grace)
    locked_out = "but the account was deactivated"
    assert locked_out in story.explain(eve, "03-20").verdict
    assert not _rows(story, "03-20")["Eve"]
    with on("06-01"):
        enrollment.reactivate_user(eve, by=story.grace)
    assert locked_out in story.explain(eve, "03-20").verdict
    assert locked_out not in story.explain(eve, "06-01").verdict


def test_the_lists_say_of_each_account_what_is_explained(story: Story) -> None:
    with on("05-02"):
        enrollment.enroll(story.ada, story.algebra, by=story.grace)
    with on("05-20"):
        enrollment.reactivate_user(story.bob, by=story.grace)
    for day, expected in (
        ("04-30", {"Bob": True}),
        ("05-01", {"Bob": False}),
        ("05-02", {"Ada": True, "Bob": False}),
        ("05-20", {"Ada": True, "Bob": True}),
    ):
        assert _rows(story, day) == expected
    with on("12-31"):
        [row] = past.accesses("student", story.bob, as_of("2026-05-01")).accesses
    assert not row.student_is_active


def _rows(story: Story, day: str) -> dict[str, bool]:
    """Return who had access, and whether the account was active: the page's rows are the file's."""
    with on("12-31"):
        moment = as_of(f"2026-{day}")
        listed = past.accesses("course", story.algebra, moment).accesses
        every = past.every_source("course", story.algebra, moment)
        exported = {row.student_name: row.student_is_active for row in every}
    assert {row.student_name: row.student_is_active for row in listed} == exported
    return exported


def test_those_who_are_gone_since_are_still_told(story: Story) -> None:
    with on("06-01"):
        enrollment.delete_user(story.bob, by=story.grace)
        enrollment.delete_course(story.algebra, by=story.grace)
    assert story.explain(story.bob, "05-15").has_access
    assert not story.explain(story.bob, "06-01").has_access
    with on("12-31"), pytest.raises(StudentNotFound):
        sync.explain(4711, story.algebra, as_of("2026-05-15"))
    with on("12-31"), pytest.raises(CourseNotFound):
        sync.explain(story.bob, 4711, as_of("2026-05-15"))


def test_who_gave_it_and_is_gone_since_is_named_by_the_trail(story: Story) -> None:
    with on("06-01"):
        other = an_admin("Hedy")
        enrollment.delete_user(story.grace, by=other)
    [source] = story.explain(story.ada, "02-01").facts.sources
    assert source.granted_by == "Grace"


def test_access_that_a_restore_lost_was_there_all_along(story: Story, database_url: str) -> None:
    with on("07-01"):
        enrollment.enroll(story.ada, story.algebra, by=story.grace)
    db.session.rollback()
    with damaging(database_url) as damage:
        for table in ("access_sources", "enrollments"):
            damage.run(f"DELETE FROM {table} WHERE user_id = {story.ada}")
        damage.run(f"DELETE FROM student_progress WHERE student_id = {story.ada}")
    with on("07-20"):
        assert sync.auto_fix(by=None).fixed["lost_access"] == 1
    for day in ("07-10", "07-21"):
        [source] = story.explain(story.ada, day).facts.sources
        assert (f"{source.granted_at:%m-%d}", source.granted_by) == ("07-01", "Grace")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2027-01-01", "2027-01-01 is in the future."),
        ("2026-12-31T12:01", "2026-12-31T12:01 is in the future."),
        ("9999-12-31", "9999-12-31 is in the future."),
        ("2026-02-30", "“2026-02-30” is not a date. Write it like 2026-05-03, or with a"),
        ("soon", "“soon” is not a date. Write it like 2026-05-03, or with a time like"),
        ("0001-01-01T00:00+14:00", "“0001-01-01T00:00+14:00” is not a date."),
        ("2026-01-09", "The audit trail begins on 2026-01-10: it doesn't cover 2026-01-09."),
        ("2026-01-19", "Ada's account was opened on 2026-01-20, after 2026-01-19."),
    ],
)
def test_a_moment_of_which_nothing_is_known_is_refused(story: Story, text: str, said: str) -> None:
    with on("12-31"), pytest.raises(Invalid) as refused:
        sync.explain(story.ada, story.algebra, as_of(text))
    assert refused.value.detail.startswith(said)
    assert refused.value.field == "at"


def test_a_day_that_is_not_over_is_told_as_of_now(story: Story) -> None:
    with on("02-01", "12:30"):
        why = sync.explain(story.ada, story.algebra, as_of("2026-02-01"))
    assert "on 1 Feb 2026 at 12:30 UTC" in why.verdict


def test_the_list_of_a_course_has_everybody_by_name_with_as_many_statements(
    story: Story,
) -> None:
    with on("08-01"):
        for number in range(60):
            student = a_student(f"Kim {number:02}")
            enrollment.enroll(student, story.algebra, by=story.grace)
    counts = []
    with on("12-31"):
        for day, page, names in (
            ("2026-04-01", 1, ["Bob"]),
            ("2026-08-01", 2, [f"Kim {number}" for number in range(49, 60)]),
        ):
            with sent_to(db.engine) as sent:
                found = past.accesses("course", story.algebra, as_of(day), page=page)
            counts.append(len(sent))
            assert [row.student_name for row in found.accesses] == names
        assert (found.total, found.pages) == (61, 2)
        assert counts[0] == counts[1] <= 4
        every = list(past.every_source("course", story.algebra, as_of("2026-08-01")))
    assert [row.student_name for row in every][:2] == ["Bob", "Kim 00"]
    assert len(every) == 61


def test_the_list_of_a_student_has_all_courses(story: Story) -> None:
    with on("02-02"):
        botany = a_course("Botany")
        enrollment.enroll(story.ada, botany, by=story.grace)
    with on("12-31"):
        assert _titles(story.ada, "2026-02-01") == ["Algebra"]
        assert _titles(story.ada, "2026-02-02") == ["Algebra", "Botany"]
        assert _titles(story.ada, "2026-03-01") == ["Botany"]


def _titles(student: int, day: str) -> list[str]:
    found = past.accesses("student", student, as_of(day)).accesses
    return [row.course_title for row in found]
