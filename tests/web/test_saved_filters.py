"""Filters that admins keep by name."""

import re

import pytest

from lms import accounts, enrollment
from lms.accounts.saved_filters import MOST_FILTERS
from lms.refusals import Invalid
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act, AddPerson

KEPT = "SELECT page, name, query FROM saved_filters ORDER BY id"


def chips(page: str) -> list[tuple[str, str, bool]]:
    """Return address, name and whether it is the present one, of each kept filter."""
    found = re.findall(r'<li class="chip"><a href="(.*?)"( aria-current="true")?>(.*?)</a>', page)
    return [
        (address.replace("&amp;", "&"), name, bool(current)) for address, current, name in found
    ]


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("requests", "q=ada&course=3"),
        ("students", "q=ada"),
        ("payments", "q=ada&status=attention"),
        ("audit", "q=ada&student=2&action=access.granted&actor=portal&from=2026-01-01"),
    ],
)
def test_the_present_filter_is_kept_as_a_link(
    admin: Browser, sql: Sql, page: str, query: str
) -> None:
    shown = admin.get(f"/admin/{page}?{query}&page=1&strange=1").text
    offered = re.search(r'name="query" value="(.*?)"', shown)
    assert offered is not None
    answer = admin.send_form(
        f"/admin/filters/{page}", query=offered[1].replace("&amp;", "&"), name="  Ada's  own "
    )
    assert (answer.status_code, answer.location) == (303, f"/admin/{page}?{query}")
    assert sql(KEPT) == [(page, "Ada's own", query)]
    assert chips(admin.get(f"/admin/{page}").text) == [
        (f"/admin/{page}?{query}", "Ada&#39;s own", False)
    ]
    there = admin.get(f"/admin/{page}?{query}").text
    assert [current for *_, current in chips(there)] == [True]
    assert "Save this filter" not in there


def test_the_same_name_is_replaced_and_nothing_odd_is_kept(admin: Browser, sql: Sql) -> None:
    for query in ("q=one", "q=two"):
        admin.send_form("/admin/filters/students", query=query, name="Mine")
    assert sql(KEPT) == [("students", "Mine", "q=two")]
    for query, name in (
        *(("", "x"), ("strange=1", "x"), ("q=%20", "x"), ("q=" + "x" * 600, "x")),
        *(("q=1", ""), ("q=1", "y" * 61), ("q=1", "\x00")),
    ):
        answer = admin.send_form("/admin/filters/students", query=query, name=name)
        assert answer.status_code == 303
    admin.send_form("/admin/filters/students", query="q=a%00b", name="NUL")
    assert sql(KEPT) == [("students", "Mine", "q=two"), ("students", "NUL", "q=ab")]
    assert admin.send_form("/admin/filters/sync", query="q=1", name="x").status_code == 404


def test_a_filter_is_deleted_by_its_owner_alone(
    admin: Browser, act: Act, add_person: AddPerson, sql: Sql
) -> None:
    other = add_person("grace@example.org", role="admin")
    for owner in (admin.user_id, other):
        act(accounts.save_filter, owner, page="audit", name="Mine", query="q=1")
    assert len(chips(admin.get("/admin/audit").text)) == 1
    for row in sql("SELECT id FROM saved_filters"):
        answer = admin.send_form(f"/admin/filters/{row.id}/delete", back="/admin/audit")
        assert (answer.status_code, answer.location) == (303, "/admin/audit")
    assert sql("SELECT user_id FROM saved_filters") == [(other,)]
    act(enrollment.delete_user, other, by=admin.user_id)
    assert sql(KEPT) == []


def test_a_page_has_room_for_so_many(admin: Browser, act: Act, sql: Sql) -> None:
    for number in range(MOST_FILTERS):
        act(accounts.save_filter, admin.user_id, page="audit", name=f"{number}", query="q=1")
    with pytest.raises(Invalid):
        act(accounts.save_filter, admin.user_id, page="audit", name="more", query="q=1")
    act(accounts.save_filter, admin.user_id, page="audit", name="7", query="q=2")
    act(accounts.save_filter, admin.user_id, page="students", name="more", query="q=1")
    admin.send_form("/admin/filters/audit", query="q=3", name="more")
    assert "Delete one first" in admin.get("/admin/audit").text
    assert len(sql(KEPT)) == MOST_FILTERS + 1
