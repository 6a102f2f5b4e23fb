"""Analytics on the web: the days are the school's, and the page says whose they are."""

import csv
import io
from datetime import UTC, datetime
from html import unescape

import pytest

from lms import enrollment, sync
from lms.db import at
from lms.ledger import clocks
from tests.builders import a_public_course, a_student
from tests.web.browser import Browser
from tests.web.conftest import Act, Statements

MORNING = datetime(2026, 11, 15, 20, 30, tzinfo=UTC)  # in Auckland of the 16th, a Monday
DAYS = "from=2026-11-15&to=2026-11-16"


@pytest.fixture
def learner(act: Act) -> None:
    with at(MORNING):
        act(enrollment.enroll_directly, act(a_student), act(a_public_course, chapters=1))


def _move(admin: Browser, act: Act, zone: str | None, *, seen: int = 0) -> None:
    act(enrollment.change_settings, {"time_zone": zone}, seen=seen, by=admin.user_id)


@pytest.mark.usefixtures("learner")
def test_page_file_and_json_have_the_days_of_the_school(admin: Browser, act: Act) -> None:
    assert "Days are in UTC." in admin.get(f"/admin/analytics?{DAYS}").text
    _move(admin, act, "Pacific/Auckland")
    page = admin.get(f"/admin/analytics?{DAYS}").text
    assert "Days are in Auckland time." in page
    assert "Days are still in" not in page
    rows = csv.reader(io.StringIO(admin.get(f"/admin/analytics/days.csv?{DAYS}").text))
    assert [row[:3] for row in rows][1:] == [
        [f"2026-11-{day}", "Pacific/Auckland", count] for day, count in ((15, "0"), (16, "1"))
    ]
    told = admin.get(f"/api/admin/analytics?{DAYS}").get_json()
    assert told["period"]["timeZone"] == "Pacific/Auckland"
    assert [point["enrollments"] for point in told["points"]] == [0, 1]


@pytest.mark.usefixtures("learner")
def test_until_all_is_counted_again_the_page_says_whose_days_it_has(
    admin: Browser, act: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clocks, "MOST_AT_ONCE", 0)
    _move(admin, act, "Pacific/Auckland")
    page = unescape(admin.get(f"/admin/analytics?{DAYS}").text)
    for said in (
        "Days are in UTC.",
        "Days are still in UTC",
        "The school's time zone is now Auckland time",
    ):
        assert said in page
    act(sync.ZoneFollower().follow)
    page = admin.get(f"/admin/analytics?{DAYS}").text
    assert "Days are still in" not in page
    assert "Days are in Auckland time." in page


@pytest.mark.usefixtures("learner")
def test_days_of_a_zone_cost_no_statement_more(
    admin: Browser, act: Act, statements: Statements
) -> None:
    admin.get("/admin/analytics")
    with statements() as before:
        admin.get("/admin/analytics")
    _move(admin, act, "Pacific/Auckland")
    admin.get("/admin/analytics")
    with statements() as after:
        admin.get("/admin/analytics")
    assert len(after) == len(before)
