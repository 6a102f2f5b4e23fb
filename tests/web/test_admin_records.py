"""Payments, the audit trail, analytics and sync as admins read them."""

import csv
import io
import re
from html import unescape

from lms import accounts, enrollment
from lms.models.payment_status import STATUSES
from lms.queries.analytics.outcomes import MOST_COURSES
from tests.builders import a_course, a_public_course, a_request, a_student
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act, AddPerson
from tests.web.pages import text_of

PAY = (
    "INSERT INTO payments"
    " (user_id, user_email, course_id, course_title, amount_cents, currency, status, paid_at)"
    " VALUES (:user, :email, :course, :title, :cents, :currency, :status, :at)"
)


def pay(sql: Sql, **fields: object) -> None:
    payment = {
        "user": None,
        "email": "gone@example.org",
        "course": None,
        "title": "Gone course",
        "cents": 4900,
        "currency": "eur",
        "status": "paid",
        "at": "2026-03-05 10:00:00",
    }
    sql(PAY, **{**payment, **fields})


def test_payments_stay_readable_without_student_and_course(admin: Browser, sql: Sql) -> None:
    pay(sql)
    page = admin.get("/admin/payments").text
    for text in ("gone@example.org", "No account", "Gone course", "No course", "€49.00"):
        assert text in page


def test_payments_are_filtered_by_state_and_searched(admin: Browser, act: Act, sql: Sql) -> None:
    pay(sql, title="Algebra")
    pay(sql, title="Botany", status="needs_review", email="eve@example.org")
    student = act(a_student, email="zoe@example.org")
    pay(sql, title="Chess", status="failed", user=student, email="")
    review = admin.get("/admin/payments?status=needs_review").text
    assert "Botany" in review
    assert "Algebra" not in review
    assert "Needs review (1)" in review
    assert "Botany" in admin.get("/admin/payments?q=eve").text
    assert "Chess" in admin.get("/admin/payments?q=ZOE").text
    course = act(a_course, "Zoölogy")
    pay(sql, title="", course=course, cents=7700)
    pay(sql, title="Alchemy", course=course, cents=8800)
    for q, shown, hidden in (("zoology", "€77.00", "€88.00"), ("ALCHemy", "€88.00", "€77.00")):
        page = admin.get(f"/admin/payments?q={q}").text
        assert shown in page
        assert hidden not in page
    assert "No payment matches" in admin.get("/admin/payments?q=%25").text


def test_every_status_of_a_payment_has_its_look_and_its_filter(admin: Browser, sql: Sql) -> None:
    for status in STATUSES:
        pay(sql, status=status)
    page = admin.get("/admin/payments").text
    for status, known in STATUSES.items():
        label = status.replace("_", " ").capitalize()
        assert f"{label} (1)" in page
        assert re.search(rf'status-{known.tone}"><svg [^>]*><path d="M[^>]*></svg>{label}<', page)
    assert f"{len(STATUSES)} payments" in page


def test_the_trail_is_filtered(admin: Browser, act: Act) -> None:
    algebra, botany = act(a_course, "Algebra"), act(a_course, "Botany")
    ada, bob = act(a_student, "Ada L."), act(a_student, "Bob R.")
    act(enrollment.enroll, ada, algebra, by=admin.user_id, reason="For Ada")
    act(enrollment.enroll, bob, botany, by=None, reason="For Bob")

    def found(**chosen: object) -> tuple[bool, bool]:
        page = admin.get("/admin/audit", query_string=chosen).text
        return "For Ada" in page, "For Bob" in page

    assert found() == (True, True)
    assert found(student=ada) == found(course=algebra) == (True, False)
    assert found(actor=admin.user_id) == (True, False)
    assert found(actor="portal") == (False, True)
    assert found(q="bob") == found(q="botany") == (False, True)
    assert found(action="access.granted") == (True, True)
    assert found(action="course.created") == found(q="%") == (False, False)
    assert found(**{"from": "2020-01-01", "to": "2098-01-01"}) == (True, True)
    assert found(to="2020-01-01") == found(**{"from": "2098-01-01"}) == (False, False)


def test_the_trail_is_paged_by_its_last_entry(admin: Browser, act: Act) -> None:
    student = act(a_student)
    for number in range(60):
        act(enrollment.rename_user, student, f"Name {number}", by=admin.user_id)
    first = admin.get(f"/admin/audit?student={student}").text
    assert first.count('<tr id="entry-') == 50
    older = first.partition(f"/admin/audit?student={student}&amp;before=")[2].partition('"')[0]
    act(enrollment.rename_user, student, "Newest", by=admin.user_id)
    second = admin.get(f"/admin/audit?student={student}&before={older}").text
    assert second.count('<tr id="entry-') == 11
    assert "Name 9 →" in second or "→ Name 9<" in second
    assert "Newest" not in second


