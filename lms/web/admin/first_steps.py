"""What a new school still needs before it can teach: a list that vanishes when all is done."""

from dataclasses import dataclass

from flask import current_app, url_for

from lms.config import lacks_for_mail, setting
from lms.queries.admin.first_steps import Beginnings, beginnings
from lms.web import stripe
from lms.web.addresses import is_mail_sent
from lms.web.admin.blueprint import bp
from lms.web.school import school

_DONE = "first_steps_done"


@dataclass(frozen=True)
class Step:
    """One thing to do, and where."""

    title: str
    text: str
    is_done: bool
    href: str = ""


@bp.app_template_global()
def first_steps() -> list[Step]:
    """Return the steps of a new school, none once each has been seen done."""
    if current_app.extensions.get(_DONE):
        return []
    steps = _steps(beginnings())
    if all(step.is_done for step in steps):
        current_app.extensions[_DONE] = True  # for good, so that no other page asks again
        return []
    return steps


def _steps(there: Beginnings) -> list[Step]:
    course = there.first_course
    new = url_for("admin.new_course")
    page = url_for("admin.course", course_id=course) if course else ""
    steps = [
        Step(
            "Add the school's details",
            "The school's name, its time zone and where people can reach you.",
            bool(school().contact),
            url_for("admin.settings"),
        ),
        Step("Create a course", "Its title, its price and how students get in.", bool(course), new),
        Step("Add a chapter", "What students read and complete.", there.has_chapter, page),
        Step(
            "Publish the course",
            "Students see a course once its status is Published or Active.",
            there.has_open_course,
            page if there.has_chapter else "",
        ),
        _mail_step(),
    ]
    if there.has_price:
        text = (
            "Whoever runs the portal has to set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET and"
            " restart it. Without Stripe, tell students how to pay under School settings."
        )
        pays = stripe.is_configured() or bool(school().how_to_pay)
        steps.append(
            Step("Let students pay", text, pays, url_for("admin.settings", _anchor="payments"))
        )
    invite = url_for("admin.invitations")
    text = "By name and e-mail address."
    return [*steps, Step("Invite a student", text, there.has_student, invite)]


_WITHOUT = {
    "MAIL_URL": "e-mails are printed in its terminal instead of being sent",
    "PUBLIC_URL": "people on a list or roster get no link to choose a password",
}
"""What a portal in development, which has other links, does without a setting."""


def _mail_step() -> Step:
    lacking = lacks_for_mail(current_app.config)
    lost = "nobody can be invited or confirm an address"
    if is_mail_sent():
        lost = ", and ".join(_WITHOUT[name] for name in lacking)
    text = (
        f"Whoever runs the portal has to set {' and '.join(lacking)} and restart it. Until then,"
        f" {lost}."
    )
    # A demo has nobody to write to, as it has nobody who pays: its Stripe is a stand-in.
    return Step("Let the portal send e-mail", text, not lacking or bool(setting("DEMO")))
