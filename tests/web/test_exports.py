"""Every list that admins see, as a file for a spreadsheet."""

import csv
import io
import re
import tempfile
import tracemalloc
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from lms import enrollment
from lms.db import at, now
from tests.builders import a_course, a_request, a_student, an_invitation
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act, Statements
from tests.web.crawl.school import a_school

ACCESS = (
    "student_id,student_name,student_email,student_is_active,course_id,course_title,kind,"
    "reference,granted_at,granted_by,reason,enrolled_at"
)
OFFERS = "id,student_id,student_name,student_email,course_id,course_title,price,currency,expires_at"
HEADERS = {
    "requests": "id,student_id,student_name,student_email,course_id,course_title,message,"
    "requested_at,place_in_line,seat_since,approved_at,price,currency,requires_approval",
    "requests/decided": "id,student_id,student_name,student_email,course_id,course_title,status,"
    "message,reason,requested_at,decided_at,decided_by_name,undone_at,undone_by_name",
    "students": "id,name,email,enrolled_courses,completed_courses,pending_requests,"
    "average_progress,is_active,is_proven",
    "students/{student_id}/courses": "course_id,"
    "title,progress,sources,enrolled_at,completed_at,"
    "last_activity_at",
    "students/{student_id}/requests": "id,"
    "course_id,course_title,status,message,reason,requested_at,"
    "reviewed_at,is_open,offer",
    "students/{student_id}/offers": OFFERS,
    "students/{student_id}/certificates": "id,"
    "code,course_id,course_title,student_name,completed_at,"
    "issued_at,revoked_at",
    "students/{student_id}/payments": "id,"
    "course_id,course_title,discount,tax,amount,refunded,currency,"
    "status,created_at,paid_at,method",
    "students/{student_id}/access": ACCESS,
    "courses/{course_id}/access": ACCESS,
    "courses": "id,code,title,description,teacher,duration,status,is_public,is_default_unlocked,"
    "price,currency,allows_promotion_codes,requires_approval,capacity,created_at,chapter_count,"
    "enrolled,held,waiting",
    "courses/{course_id}/chapters": "id,course_id,title,position,completions",
    "courses/{course_id}/offers": OFFERS,
    "courses/{course_id}/people": "student_id,name,email,is_active,progress,sources,kept,"
    "enrolled_at,last_activity_at,completed_at,certificate",
    "payments": "id,created_at,paid_at,status,student,course,amount,refunded,currency,method,"
    "reference,stripe_session,stripe_payment_intent,attention,price,discount,tax,invoice,lost",
    "payments/inbox": "id,event_id,type,livemode,told_at,received_at,status,attempts,error,"
    "payment_id",
    "analytics/at-risk": "student_id,name,course_id,title,progress,last_seen_at",
    "audit": "id,at,action,actor_id,actor_name,actor_role,student_id,student_name,course_id,"
    "course_title,reason,details",
    "admins": "id,name,email,is_active,has_factor",
    "invitations": "id,name,email,invited_at",
    "erasures": "id,name,email,role,reason,created_at,refused_at",
    "sync/findings": "id,entity,student_id,student_name,course_id,course_title,expected,actual,"
    "attention,kind,repair",
    "sync/attention": "id,kind,table_name,row_id,student_id,student_name,course_id,course_title,"
    "reason,created_at",
    "sync/runs": "id,trigger,slot,status,is_dry_run,started_by,started_at,finished_at,undone_at,"
    "scope,found,fixed,remaining,error,can_be_undone",
    "sync/runs/{run_id}": "id,kind,table_name,row_id,before,after,undone_at,not_undone",
}
"""By address. What reads these files goes by the names: a column may come, none may go."""
ELSEWHERE = {
    "payments/inbox": "payments/inbox",
    "requests/decided": "requests/decided",
    "courses/{course_id}/chapters": "courses/{course_id}",
    "courses/{course_id}/offers": "courses/{sold}",
    "analytics/at-risk": "analytics",
    **{name: "sync" for name in HEADERS if name.startswith("sync/")},
    **{name: "students/{student_id}" for name in HEADERS if name.startswith("students/{")},
    "students/{student_id}/access": "students/{student_id}/access",
    "sync/runs/{run_id}": "sync/runs/{run_id}",
}
"""The page of an export that is not called as its page is."""
_TIME = "2026-01-01 00:00:00.000000"


