"""The students of a course: on the page, as a file and by JSON."""

import pytest

from lms import enrollment
from tests.builders import a_course, a_student
from tests.conftest import Sql
from tests.enrollment.sources import a_payment
from tests.web.browser import Browser
from tests.web.conftest import Act
from tests.web.pages import chapters_of, text_of
from tests.web.test_exports import read


@pytest.fixture
def course(act: Act, sql: Sql, admin: Browser) -> int:
    """A course of Ann, who has finished; Ben, halfway, who paid; and Cid, who has not begun."""
    algebra: int = act(a_course, "Algebra", chapters=2)
    ann, ben, cid = (
        act(a_student, name, email=f"{name.lower()}@example.org") for name in ("Ann", "Ben", "Cid")
    )
    for student in (ann, cid):
        act(enrollment.enroll, student, algebra, by=admin.user_id)
    act(a_payment, sql, ben, algebra, status="partially_refunded", refunded_cents=200)
    chapters = chapters_of(act, algebra, ann)
    for student, done in ((ann, chapters), (ben, chapters[:1])):
        for chapter in done:
            act(enrollment.complete_chapter, student, chapter)
    return algebra


def _names(browser: Browser, course: int, **query: str) -> list[str]:
    answer = browser.get(f"/api/admin/courses/{course}/people", query_string=query)
    assert answer.status_code == 200, answer.text
    found = answer.get_json()
    assert found["total"] == len(found["people"])
    return [each["name"] for each in found["people"]]


def test_the_page_says_why_they_are_enrolled_what_they_paid_and_how_far_they_are(
    admin: Browser, course: int
) -> None:
    page = text_of(admin.get(f"/admin/courses/{course}/people").text)
    for words in (
        "Ann ann@example.org Enrolled by an admin",
        "Ben ben@example.org Bought",
        "€5.00 €3.00 kept",
        "3 students",
    ):
        assert words in page
    assert f'href="/admin/courses/{course}/people"' in admin.get(f"/admin/courses/{course}").text


def test_the_latest_comes_first(admin: Browser, course: int, act: Act) -> None:
    act(enrollment.enroll, act(a_student, "Dee"), course, by=admin.user_id)
    assert _names(admin, course) == ["Dee", "Ben", "Cid", "Ann"]


def test_filters_find_some(admin: Browser, course: int) -> None:
    assert _names(admin, course, standing="not_started") == ["Cid"]
    assert _names(admin, course, standing="in_progress") == ["Ben"]
    assert _names(admin, course, standing="completed") == ["Ann"]
    assert _names(admin, course, source="payment") == ["Ben"]
    assert _names(admin, course, source="admin", q="CID") == ["Cid"]
    assert _names(admin, course, source="import") == []
    nobody = admin.get(f"/admin/courses/{course}/people?source=import")
    assert "No student matches" in nobody.text
    unknown = admin.get(f"/admin/courses/{course}/people?standing=x&source=%00")
    assert "3 students" in unknown.text


def test_nobody_else_is_listed(admin: Browser, course: int, act: Act) -> None:
    other = act(a_course, "Botany")
    act(enrollment.enroll, act(a_student, "Eve"), other, by=admin.user_id)
    assert _names(admin, other) == ["Eve"]
    assert "Eve" not in _names(admin, course)
    assert "Nobody is enrolled" in admin.get(f"/admin/courses/{act(a_course)}/people").text


def test_two_sources_are_one_student(admin: Browser, course: int, act: Act, sql: Sql) -> None:
    [(ben,)] = sql("SELECT id FROM users WHERE name = 'Ben'")
    act(enrollment.enroll, ben, course, by=admin.user_id)
    assert _names(admin, course) == ["Ben", "Cid", "Ann"]
    found = admin.get(f"/api/admin/courses/{course}/people?source=payment").get_json()["people"]
    assert found[0]["sources"] == ["payment", "admin"]
    assert [each["keptCents"] for each in found[0]["payments"]] == [300]


def test_the_file_has_all_whom_the_page_finds(admin: Browser, course: int) -> None:
    rows = read(admin, f"courses/{course}/people", standing="in_progress")
    assert [row["name"] for row in rows] == ["Ben"]
    assert rows[0]["kept"] == "3.00 EUR"
    assert rows[0]["sources"] == "payment"


def test_a_certificate_that_was_revoked_is_none(
    admin: Browser, course: int, act: Act, sql: Sql
) -> None:
    address = f"/api/admin/courses/{course}/people?standing=completed"
    [(number, code)] = sql("SELECT id, code FROM certificates")
    assert admin.get(address).get_json()["people"][0]["certificate"] == code
    act(enrollment.revoke_certificate, number, by=admin.user_id, reason="A mistake")
    assert admin.get(address).get_json()["people"][0]["certificate"] is None


def test_a_course_that_is_none_is_not_found(admin: Browser) -> None:
    for address in ("/admin/courses/999/people", "/api/admin/courses/999/people"):
        assert admin.get(address).status_code == 404


def test_money_shows_whatever_access_rests_on(
    admin: Browser, course: int, act: Act, sql: Sql
) -> None:
    [(cid,)] = sql("SELECT id FROM users WHERE name = 'Cid'")
    sql(
        "INSERT INTO payments (user_id, course_id, amount_cents, status)"
        " VALUES (:cid, :course, 900, 'needs_review'), (:cid, :course, 700, 'expired')",
        cid=cid,
        course=course,
    )
    found = admin.get(f"/api/admin/courses/{course}/people?q=cid").get_json()["people"]
    assert [each["amountCents"] for each in found[0]["payments"]] == [900]
    assert found[0]["isActive"] is True
