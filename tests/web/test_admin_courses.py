"""Courses as admins write them."""

import pytest
from flask import Flask

from lms import enrollment
from lms.models.catalog import COURSE_FIELDS
from lms.web.admin.course_form import CourseForm
from tests.builders import (
    a_chapter,
    a_course,
    a_course_open_to_all,
    a_public_course,
    a_request,
    a_student,
)
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act
from tests.web.pages import error_at, text_of

ALGEBRA = {
    "title": " Linear  Algebra ",
    "description": "Vectors.",
    "status": " PUBLished ",
    "price": "49.90",
    "currency": "EUR",
    "capacity": "12",
}


def test_the_list_shows_kind_seats_and_who_waits(admin: Browser, act: Act) -> None:
    course = act(a_course, "Algebra", capacity=2)
    act(enrollment.enroll, act(a_student), course, by=admin.user_id)
    act(a_request, act(a_student), course)
    act(a_course, "Money", price_cents=4900)
    act(a_public_course, "Botany", status="draft")
    page = admin.get("/admin/courses").text
    for text in ("By request", "€49.00", "Open enrollment", "1 left", " waiting for Algebra"):
        assert text in page
    drafts = admin.get("/admin/courses?status=draft").text
    assert "Botany" in drafts
    assert "Algebra" not in drafts
    assert "No course matches" in admin.get("/admin/courses?q=%25").text


def test_a_seat_that_an_offer_holds_is_not_left(admin: Browser, act: Act) -> None:
    sold = {"price_cents": 4900, "requires_approval": True, "is_public": True}
    course = act(a_course, "Bread", capacity=2, **sold)
    act(a_course, "Botany", is_public=True, requires_approval=True)
    act(enrollment.approve, act(a_request, act(a_student), course), by=admin.user_id)
    told = text_of(admin.get("/admin/courses").text)
    assert "0 of 2 1 held, 1 left" in told
    assert "€49.00, after approval" in told
    assert "Open enrollment" not in told
    answer = admin.send_form(f"/admin/courses/{course}", **{**ALGEBRA, "capacity": "0"})
    assert "Allow at least 1, or unenroll students or withdraw offers first." in answer.text


def test_a_course_is_created_with_its_price_in_minor_units(admin: Browser, sql: Sql) -> None:
    assert "New course" in admin.get("/admin/courses/new").text
    answer = admin.send_form("/admin/courses/new", **ALGEBRA)
    assert answer.status_code == 303
    assert sql("SELECT title, status, is_public, price_cents, currency, capacity FROM courses") == [
        ("Linear Algebra", "published", False, 4990, "eur", 12)
    ]
    assert admin.get(answer.location).status_code == 200


def test_a_course_has_a_code_and_takes_promotion_codes(admin: Browser, sql: Sql) -> None:
    typed = {**ALGEBRA, "code": "MATH-101", "allows_promotion_codes": "y"}
    shown = admin.send_form("/admin/courses/new", **typed)
    [course] = sql("SELECT id, code, allows_promotion_codes FROM courses")
    assert (course.code, bool(course.allows_promotion_codes)) == ("MATH-101", True)
    shown = admin.send_form("/admin/courses/new", **typed)
    assert shown.status_code == 422
    assert "Another course has this code." in shown.text
    untouched = {key: value for key, value in typed.items() if key != "allows_promotion_codes"}
    admin.send_form(f"/admin/courses/{course.id}", **untouched)
    [course] = sql("SELECT id, code, allows_promotion_codes FROM courses")
    assert (course.code, bool(course.allows_promotion_codes)) == ("MATH-101", False)


def test_the_list_shows_codes_and_finds_courses_by_them(admin: Browser, act: Act) -> None:
    act(a_course, "Algebra", code="MATH-101")
    act(a_course, "Botany")
    found = text_of(admin.get("/admin/courses?q=math-101").text)
    assert "Algebra MATH-101" in found
    assert "Botany" not in found


def test_a_course_in_a_currency_without_cents(admin: Browser, sql: Sql) -> None:
    admin.send_form("/admin/courses/new", **{**ALGEBRA, "price": "2800", "currency": "jpy"})
    assert sql("SELECT price_cents, currency FROM courses") == [(2800, "jpy")]


