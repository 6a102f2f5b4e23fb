"""The school's logo: chosen by an admin, seen by everybody, on certificates as well."""

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO

import pytest
from flask import Flask
from PIL import Image
from pypdf import PdfReader
from urllib3.filepost import encode_multipart_formdata
from werkzeug.test import TestResponse

from lms import create_app, enrollment
from lms.db import at, db, now
from lms.files import store
from lms.files.taking import NO_PICTURE, TOO_LARGE
from tests import databases
from tests.builders import a_chapter, a_public_course
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act
from tests.web.pages import error_at, text_of

PAGE, SENT = "/admin/settings", "/admin/settings/logo"


def _a_picture(form: str = "PNG", size: tuple[int, int] = (300, 150), color: str = "red") -> bytes:
    kept = BytesIO()
    Image.new("RGB", size, color).save(kept, form)
    return kept.getvalue()


def _address(page: str) -> str:
    return page.partition('class="school-logo" src="')[2].partition('"')[0]


def test_a_logo_is_beside_the_name_for_everybody_and_in_all_workers_at_once(
    app: Flask, admin: Browser, student: Browser, database_url: str
) -> None:
    elsewhere = create_app(databases.settings(database_url))
    other = Browser(elsewhere)
    other.sign_in("ada@example.org")
    assert "school-logo" not in other.get("/profile").text
    answer = admin.send_file(SENT, _a_picture(size=(2_000, 1_000)), "logo.png")
    assert (answer.status_code, answer.location) == (303, f"{PAGE}#logo")
    address = _address(admin.get(PAGE).text)
    shown = f'src="{address}" alt="" width="512" height="256"'
    visitor = Browser(app)
    for page in ("/login", "/legal/accessibility", "/certificates", "/nowhere"):
        assert shown in visitor.get(page).text
    assert shown in student.get("/student/dashboard").text
    assert shown in other.get("/profile").text
    assert admin.send_form(f"{SENT}/remove").status_code == 303
    assert "school-logo" not in other.get("/profile").text
    assert visitor.get(address).status_code == 404
    with elsewhere.app_context():
        db.engine.dispose()


def test_a_logo_is_kept_for_good_by_whoever_has_seen_it(
    app: Flask, admin: Browser, student: Browser
) -> None:
    admin.send_file(SENT, _a_picture(), "logo.png")
    address = _address(admin.get(PAGE).text)
    for browser in (Browser(app), student):
        answer = browser.get(address)
        assert (answer.status_code, answer.mimetype) == (200, "image/png")
        assert Image.open(BytesIO(answer.data)).size == (300, 150)
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert "Set-Cookie" not in answer.headers
        again = browser.get(address, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
    assert Browser(app).get(f"/logo/{'0' * 64}").status_code == 404
    assert Browser(app).get("/logo/../../etc/passwd").status_code == 404


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", NO_PICTURE),
        (b"%PDF-1.7 ", NO_PICTURE),
        (b"words", NO_PICTURE),
        (b"\x89PNG\r\n\x1a\n" + bytes(20_000_000), TOO_LARGE),
        (_a_picture()[:60], "The picture is damaged."),
    ],
    ids=["svg", "pdf", "text", "20 MB", "damaged"],
)
def test_what_is_no_logo_is_refused_at_its_field_and_the_one_before_stays(
    admin: Browser, sql: Sql, content: bytes, said: str
) -> None:
    admin.send_file(SENT, _a_picture(), "logo.png")
    before = sql("SELECT * FROM school_settings")
    answer = admin.send_file(SENT, content, "logo.png")
    assert answer.status_code == 422
    assert said in error_at(answer.text, "file")
    assert answer.text.count('class="field-error"') == 1
    assert sql("SELECT * FROM school_settings") == before
    assert admin.send_form(SENT).status_code == 422


@pytest.mark.parametrize("form", ["GIF", "WEBP", "AVIF"])
def test_other_pictures_become_one_that_certificates_can_show(
    app: Flask, admin: Browser, form: str
) -> None:
    admin.send_file(SENT, _a_picture(form), "logo")
    answer = Browser(app).get(_address(admin.get(PAGE).text))
    assert (answer.mimetype, answer.data[:4]) == ("image/png", b"\x89PNG")


def test_the_trail_says_who_chose_a_logo_and_the_same_again_is_no_change(
    admin: Browser, sql: Sql
) -> None:
    for _ in range(2):
        admin.send_file(SENT, _a_picture(), "logo.png")
    admin.send_form(f"{SENT}/remove")
    admin.send_form(f"{SENT}/remove")
    found = sql("SELECT actor_name FROM audit_entries WHERE action = 'school.changed'")
    assert found == [("Ada Admin",), ("Ada Admin",)]
    assert "Logo: none → " in text_of(admin.get("/admin/audit").text)


def test_a_logo_outlives_a_change_of_the_other_settings(admin: Browser) -> None:
    admin.send_file(SENT, _a_picture(), "logo.png")
    page = admin.get(PAGE).text
    seen = page.partition('name="seen" value="')[2].partition('"')[0]
    sent = admin.send_form(PAGE, seen=seen, name="Hill School", registration="open")
    assert sent.status_code == 303
    assert _address(admin.get(PAGE).text) == _address(page)