def test_the_trail_tells_changes_in_words(admin: Browser, act: Act, sql: Sql) -> None:
    course = act(a_course, "Algebra", chapters=1)
    admin.send_form(
        f"/admin/courses/{course}",
        title="Geometry",
        description="New",
        status="active",
        is_public="y",
        price="1",
        currency="eur",
        capacity="5",
    )
    act(enrollment.delete_chapter, sql("SELECT id FROM chapters")[0].id, by=admin.user_id)
    sql(
        "INSERT INTO audit_entries (action, details) VALUES"
        """ ('payment.new_kind', '{"before": "paid", "after": "partially_refunded"}')"""
    )
    page = admin.get("/admin/audit").text
    for words in (
        "Title: Algebra → Geometry",
        "Description changed",
        "Open enrollment: no → yes",
        "Capacity: no limit → 5",
        "Chapter deleted",
        "0 completions",
        "Payment new kind",
        "Status: paid → partially refunded",
    ):
        assert words in page


def test_the_trail_tells_prices_in_their_currencies(admin: Browser, act: Act, sql: Sql) -> None:
    course = act(a_course, "Algebra")
    for price, currency in (("49.90", "eur"), ("55", "eur"), ("3000", "jpy"), ("0", "jpy")):
        typed = {"title": "Algebra", "status": "published", "price": price, "currency": currency}
        assert admin.send_form(f"/admin/courses/{course}", **typed).status_code == 303
    sql(
        "INSERT INTO audit_entries (action, details) VALUES"
        """ ('course.edited', '{"changes": {"price_cents": [0, 700]}}')"""
    )
    told = text_of(admin.get("/admin/audit").text)
    for words in (
        "Price: free → €49.90",
        "Price: €49.90 → €55.00",
        "Price: €55.00 → ¥3,000",
        "Currency: EUR → JPY",
        "Price: ¥3,000 → free",
        "Price: 0 → 700 minor units",
    ):
        assert words in told


def test_the_trail_tells_who_was_helped_and_how(admin: Browser, act: Act) -> None:
    student = act(a_student, "Kim", email="kim@gmail")
    act(enrollment.set_email, student, "kim@gmail.example", by=None, reason="flask users set-email")
    act(accounts.set_password, student, "four unrelated words", by=admin.user_id, reason="Asked")
    for address in ("/admin/audit", f"/admin/students/{student}"):
        page = admin.get(address).text
        for words in (
            "E-mail address changed",
            "kim@gmail → kim@gmail.example",
            "flask users set-email",
            "Password set by the school",
            "Asked",
        ):
            assert words in page
        assert "unrelated" not in page


def test_the_timeline_tells_why_access_stayed(admin: Browser, act: Act, sql: Sql) -> None:
    student = act(a_student)
    sql(
        "INSERT INTO audit_entries (action, student_id, details) VALUES"
        ' (\'access.source_withdrawn\', :id, \'{"source": "payment", "remaining": ["admin"]}\')',
        id=student,
    )
    page = admin.get(f"/admin/students/{student}").text
    assert "By the portal. Bought. Remaining access: Enrolled by an admin" in page


def test_a_refund_that_cannot_be_is_not_offered_and_says_why(admin: Browser, sql: Sql) -> None:
    pay(sql)
    pay(sql, status="refunded")
    pay(sql, status="disputed")
    for payment, said in (
        (3, "while the bank&#39;s dispute is open. Respond to it in Stripe."),
        (1, "it has no payment intent in Stripe. Refund it where it was paid."),
        (2, "This payment has nothing left to refund."),
    ):
        assert admin.get(f"/admin/payments/{payment}/refund").status_code == 303
        page = admin.get(f"/admin/payments/{payment}").text
        assert said in page
        assert ">Refund<" not in page


def test_analytics_show_charts_with_their_figures(admin: Browser, act: Act, sql: Sql) -> None:
    course = act(a_public_course, "Algebra", chapters=2)
    student = act(a_student)
    act(enrollment.enroll_directly, student, course)
    act(enrollment.complete_chapter, student, sql("SELECT id FROM chapters ORDER BY id")[0].id)
    request = act(a_request, student, act(a_course, "Asked"))
    act(enrollment.reject, request, by=admin.user_id)
    pay(sql, course=course)
    pay(sql, course=course, currency="jpy", cents=2800)
    page = admin.get("/admin/analytics?from=2026-01-01&to=2026-12-31").text
    for text in (
        "€49.00",
        "¥2,800",
        "Paid in JPY",
        "From request to completion",
        "by month",
        "Gross, at agreed prices",
        "Net, before",
    ):
        assert text in page
    assert "1 in total. From Jan 2026 to Dec 2026; the highest value is 1. The table" in page
    assert "1 enrollment</title>" in page
    assert "Under 2 minutes" in page
    one = admin.get(f"/admin/analytics?course={course}").text
    assert "Completion by chapter" in one
    assert "100%" in one