def test_a_course_that_cannot_be_comes_back_with_the_fault_at_its_field(
    admin: Browser, act: Act, sql: Sql
) -> None:
    course = act(a_course, "Before")
    for fault, field in (
        ({"title": " "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": "\x00"}, "title"),
        ({"status": "secret"}, "status"),
        ({"price": "free"}, "price"),
        ({"price": "-1"}, "price"),
        ({"price": "NaN"}, "price"),
        ({"price": "Infinity"}, "price"),
        ({"price": "1e9"}, "price"),
        ({"price": "49.999"}, "price"),
        ({"price": ""}, "price"),
        ({"currency": "euro"}, "currency"),
        ({"currency": "1 2"}, "currency"),
        ({"capacity": "-1"}, "capacity"),
        ({"capacity": "many"}, "capacity"),
        ({"capacity": "9" * 30}, "capacity"),
        ({"is_default_unlocked": "y"}, "capacity"),
    ):
        typed = {**ALGEBRA, **fault}
        for address in ("/admin/courses/new", f"/admin/courses/{course}"):
            answer = admin.send_form(address, **typed)
            assert answer.status_code == 422, (fault, address)
            assert f'id="{field}-error"' in answer.text, (fault, address)
            assert "Not a valid decimal" not in answer.text, (fault, address)
            assert "Not a valid integer" not in answer.text, (fault, address)
            assert "Vectors." in answer.text
    assert sql("SELECT title FROM courses") == [("Before",)]


def test_a_course_is_edited(admin: Browser, act: Act, sql: Sql) -> None:
    course = act(a_course, "Before", price_cents=4990)
    address = f"/admin/courses/{course}"
    assert 'value="49.90"' in admin.get(address).text
    assert admin.send_form(address, **ALGEBRA).location == address
    assert sql("SELECT title, capacity FROM courses") == [("Linear Algebra", 12)]


@pytest.mark.parametrize(
    ("price", "currency", "accepted"),
    [
        ("1000000", "eur", "from €0.50 to €999,999.99 in steps of €0.01"),
        ("1e9", "jpy", "from ¥50 to ¥99,999,999 in steps of ¥1"),
        ("9.9990", "usd", "from $0.50 to $999,999.99 in steps of $0.01"),
        ("0.30", "usd", "from $0.50"),
        ("-1", "usd", "from $0.50"),
        ("49", "jpy", "from ¥50"),
        ("1.005", "kwd", "to KWD 99,999.990 in steps of KWD 0.010"),
        ("10.50", "isk", "in steps of ISK 1.00"),
        ("1000.50", "UGX", "in steps of UGX 1.00"),
    ],
)
def test_a_price_that_stripe_never_charges_is_refused_and_says_which_ones_it_does(
    admin: Browser, sql: Sql, price: str, currency: str, accepted: str
) -> None:
    typed = {**ALGEBRA, "price": price, "currency": currency}
    answer = admin.send_form("/admin/courses/new", **typed)
    assert answer.status_code == 422
    assert accepted in error_at(answer.text, "price")
    assert f'value="{price}"' in answer.text
    assert sql("SELECT 1 FROM courses") == []


def test_a_currency_in_which_nothing_can_be_sold_is_refused_at_its_field(
    admin: Browser, sql: Sql
) -> None:
    answer = admin.send_form("/admin/courses/new", **{**ALGEBRA, "currency": "XXX"})
    assert answer.status_code == 422
    assert "Stripe doesn't accept XXX. Enter another currency" in error_at(answer.text, "currency")
    assert sql("SELECT 1 FROM courses") == []


def test_seats_below_those_enrolled_are_refused(admin: Browser, act: Act) -> None:
    course = act(a_course)
    students = [act(a_student) for _ in range(2)]
    for student in students:
        act(enrollment.enroll, student, course, by=admin.user_id)
    for capacity, words in (
        ("1", "2 students are enrolled. Allow at least 2"),
        ("0", "1 student is enrolled. Allow at least 1"),
    ):
        answer = admin.send_form(f"/admin/courses/{course}", **{**ALGEBRA, "capacity": capacity})
        assert answer.status_code == 422
        assert words in answer.text
        act(enrollment.unenroll, students.pop(), course, by=admin.user_id)


def test_closing_a_course_asks_first_how_many_may_lose_it(
    admin: Browser, act: Act, sql: Sql
) -> None:
    course = act(a_course_open_to_all)
    students = [act(a_student) for _ in range(3)]
    act(enrollment.enroll, students[0], course, by=admin.user_id)
    closed = {**ALGEBRA, "is_public": "y"}
    address = f"/admin/courses/{course}"

    preview = admin.send_form(address, **closed)
    assert preview.status_code == 200
    assert "2 students have access only because" in preview.text
    assert sql("SELECT count(*) FROM enrollments") == [(3,)]
    for name, value in (("title", "Linear Algebra"), ("price", "49.90"), ("is_public", "y")):
        assert f'name="{name}" value="{value}"' in preview.text

    act(a_student)  # whoever came meanwhile was not in the number that was confirmed
    assert "3 students have" in admin.send_form(address, **closed, confirmed="2").text
    assert admin.send_form(address, **closed, confirmed="3").status_code == 303
    assert sql("SELECT user_id FROM enrollments") == [(students[0],)]


def test_a_course_is_archived(admin: Browser, act: Act, sql: Sql) -> None:
    course = act(a_course)
    assert admin.send_form(f"/admin/courses/{course}/archive").status_code == 303
    assert sql("SELECT status FROM courses") == [("archived",)]
    assert ">Archive<" not in admin.get(f"/admin/courses/{course}").text


def test_deleting_a_course_counts_what_goes_and_asks_for_its_title(
    admin: Browser, act: Act, sql: Sql
) -> None:
    course = act(a_course, "Algebra", chapters=1)
    ada, bob = act(a_student), act(a_student)
    act(enrollment.enroll, ada, course, by=admin.user_id)
    act(enrollment.complete_chapter, ada, sql("SELECT id FROM chapters")[0].id)
    act(a_request, bob, course)
    sql("INSERT INTO payments (course_id, amount_cents) VALUES (:course, 5)", course=course)
    address = f"/admin/courses/{course}/delete"
    preview = admin.get(address).text
    assert "archive it instead" in preview
    act(enrollment.archive_course, course, by=None)
    preview = admin.get(address).text
    assert "archive it instead" not in preview
    for text in (
        "1 enrollment with",
        "the course with 1 chapter and 1 completion<",
        "1 waiting request<",
        "1 payment ",
    ):
        assert text in preview

    for title in ("", "algebra", "Botany"):
        answer = admin.send_form(address, title=title)
        assert answer.status_code == 422
        assert 'id="title-error"' in answer.text
    assert sql("SELECT count(*) FROM courses") == [(1,)]

    assert admin.send_form(address, title=" Algebra ").location == "/admin/courses"
    assert sql("SELECT * FROM courses") == []
    assert sql("SELECT course_id, course_title FROM payments") == [(None, "Algebra")]
    assert "Algebra" in admin.get("/admin/payments").text


@pytest.mark.parametrize(("status", "is_said"), [("paid", True), ("refunded", False)])
def test_deleting_a_course_says_what_becomes_of_the_money(
    admin: Browser, act: Act, sql: Sql, status: str, *, is_said: bool
) -> None:
    course = act(a_course)
    sql(
        "INSERT INTO payments (course_id, user_email, amount_cents, status)"
        " VALUES (:course, 'ada@example.org', 4900, :status)",
        course=course,
        status=status,
    )
    preview = text_of(admin.get(f"/admin/courses/{course}/delete").text)
    assert "1 payment and the audit trail are kept" in preview
    said = (
        "Payments that give access aren't refunded, but are marked for review."
        " Each buyer is notified."
    )
    assert (said in preview) == is_said


def test_the_form_promises_of_a_draft_what_is_true_of_it(
    admin: Browser, student: Browser, act: Act
) -> None:
    page = text_of(admin.get("/admin/courses/new").text)
    assert "Drafts aren't in the catalog." in page
    assert (
        "While the course is published or active, every student is enrolled automatically" in page
    )
    for told in ("Only admins see drafts", "now and later"):
        assert told not in page
    open_to_all = {**ALGEBRA, "capacity": "", "is_default_unlocked": "y", "status": "draft"}
    answer = admin.send_form("/admin/courses/new", **open_to_all)
    course = int(str(answer.location).rsplit("/", 1)[1])
    assert student.get(f"/student/courses/{course}").status_code == 404
    act(enrollment.enroll, student.user_id, course, by=admin.user_id)
    assert student.get(f"/student/courses/{course}").status_code == 200


def test_a_deletion_that_takes_nothing_along_lists_nothing_else(admin: Browser, act: Act) -> None:
    course, student = act(a_course, "Empty"), act(a_student, "Ada")
    chapter = act(a_chapter, course)
    preview = admin.get(f"/admin/courses/{course}/chapters/{chapter}/delete").text
    assert "Its text is deleted." in preview
    assert "is recalculated" not in preview
    act(enrollment.delete_chapter, chapter, by=admin.user_id)
    for address in (f"/admin/courses/{course}/delete", f"/admin/students/{student}/delete"):
        preview = admin.get(address).text
        assert preview.count("<li>the ") == 1
        assert "<li>no " not in preview


def test_all_that_is_wrong_with_a_course_is_told_at_once(admin: Browser, sql: Sql) -> None:
    for wrong in (
        {"title": "", "currency": "XXX", "price": "free", "capacity": "many"},
        {"title": "", "teacher": "\u202e", "currency": "XXX", "code": "x" * 200},
        {"title": "", "currency": "euro", "price": "1e9"},
    ):
        answer = admin.send_form("/admin/courses/new", **{**ALGEBRA, **wrong})
        assert answer.status_code == 422
        assert answer.text.count('class="field-error"') == len(wrong), wrong
        assert all(error_at(answer.text, field) for field in wrong), wrong
    answer = admin.send_form("/admin/courses/new", **{**ALGEBRA, "currency": "XXX", "price": "1e9"})
    assert error_at(answer.text, "price") == "Enter a price, such as 49.00."
    assert sql("SELECT id FROM courses") == []


def test_a_price_is_exact_to_the_cent(admin: Browser, sql: Sql) -> None:
    for price, cents in (("0.5", 50), ("1.10", 110), ("19.99", 1999), ("999999.99", 99999999)):
        admin.send_form("/admin/courses/new", **{**ALGEBRA, "title": price, "price": price})
        assert sql("SELECT price_cents FROM courses WHERE title = :price", price=price) == [
            (cents,)
        ]


def test_the_form_holds_every_field_of_a_course(app: Flask) -> None:
    """One that it lacked would be set back to its default by each edit."""
    with app.test_request_context():
        names = {field.name for field in CourseForm()}
    assert set(COURSE_FIELDS) - names == {"price_cents"}  # typed as `price`, in whole units


def test_a_seat_that_is_held_is_not_left(admin: Browser, act: Act, sql: Sql) -> None:
    course = act(a_course, "Bread", price_cents=4900, requires_approval=True, capacity=2)
    act(enrollment.enroll, act(a_student), course, by=admin.user_id)
    request = act(a_request, act(a_student), course)
    assert "1 of 2 1 left" in text_of(admin.get("/admin/courses").text)
    act(enrollment.approve, request, by=admin.user_id)
    assert "1 of 2 1 held, full" in text_of(admin.get("/admin/courses").text)
    assert "Held by offers 1" in text_of(admin.get(f"/admin/courses/{course}").text)
    assert "1 open offer" in text_of(admin.get(f"/admin/courses/{course}/delete").text)
    admin.send_form(f"/admin/courses/{course}/delete", title="Bread")
    assert sql("SELECT id FROM courses") == []
    actions = [row.action for row in sql("SELECT action FROM audit_entries")]
    assert actions.count("offer.withdrawn") == 1


def test_nobody_joins_by_themselves_what_asks_for_approval(admin: Browser, act: Act) -> None:
    course = act(a_public_course, "Botany", requires_approval=True)
    student = act(a_student)
    act(enrollment.enroll, student, course, by=admin.user_id)
    assert "Open enrollment" not in text_of(admin.get("/admin/courses").text)
    unenroll = admin.get(f"/admin/students/{student}/courses/{course}/unenroll").text
    assert "has open enrollment" not in unenroll
