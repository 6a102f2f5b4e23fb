"""Offers by JSON and on pages: the student's own, and those that an admin takes back."""

from lms import enrollment
from tests.builders import a_course, a_request, a_student, an_admin
from tests.conftest import Sql
from tests.web.api.problems import problem
from tests.web.browser import Browser
from tests.web.conftest import Act

OFFERS = "/api/student/offers"


def an_offer(act: Act, student: int, title: str = "Bread") -> int:
    course = act(a_course, title, price_cents=4900, requires_approval=True)
    made = act(enrollment.approve, act(a_request, student, course), by=act(an_admin))
    return int(made.offer.id)


def test_a_student_lists_and_declines_their_own_offers(
    student: Browser, admin: Browser, act: Act, sql: Sql
) -> None:
    number, foreign = an_offer(act, student.user_id), an_offer(act, act(a_student), "Cake")

    [listed] = student.get(OFFERS).get_json()["offers"]
    [(course, expires_at)] = sql(
        "SELECT course_id, expires_at FROM offers WHERE id = :id", id=number
    )
    assert listed.pop("expiresAt")[:19] == str(expires_at)[:19].replace(" ", "T")
    assert listed == {
        "id": number,
        "courseId": course,
        "courseTitle": "Bread",
        "priceCents": 4900,
        "currency": "eur",
    }
    for stranger in (foreign, number + 1000, 2**70):
        refused = student.send_json("DELETE", f"{OFFERS}/{stranger}", {})
        assert problem(refused) == (404, "not_found")
    assert problem(admin.send_json("DELETE", f"{OFFERS}/{number}", {})) == (403, "forbidden")
    assert student.send_json("DELETE", f"{OFFERS}/{number}", {}).status_code == 204
    assert problem(student.send_json("DELETE", f"{OFFERS}/{number}", {})) == (404, "not_found")
    assert student.get(OFFERS).get_json() == {"offers": []}
    assert sql("SELECT id, status FROM offers ORDER BY id") == [
        (number, "declined"),
        (foreign, "open"),
    ]


def test_an_admin_withdraws_an_offer_by_json(
    student: Browser, admin: Browser, act: Act, sql: Sql
) -> None:
    number = an_offer(act, student.user_id)
    address = f"/api/admin/offers/{number}"
    assert problem(student.send_json("DELETE", address, {})) == (403, "forbidden")
    long = admin.send_json("DELETE", address, {"reason": "x" * 5000})
    assert problem(long) == (422, "invalid")
    assert admin.send_json("DELETE", address, {"reason": "Not now"}).status_code == 204
    assert sql("SELECT status FROM offers") == [("withdrawn",)]
    assert problem(admin.send_json("DELETE", address, {})) == (404, "not_found")


def test_pages_of_course_and_student_list_open_offers_to_be_withdrawn(
    student: Browser, admin: Browser, act: Act, sql: Sql
) -> None:
    number = an_offer(act, student.user_id)
    [(course,)] = sql("SELECT course_id FROM offers")
    form = f"/admin/offers/{number}/withdraw"
    pages = (f"/admin/courses/{course}", f"/admin/students/{student.user_id}")
    for page in pages:
        shown = admin.get(page).get_data(as_text=True)
        assert form in shown
        assert "€49.00" in shown
    assert "€49.00" in admin.get(form).get_data(as_text=True)
    assert admin.send_form(form, reason="x" * 5000).status_code == 422
    assert sql("SELECT status FROM offers") == [("open",)]
    assert admin.send_form(form, reason="Not now").status_code == 303
    assert sql("SELECT status FROM offers") == [("withdrawn",)]
    assert all(form not in admin.get(page).get_data(as_text=True) for page in pages)
    assert admin.get(form).status_code == 303
    assert admin.send_form(form).status_code == 303
