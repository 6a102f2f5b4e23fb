"""Who had access on a day of the past: on pages, as a file and in JSON, with the same words."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from lms import enrollment
from lms.db import at, now
from tests.builders import a_course, a_student
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act
from tests.web.pages import text_of
from tests.web.test_exports import read

TOLD = "Kim had access to Algebra at the end of 3 Feb 2026: enrolled by an admin."


@pytest.fixture
def pair(act: Act, sql: Sql, admin: Browser) -> tuple[int, int]:
    """Kim, who was in Algebra in February."""

    def on(day: str, verb: Any, *args: Any, **values: Any) -> Any:
        with at(datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=UTC)):
            return act(verb, *args, **values)

    kim = on("2026-01-05", a_student, "Kim", email="kim@example.org")
    algebra = on("2026-01-05", a_course, "Algebra")
    on("2026-02-01", enrollment.enroll, kim, algebra, by=admin.user_id, reason="=Late")
    on("2026-03-01", enrollment.unenroll, kim, algebra, by=admin.user_id)
    return kim, algebra


def test_the_page_explains_a_day(admin: Browser, pair: tuple[int, int]) -> None:
    address = f"/admin/students/{pair[0]}/courses/{pair[1]}"
    now = admin.get(address).text
    assert "Kim has no access to Algebra." in text_of(now)
    assert re.search(r'<input[^>]* type="date" id="filter-at" name="at"', now)
    page = admin.get(address, query_string={"at": "2026-02-03"}).text
    assert TOLD in text_of(page)
    assert "since 2026-02-01 by Ada Admin: =Late" in text_of(page)
    assert 'value="2026-02-03"' in page
    assert f'href="{address}">Now</a>' in page


def test_a_day_of_which_nothing_is_known_is_said_at_the_field(
    admin: Browser, pair: tuple[int, int]
) -> None:
    for address in (
        f"/admin/students/{pair[0]}/courses/{pair[1]}",
        f"/admin/students/{pair[0]}/access",
        f"/admin/courses/{pair[1]}/access",
    ):
        for day, said in (
            ("2101-01-01", "2101-01-01 is in the future."),
            ("then", "“then” is not a date."),
            ("1999-01-01", "The audit trail begins on 2026-01-05"),
        ):
            answer = admin.get(address, query_string={"at": day})
            assert answer.status_code == 422
            [error] = re.findall(r'id="filter-at-error">(.*?)</p>', answer.text)
            assert error.startswith(said)
            assert 'aria-describedby="filter-at-error"' in answer.text


def test_a_day_of_which_nothing_is_known_shows_the_form_alone(
    admin: Browser, pair: tuple[int, int], act: Act
) -> None:
    kim, algebra = pair
    explained = f"/admin/students/{kim}/courses/{algebra}"
    listed = f"/admin/courses/{algebra}/access"
    for ended in (False, True):
        if ended:
            act(enrollment.delete_user, kim, by=admin.user_id)
            act(enrollment.delete_course, algebra, by=admin.user_id)
        for address in (explained, listed):
            answer = admin.get(address, query_string={"at": "then"})
            assert answer.status_code == 422
            assert 'id="filter-at-error">“then” is not a date.' in answer.text
            assert 'id="why"' not in answer.text
            assert 'id="past"' not in answer.text
            assert "Repair now" not in answer.text
    assert admin.get(explained).status_code == 404
    assert admin.get(f"/admin/students/4711/courses/{algebra}?at=then").status_code == 404


def test_the_list_of_a_day_that_is_over_is_made_anew_for_names_alone(
    admin: Browser, pair: tuple[int, int], act: Act
) -> None:
    kim, algebra = pair
    other = act(a_student, "Lee", email="lee@example.org")

    def is_unchanged(tag: str) -> bool:
        headers = {"X-Live": "1", "If-None-Match": f'"{tag}"'}
        return admin.get(address, headers=headers).status_code == 304

    for day, stays in (("2026-02-03", True), (str(now().date()), False)):
        address = f"/admin/courses/{algebra}/access?at={day}"
        page = admin.get(address).text
        [tag] = re.findall(r'data-live-etag="&#34;(\w+)&#34;"', page)
        assert is_unchanged(tag)
        act(enrollment.enroll, other, algebra, by=admin.user_id)
        assert is_unchanged(tag) == stays
        act(enrollment.rename_user, kim, f"Kim {day}", by=admin.user_id)
        assert not is_unchanged(tag)
        act(enrollment.unenroll, other, algebra, by=admin.user_id)


def test_json_says_the_same(admin: Browser, pair: tuple[int, int]) -> None:
    asked = {"studentId": pair[0], "courseId": pair[1], "at": "2026-02-03"}
    why = admin.get("/api/sync/explain", query_string=asked).get_json()
    assert (why["hasAccess"], why["verdict"]) == (True, TOLD)
    assert why["asOf"] == "2026-02-03T23:59:59.999999Z"
    [source] = why["facts"]["sources"]
    assert (source["kind"], source["grantedBy"]) == ("admin", "Ada Admin")
    later = admin.get("/api/sync/explain", query_string={**asked, "at": ""}).get_json()
    assert (later["hasAccess"], later["asOf"]) == (False, None)
    refused = admin.get("/api/sync/explain", query_string={**asked, "at": "2101-01-01"})
    assert refused.status_code == 422
    assert refused.get_json()["errors"] == {"at": ["2101-01-01 is in the future."]}


def test_a_course_and_a_student_have_a_list_and_a_file_of_a_day(
    admin: Browser, pair: tuple[int, int]
) -> None:
    kim, algebra = pair
    for whole, number, other in (("courses", algebra, "Kim"), ("students", kim, "Algebra")):
        own = admin.get(f"/admin/{whole}/{number}").text
        assert f'href="/admin/{whole}/{number}/access"' in own
        address = f"{whole}/{number}/access"
        page = admin.get(f"/admin/{address}", query_string={"at": "2026-02-03"}).text
        explained = f"/admin/students/{kim}/courses/{algebra}?at=2026-02-03"
        assert f'<a href="{explained}">{other}</a>' in page
        assert "Since 1 Feb 2026 by Ada Admin: =Late" in text_of(page)
        assert f'href="/admin/{address}.csv?at=2026-02-03"' in page
        [row] = read(admin, address, at="2026-02-03")
        assert (row["student_name"], row["course_title"]) == ("Kim", "Algebra")
        assert (row["kind"], row["granted_by"], row["reason"]) == ("admin", "Ada Admin", "'=Late")
        assert read(admin, address, at="2026-01-31") == read(admin, address) == []
        assert "had access" in text_of(admin.get(f"/admin/{address}").text)
        refused = admin.get(f"/admin/{address}.csv", query_string={"at": "then"})
        assert refused.status_code == 422


def test_an_account_that_was_deactivated_is_marked(
    admin: Browser, pair: tuple[int, int], act: Act, sql: Sql
) -> None:
    kim, algebra = pair
    sql("UPDATE users SET is_active = false WHERE id = :id", id=kim)
    day = {"at": "2026-02-03"}
    assert "Kim Deactivated" in text_of(
        admin.get(f"/admin/courses/{algebra}/access", query_string=day).text
    )
    own = text_of(admin.get(f"/admin/students/{kim}/access", query_string=day).text)
    assert "Kim couldn't sign in at the end of 3 Feb 2026." in own
    for address in (f"courses/{algebra}/access", f"students/{kim}/access"):
        assert [row["student_is_active"] for row in read(admin, address, **day)] == ["no"]
    act(enrollment.reactivate_user, kim, by=admin.user_id)
    assert "Kim Deactivated" in text_of(
        admin.get(f"/admin/courses/{algebra}/access", query_string=day).text
    )


def test_who_is_deleted_since_is_listed_without_a_link_to_the_account(
    admin: Browser, pair: tuple[int, int], act: Act
) -> None:
    kim, algebra = pair
    act(enrollment.delete_user, kim, by=admin.user_id)
    page = admin.get(f"/admin/courses/{algebra}/access", query_string={"at": "2026-02-03"}).text
    assert "Account since deleted" in page
    explained = f"/admin/students/{kim}/courses/{algebra}"
    why = admin.get(f"{explained}?at=2026-02-03").text
    assert TOLD in text_of(why)
    assert f'href="/admin/students/{kim}"' not in why
    assert f'href="{explained}"' not in why, "the present says nothing of who is gone"
    assert "Repair now" not in why
    act(enrollment.delete_course, algebra, by=admin.user_id)
    assert "Kim" in admin.get(f"/admin/courses/{algebra}/access?at=2026-02-03").text
    assert admin.get(f"/admin/courses/{algebra}/access?at=2026-02-03").status_code == 200
    assert admin.get("/admin/courses/4711/access").status_code == 404