def test_a_chart_of_money_says_amounts_as_other_pages_do(
    admin: Browser, act: Act, sql: Sql
) -> None:
    course = act(a_public_course, "Algebra", chapters=1)
    pay(sql, course=course, cents=7110)
    pay(sql, course=course, currency="chf", cents=1250)
    page = unescape(admin.get("/admin/analytics?from=2026-01-01&to=2026-12-31").text)
    chart = page[page.index('id="chart-paid-eur"') :].split("</figure>")[0]
    for said in (
        "<li>€80.00</li><li>€40.00</li><li>€0.00</li>",
        ": €71.10</title>",
        ">€71.10</td>",
    ):
        assert said in chart
    assert "the highest value is €71.10. The table" in chart
    assert ": CHF\N{NO-BREAK SPACE}12.50</title>" in page
    assert not re.search(r"\b71\.1\b", page)


def test_quiet_students_are_at_risk(admin: Browser, act: Act, sql: Sql) -> None:
    course = act(a_public_course, "Algebra", chapters=1)
    quiet, busy = act(a_student, "Quiet Q."), act(a_student, "Busy B.")
    for student in (quiet, busy):
        act(enrollment.enroll_directly, student, course)
    sql("UPDATE enrollments SET enrolled_at = '2026-01-01' WHERE user_id = :id", id=quiet)
    page = admin.get("/admin/analytics").text
    risk = page[page.index("Students at risk") :]
    assert "Unfinished enrollments without activity for 14 days or more: 1.<" in risk
    assert "Quiet Q." in risk
    assert "Busy B." not in risk


def test_of_many_at_risk_it_is_said_how_many_are_listed(admin: Browser, act: Act, sql: Sql) -> None:
    student = act(a_student, "Quiet Q.")
    for number in range(21):
        act(enrollment.enroll_directly, student, act(a_public_course, f"Course {number}"))
    sql("UPDATE enrollments SET enrolled_at = '2026-01-01'")
    page = admin.get("/admin/analytics").text
    assert "14 days or more: 21. The 20 that have been inactive longest are listed." in page


def test_two_admins_of_one_name_are_told_apart_in_the_trail(
    admin: Browser, add_person: AddPerson, act: Act
) -> None:
    other = add_person("ada2@example.org", name="Ada Admin", role="admin")
    student = add_person("kim@example.org", name="Kim")
    act(enrollment.deactivate_user, student, by=other)
    act(enrollment.rename_user, student, "Kim K.", by=student)
    page = admin.get("/admin/audit").text
    assert f'Ada Admin<span class="cell-sub">Admin {other}</span>' in page
    assert f'Kim<span class="cell-sub">Student {student}</span>' in page
    assert f"By Ada Admin (admin {other})" in admin.get(f"/admin/students/{student}").text
    act(enrollment.delete_user, other, by=admin.user_id)
    assert f'Ada Admin<span class="cell-sub">Deleted account {other}</span>' in (
        admin.get("/admin/audit").text
    )


def test_days_are_exported_as_csv(admin: Browser, sql: Sql) -> None:
    pay(sql)
    pay(sql, cents=150)
    pay(sql, currency="jpy", cents=2800, at="2026-03-06 23:59:59")
    answer = admin.get("/admin/analytics/days.csv?from=2026-03-05&to=2026-03-06")
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert list(csv.reader(io.StringIO(answer.text))) == [
        ["date", "time_zone", "enrollments", "completions", "requests", "paid_eur", "paid_jpy"],
        ["2026-03-05", "UTC", "0", "0", "0", "50.50", "0"],
        ["2026-03-06", "UTC", "0", "0", "0", "0.00", "2800"],
    ]


def test_a_title_in_an_export_is_never_a_formula(admin: Browser, act: Act) -> None:
    act(a_course, "=HYPERLINK(1)")
    rows = list(csv.reader(io.StringIO(admin.get("/admin/analytics/courses.csv").text)))
    assert rows[1][1] == "'=HYPERLINK(1)"


def test_sync_lists_the_latest_runs(admin: Browser, sql: Sql) -> None:
    sql(
        "INSERT INTO sync_runs (trigger, status, fixed, remaining)"
        " VALUES ('scheduled', 'finished', '{\"missing_progress\": 3}', '{}')"
    )
    page = admin.get("/admin/sync").text
    assert "Scheduled" in page
    assert '<td class="num" data-label="Changes">3</td>' in page


def test_a_long_list_of_courses_says_that_it_is_cut_and_the_export_is_not(
    admin: Browser, sql: Sql
) -> None:
    titles = [f"('Course {number}')" for number in range(MOST_COURSES)]
    sql(f"INSERT INTO courses (title) VALUES {', '.join(titles)}")
    cut = f"Current enrollments of the {MOST_COURSES} courses with the most students."
    assert cut not in admin.get("/admin/analytics").text
    sql("INSERT INTO courses (title) VALUES ('The last')")
    page = admin.get("/admin/analytics").text
    assert cut in page
    assert page.count('<tr id="figures-') == MOST_COURSES
    rows = list(csv.reader(io.StringIO(admin.get("/admin/analytics/courses.csv").text)))
    assert len(rows) == 1 + MOST_COURSES + 1
    [(last,)] = sql("SELECT id FROM courses WHERE title = 'The last'")
    assert cut not in admin.get(f"/admin/analytics?course={last}").text