def test_a_logo_costs_no_statement(admin: Browser, cost: Callable[[], int]) -> None:
    cost()
    before = cost()
    admin.send_file(SENT, _a_picture(), "logo.png")
    cost()
    assert cost() == before


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_certificate_shows_the_logo_and_stays_the_same_to_the_byte(
    admin: Browser, student: Browser, act: Act, form: str
) -> None:
    course = act(a_public_course, "Botany")
    chapter = act(a_chapter, course)
    act(enrollment.enroll_directly, student.user_id, course)
    act(enrollment.complete_chapter, student.user_id, chapter)

    def drawn() -> tuple[str, bytes]:
        answer = student.get(f"/student/courses/{course}/certificate")
        assert answer.data.startswith(b"%PDF")
        return answer.headers["ETag"], answer.data

    plain = drawn()
    admin.send_file(SENT, _a_picture(form), "logo")
    with_logo = drawn()
    [page] = PdfReader(BytesIO(with_logo[1])).pages
    assert [image.image and image.image.size for image in page.images] == [(300, 150)]
    assert drawn() == with_logo
    assert with_logo[0] != plain[0]
    act(lambda: store.place(_address(admin.get(PAGE).text).rpartition("/")[2]).write_bytes(b"x"))
    assert drawn() == plain
    admin.send_form(f"{SENT}/remove")
    assert drawn() == plain


def test_a_logo_asks_for_a_proof_of_lately_and_is_not_lost_in_silence(
    admin: Browser, sql: Sql
) -> None:
    admin.send_file(SENT, _a_picture(), "logo.png")
    before = sql("SELECT * FROM school_settings")
    with at(now() + timedelta(minutes=11)):
        assert admin.send_file(SENT, _a_picture(color="blue"), "logo.png").status_code == 403
        assert admin.send_form(f"{SENT}/remove").status_code == 403
    assert sql("SELECT * FROM school_settings") == before
    without_file = admin.send_form(SENT)  # what a browser sends on, once the proof is given
    assert without_file.status_code == 422
    assert "Choose a picture." in error_at(without_file.text, "file")


UNSAVED = "Your other changes aren't saved yet."


def _seen(page: str) -> str:
    return page.partition('name="seen" value="')[2].partition('"')[0]


def _send(admin: Browser, content: bytes, **typed: str) -> TestResponse:
    """Press *Save logo* as a browser does: with all that the form holds."""
    fields: dict[str, str | tuple[str, bytes]] = {
        "csrf_token": admin.csrf_token(),
        "registration": "open",
        **typed,
        "file": ("logo.png" if content else "", content),
    }
    body, kind = encode_multipart_formdata(fields)
    return admin.post(SENT, data=body, content_type=kind)


def test_what_is_typed_into_the_settings_outlives_the_buttons_of_the_logo(
    admin: Browser, sql: Sql
) -> None:
    page = admin.get(PAGE).text
    assert text_of(page).count(UNSAVED) == 0
    typed = {"terms": "Be kind.\r\nAlways.", "name": "", "currency": "eur", "domains": ""}
    for content, said in ((b"words", NO_PICTURE), (b"", "Choose a picture."), (_a_picture(), "")):
        answer = _send(admin, content, seen=_seen(page), **typed)
        assert answer.status_code == (422 if said else 200)
        assert said in error_at(answer.text, "file")
        assert UNSAVED in text_of(answer.text)
        assert "Be kind.\nAlways.</textarea>" in answer.text
    assert "Logo saved." in answer.text
    assert _address(answer.text)
    assert sql("SELECT terms FROM school_settings") == [(None,)]
    removed = admin.send_form(
        f"{SENT}/remove", seen=_seen(answer.text), registration="open", **typed
    )
    assert "Be kind.\nAlways.</textarea>" in removed.text
    assert "Logo removed." in removed.text
    assert not _address(removed.text)
    saved = admin.send_form(PAGE, seen=_seen(removed.text), registration="open", **typed)
    assert saved.status_code == 303
    assert sql("SELECT terms FROM school_settings") == [("Be kind.\nAlways.",)]


def test_a_logo_alone_leads_back_to_the_page(admin: Browser) -> None:
    admin.send_form(
        PAGE, seen="0", registration="domains", domains="b.example, a.example", offer_days="3"
    )
    page = admin.get(PAGE).text
    answer = _send(
        admin,
        _a_picture(),
        seen=_seen(page),
        registration="domains",
        domains="b.example, a.example",
        offer_days="3",
    )
    assert (answer.status_code, answer.location) == (303, f"{PAGE}#logo")


def test_a_logo_hides_no_change_of_another_admin(admin: Browser, act: Act) -> None:
    seen = _seen(admin.get(PAGE).text)
    act(enrollment.change_settings, {"name": "Hill School"}, seen=int(seen), by=admin.user_id)
    answer = _send(admin, _a_picture(), seen=seen, name="Mill School")
    assert 'value="Mill School"' in answer.text
    again = {"seen": _seen(answer.text), "registration": "open", "name": "Mill School"}
    refused = admin.send_form(PAGE, **again)
    assert (refused.status_code, "Hill School" in text_of(refused.text)) == (409, True)


def test_settings_saved_with_a_logo_that_was_chosen_say_that_it_is_not(admin: Browser) -> None:
    seen = _seen(admin.get(PAGE).text)
    admin.send_form(PAGE, seen=seen, registration="open", file="logo.png")
    assert "choose it again, and press Save logo" in admin.get(PAGE).text
