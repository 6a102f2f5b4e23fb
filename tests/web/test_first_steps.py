"""What a new school still needs: a list on the first page of admins, until all is done."""

import re

from flask import Flask

from lms import enrollment
from lms.enrollment import CourseFields
from tests.builders import a_chapter, a_course, a_student
from tests.web.browser import Browser
from tests.web.conftest import Act, Statements
from tests.web.pages import text_of

HOME = "/admin/requests"
OPEN = "Publish the course", "Let the portal send e-mail", "Invite a student"


def _steps(admin: Browser) -> dict[str, bool]:
    page = admin.get(HOME).text
    found = re.findall(r'<li class="step( is-done)?">.*?step-title">(.*?)</p>', page, re.DOTALL)
    return {text_of(title).removesuffix(" (done)"): bool(done) for done, title in found}


def test_a_step_is_done_once_the_school_has_what_it_is_about(
    app: Flask, admin: Browser, act: Act
) -> None:
    app.config.update(LMS_ENV="production", DEMO=False, MAIL_URL=None)
    steps = ["Add the school's details", "Create a course", "Add a chapter", *OPEN]
    assert _steps(admin) == dict.fromkeys(steps, False)
    assert 'href="/admin/settings">Add the school&#39;s details' in admin.get(HOME).text
    act(enrollment.change_settings, {"contact": "office@school.test"}, seen=0, by=admin.user_id)
    done = {"Add the school's details": True}
    course = act(a_course, "Botany", status="draft")
    assert _steps(admin) == {**dict.fromkeys(steps, False), **done, "Create a course": True}
    assert f'href="/admin/courses/{course}">Add a chapter' in admin.get(HOME).text
    act(a_chapter, course)
    assert [step for step, is_done in _steps(admin).items() if not is_done] == list(OPEN)
    fields = CourseFields(title="Botany", status="published", price_cents=1900, currency="usd")
    act(enrollment.edit_course, course, fields, by=None)
    left = ["Let the portal send e-mail", "Let students pay", "Invite a student"]
    assert [step for step, is_done in _steps(admin).items() if not is_done] == left
    app.config.update(MAIL_URL="smtp://mail.test", PUBLIC_URL="http://localhost")
    app.config["STRIPE_SECRET_KEY"] = "sk_test_x"
    assert [step for step, is_done in _steps(admin).items() if not is_done] == left[2:]


def test_the_list_goes_away_when_all_is_done_and_is_not_asked_for_again(
    app: Flask, admin: Browser, act: Act, statements: Statements
) -> None:
    app.config.update(MAIL_URL="smtp://mail.test", PUBLIC_URL="http://localhost")
    act(a_course, "Botany", chapters=1)
    act(enrollment.change_settings, {"contact": "office@school.test"}, seen=0, by=admin.user_id)
    with statements() as before:
        assert "First steps" in admin.get(HOME).text
    act(a_student)
    assert _steps(admin) == {}
    assert "First steps" not in admin.get(HOME).text
    with statements() as after:
        admin.get(HOME)
    assert [each for each in before if "min(courses.id)" in each.text]
    assert not [each for each in after if "min(courses.id)" in each.text]


def test_a_portal_in_development_says_what_it_lacks_for_mail(app: Flask, admin: Browser) -> None:
    title, prints, no_link = "Let the portal send e-mail", "printed in its terminal", "get no link"
    for mail, public, said, unsaid in (
        (
            None,
            None,
            f"set MAIL_URL and PUBLIC_URL and restart it. Until then, e-mails are {prints}",
            "",
        ),
        ("smtp://mail.test", None, no_link, prints),
        (None, "http://localhost", prints, no_link),
    ):
        app.config.update(DEMO=False, MAIL_URL=mail, PUBLIC_URL=public)
        assert _steps(admin)[title] is False
        page = text_of(admin.get(HOME).text)
        assert said in page
        assert not unsaid or unsaid not in page


def test_a_demo_has_nobody_to_write_to(app: Flask, admin: Browser) -> None:
    app.config.update(DEMO=True, MAIL_URL=None, PUBLIC_URL=None)
    assert _steps(admin)["Let the portal send e-mail"] is True
