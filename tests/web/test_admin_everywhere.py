"""What every admin page has: search for a student, and counts in the navigation."""

import re

from flask import Flask

from lms import enrollment
from lms.sync import runs
from tests.builders import a_chapter, a_course, a_request, a_student
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act, Statements
from tests.web.pages import text_of


def badges(html: str) -> dict[str, str]:
    found = re.findall(
        r'<span id="nav-(\w+)" class="nav-badge"[^>]*>(.*?)</span>(?:</span>)?', html
    )
    return {name: text_of(text) for name, text in found}


def test_the_search_leads_straight_to_the_one_whose_email_it_is(admin: Browser, act: Act) -> None:
    ada = act(a_student, "Ada Lovelace", email="ada@school.test")
    act(a_student, "Nada", email="nada@school.test")
    for q in ("ada@school.test", " ADA@school.test ", "nada@", "nada@school"):
        answer = admin.get("/admin/search", query_string={"q": q, "go": 1})
        assert answer.status_code == 303, q
    assert admin.get("/admin/search?q=ada@school.test&go=1").location == f"/admin/students/{ada}"
    for q in ("ada", "@school.test", "nobody@school.test", "%@", "Ada Lovelace"):
        assert admin.get("/admin/search", query_string={"q": q, "go": 1}).status_code == 200, q
    assert "Ada Lovelace" in admin.get("/admin/students?q=ada@school.test").text


def test_a_few_hits_are_shown_while_one_types(admin: Browser, act: Act) -> None:
    for number in range(9):
        act(a_student, f"Twin {number}")
    act(a_student, "<b>Bold</b>")
    page = admin.get("/admin/search/hits?q=twin").text
    assert re.findall(r"Twin \d", page) == [f"Twin {number}" for number in range(4)]
    assert 'data-said="4 results, and more"' in page
    assert 'href="/admin/search?q=twin"' in page
    assert "&lt;b&gt;Bold" in admin.get("/admin/search/hits?q=bold").text
    for q in ("%", "nobody", ""):
        none = admin.get("/admin/search/hits", query_string={"q": q}).text
        assert "No results" in none
        assert "0 results" in none


def test_courses_and_chapters_are_found_too(admin: Browser, act: Act) -> None:
    course = act(a_course, "Twining", code="TWIN-1")
    chapter = act(a_chapter, course, "Twine & rope")
    act(a_chapter, course, "Other")
    act(a_student, "Twin", email="t@school.test")
    for address in ("/admin/search", "/admin/search/hits"):
        page = admin.get(address, query_string={"q": "twin"}).text
        assert f'href="/admin/courses/{course}">Twining' in page
        assert f'href="/admin/courses/{course}/chapters/{chapter}">Twine &amp; rope' in page
        assert "Other" not in page
    assert "Twining" in admin.get("/admin/search?q=twin-1").text
    nothing = admin.get("/admin/search?q=nobody").text
    assert "No results" in nothing
    assert 'href="/admin/payments?q=nobody"' in nothing
    assert "No results" not in admin.get("/admin/search").text


def test_the_search_says_where_there_is_more(admin: Browser, act: Act) -> None:
    for number in range(21):
        act(a_student, f"Twin {number:02}")
    page = admin.get("/admin/search?q=twin").text
    assert ("Twin 19" in page, "Twin 20" in page) == (True, False)
    assert 'href="/admin/students?q=twin"' in page


def test_the_navigation_counts_what_waits_in_one_statement(
    admin: Browser, act: Act, sql: Sql, statements: Statements
) -> None:
    assert badges(admin.get("/admin/courses").text) == {
        "pending": "",
        "erasures": "",
        "payments": "",
        "sync": "",
    }
    student, course = act(a_student), act(a_course)
    with statements() as before:
        admin.get("/admin/courses")
    act(a_request, student, course)
    act(enrollment.request_erasure, student)
    sql(
        "INSERT INTO payments (user_id, course_id, amount_cents, status)"
        " VALUES (:student, :course, 900, 'needs_review'), (:student, :course, 900, 'paid')",
        student=student,
        course=course,
    )
    for row in (1, 2):
        key = (row, None, None)
        act(runs.ask_for_attention, kind="x", table="y", key=key, reason="Somebody has to look.")

    with statements() as sent:
        page = admin.get("/admin/courses").text
    assert badges(page) == {
        "pending": "1 waiting",
        "erasures": "1 to erase or refuse",
        "payments": "1 needing attention",
        "sync": "2 needing attention",
    }
    assert len(sent) == len(before)


def test_the_counts_are_live_on_every_page(
    admin: Browser, act: Act, statements: Statements
) -> None:
    tag = re.search(r'data-live-etag="&#34;(\w+)&#34;"', admin.get("/admin/students").text)
    assert tag is not None
    headers = {"X-Live": "1", "If-None-Match": f'"{tag[1]}"'}
    with statements() as sent:
        assert admin.get("/admin/students", headers=headers).status_code == 304
    assert len(sent) <= 2
    act(runs.ask_for_attention, kind="x", table="y", key=(1, None, None), reason="Look.")
    poll = admin.get("/admin/students", headers=headers)
    assert badges(poll.text)["sync"] == "1 needing attention"


def test_a_poll_brings_only_the_parts_that_differ_from_what_the_page_shows(
    admin: Browser, act: Act
) -> None:
    shown_student, course = act(a_student), act(a_course)
    address = f"/admin/students/{shown_student}"
    parts = re.findall(r' id="([^"]+)"[^>]* data-live="(\w+)"', admin.get(address).text)
    assert len(parts) > 5
    shown = {"X-Live": ",".join(f"{name}={fingerprint}" for name, fingerprint in parts)}
    assert (admin.get(address, headers=shown).status_code, parts) == (204, parts), "tokens differ"

    act(a_request, act(a_student), course)
    news = admin.get(address, headers=shown)
    assert (news.status_code, re.findall(r' id="([^"]+)"[^>]* data-live', news.text)) == (
        200,
        ["nav-pending"],
    )
    act(a_request, shown_student, course)
    news = admin.get(address, headers=shown)
    changed = re.findall(r' id="([^"]+)"[^>]* data-live', news.text)
    assert changed == ["nav-pending", "student-figures", "request-rows", "trail"]


def test_a_title_that_spells_a_live_part_is_a_title(admin: Browser, act: Act) -> None:
    act(a_request, act(a_student), act(a_course, "What data-live data-live= does"))
    page = admin.get("/admin/requests").text
    names = re.findall(r' id="([^"]+)"[^>]* data-live="\w+"', page)
    assert len(names) == len(set(names)) == page.count(' data-live="')
    news = admin.get("/admin/requests", headers={"X-Live": "none=0"}).text
    assert re.findall(r' id="([^"]+)"[^>]* data-live="\w+"', news) == names
    assert news.count('class="cell-main"') == page.count('class="cell-main"') == 1


def test_no_page_hides_what_waits(app: Flask, admin: Browser, act: Act) -> None:
    act(a_request, act(a_student), act(a_course))
    pages = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and re.fullmatch("/admin/[^<.]+", rule.rule)
    ]
    assert len(pages) > 20
    for page in pages:
        answer = admin.get(page)
        if answer.status_code == 200 and "<nav" in answer.text:
            assert badges(answer.text)["pending"] == "1 waiting", page