@pytest.fixture
def school(act: Act, sql: Sql) -> dict[str, object]:
    """A school with a row in nearly every list, by the names of what stands in addresses."""
    ids: dict[str, object] = dict(act(a_school, sql).ids)
    [(ids["sold"],)] = sql("SELECT course_id FROM offers")
    sql(
        "INSERT INTO sync_changes (run_id, kind, table_name, row_id, before)"
        """ VALUES (:run, 'progress_drift', 'enrollments', 1, '{"progress": 5}')""",
        run=ids["run_id"],
    )
    return ids


def read(browser: Browser, name: str, **asked: Any) -> list[dict[str, str]]:
    """Return the rows of an export by their columns."""
    answer = browser.get(f"/admin/{name}.csv", query_string=asked)
    assert (answer.status_code, answer.mimetype) == (200, "text/csv"), answer.text
    assert answer.content_length == len(answer.data)
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def test_an_export_is_for_admins_who_have_proved_it_lately(
    *, school: dict[str, object], browser: Browser, student: Browser, admin: Browser
) -> None:
    for name, header in HEADERS.items():
        address = f"/admin/{name}.csv".format(**school)
        assert browser.get(address).location.startswith("/login?next=")
        assert student.get(address).status_code == 403
        answer = admin.get(address)
        assert (answer.status_code, answer.mimetype) == (200, "text/csv")
        assert answer.text.splitlines()[0] == header
        assert admin.head(address).content_length == len(answer.data)
        with at(now() + timedelta(minutes=11)):
            assert admin.get(address).location == f"/profile/proof?next={address}"


def test_each_list_has_a_link_to_its_export(school: dict[str, object], admin: Browser) -> None:
    for name in HEADERS:
        page = f"/admin/{ELSEWHERE.get(name, name)}".format(**school)
        course = re.sub("/(access|people)$", "", page).rpartition("/")[2]
        address = f"/admin/{name}.csv".format(**{**school, "course_id": course})
        link = rf'href="{address}"[^>]*>.*Export \(CSV\)</a>'
        assert re.search(link, admin.get(page).text), page


def test_a_filtered_list_is_exported_as_it_is_filtered(
    school: dict[str, object], admin: Browser, act: Act, sql: Sql
) -> None:
    ada, bo = act(a_student, "Zoë Ärmel"), act(a_student, "Bo")
    courses = act(a_course, "Zoology", code="ZOO"), act(a_course, "Zymurgy", status="archived")
    for student in (ada, bo):
        act(a_request, student, courses[0])
    asked = {"q": "zoe armel", "course": courses[0], "page": 7, "_anchor": "x"}
    page = admin.get("/admin/requests", query_string=asked, follow_redirects=True).text
    assert f'href="/admin/requests.csv?q=zoe+armel&amp;course={courses[0]}"' in page

    def ids(name: str, **asked: Any) -> list[int]:
        return [int(row["student_id"]) for row in read(admin, name, **asked)]

    assert ids("requests", course=courses[0]) == [ada, bo]
    assert ids("requests", q="zoe armel") == [ada]
    assert [row["name"] for row in read(admin, "students", q="armel")] == ["Zoë Ärmel"]
    assert [row["title"] for row in read(admin, "courses", q="zoo")] == ["Zoology"]
    assert [row["title"] for row in read(admin, "courses", status="archived")] == ["Zymurgy"]
    act(an_invitation, "bea@example.org")
    assert [row["email"] for row in read(admin, "invitations", q="bea@")] == ["bea@example.org"]
    for request in (row["id"] for row in read(admin, "requests", course=courses[0])):
        act(enrollment.reject, int(request), by=admin.user_id, reason="=1+1")
    assert ids("requests/decided", q="Bo Zoology") == [bo]
    assert ids("audit", action="request.rejected", student=bo) == [bo]
    assert read(admin, "audit", q="Zoology", action="request.rejected", to="2001-01-01") == []
    [sold] = read(admin, "payments", status="paid")
    assert read(admin, "payments", status="failed") == []
    assert (sold["amount"], sold["currency"]) == ("5.00", "EUR")
    assert len(read(admin, "payments/inbox", status="failed")) == 1
    assert read(admin, "payments/inbox", status="done") == []


def test_cells_are_plain_values(school: dict[str, object], admin: Browser, act: Act) -> None:
    course = act(a_course, '=HYPERLINK("http://x")', price_cents=1230, currency="kwd")
    student = act(a_student, "@SUM(1)")
    act(a_request, student, course, "=cmd|' /C calc'!A0")
    [row] = read(admin, "requests", course=course)
    assert row["course_title"] == '\'=HYPERLINK("http://x")'
    assert row["student_name"] == "'@SUM(1)"
    assert row["message"] == "'=cmd|' /C calc'!A0"
    assert datetime.fromisoformat(row["requested_at"]).utcoffset() == timedelta(0)
    assert row["place_in_line"] == ""
    [sold] = read(admin, "courses", q="HYPERLINK")
    assert (sold["price"], sold["currency"], sold["is_public"]) == ("1.230", "KWD", "no")
    [course_row] = read(admin, f"students/{school['student_id']}/courses")[:1]
    assert "direct" in course_row["sources"] or "admin" in course_row["sources"]
    [change] = read(admin, f"sync/runs/{school['run_id']}")
    assert (change["before"], change["after"]) == ('{"progress": 5}', "")


def test_times_are_by_the_clocks_of_the_school_whoever_exports(
    school: dict[str, object], app: Flask, admin: Browser, sql: Sql
) -> None:
    sql("UPDATE access_requests SET created_at = '2026-07-03 12:30:00'")
    app.config["SCHOOL_TIME_ZONE"] = "Pacific/Auckland"
    [row, *_] = read(admin, "requests")
    assert row["requested_at"] == "2026-07-04T00:30:00+12:00"
    sql(f"UPDATE users SET time_zone = 'America/New_York' WHERE id = {admin.user_id}")
    assert read(admin, "requests")[0]["requested_at"] == row["requested_at"]


def test_all_rows_are_exported_by_as_many_statements(
    *, admin: Browser, act: Act, sql: Sql, statements: Statements
) -> None:
    course = act(a_course)
    numbers = []
    for many in (1, 1201):
        sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :many)"
            " INSERT INTO users (email, name, password_hash, role, is_active, created_at)"
            " SELECT 'n' || :many || '-' || i || '@x.org', 'N ' || i, '', 'student', TRUE,"
            f" '{_TIME}' FROM n",
            many=many,
        )
        sql(
            "INSERT INTO access_requests (student_id, course_id, status, message, created_at)"
            f" SELECT id, :course, 'pending', '', '{_TIME}' FROM users u WHERE role = 'student'"
            " AND NOT EXISTS (SELECT 1 FROM access_requests r WHERE r.student_id = u.id)",
            course=course,
        )
        with statements() as sent:
            students, requests = read(admin, "students"), read(admin, "requests")
        numbers.append(len(sent))
        assert len({row["id"] for row in students}) == len({row["id"] for row in requests})
    assert len(requests) == 1202
    assert numbers[0] == numbers[1]


def test_every_finding_is_exported_and_not_a_sample(admin: Browser, act: Act, sql: Sql) -> None:
    course = act(a_course, chapters=1)
    students = [act(a_student, f"Lee {number}") for number in range(13)]
    for student in students:
        act(enrollment.enroll, student, course, by=admin.user_id)
    sql("DELETE FROM access_sources")
    found = [row for row in read(admin, "sync/findings") if row["kind"] == "access_without_source"]
    assert sorted(row["student_name"] for row in found) == sorted(f"Lee {n}" for n in range(13))
    assert {row["course_title"] for row in found} == {"Algebra"}
    [one] = read(admin, "sync/findings", student=students[0])
    assert int(one["student_id"]) == students[0]


@pytest.mark.usefixtures("few_in_memory")
def test_an_export_keeps_few_rows_in_memory(admin: Browser, sql: Sql) -> None:
    sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)"
        " INSERT INTO audit_entries (at, action, reason, details)"
        f" SELECT '{_TIME}', 'request.made', 'Because of this and that and many other things.',"
        " '{}' FROM n"
    )
    tracemalloc.start()
    try:
        answer = admin.get("/admin/audit.csv", buffered=False)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    answer.close()
    assert answer.content_length is not None
    assert answer.content_length > 3_000_000
    assert peak < answer.content_length


def test_nothing_stays_on_the_disk(
    admin: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    answer = admin.get("/admin/students.csv")
    [file] = tmp_path.iterdir()
    assert file.stat().st_mode & 0o077 == 0
    assert answer.data.startswith(b"id,name")
    answer.close()
    admin.head("/admin/students.csv").close()
    assert list(tmp_path.iterdir()) == []
