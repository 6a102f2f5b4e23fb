"""Inviting students: one by name and address, and again whoever has not accepted yet."""

from collections import Counter

from flask import flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from lms import enrollment
from lms.enrollment.invitations import Outcome
from lms.enrollment.people import normalize_email
from lms.queries.admin import invitations as invited
from lms.queries.admin.invitations import InvitedStudent
from lms.refusals import EmailTaken, Invalid, RateLimited
from lms.texts import counted
from lms.web.addresses import mailed
from lms.web.admin.blueprint import bp, live
from lms.web.admin.filters import addresses, ids, listed
from lms.web.admin.forms import InvitationForm
from lms.web.admin.spreadsheets import export
from lms.web.errors import too_many
from lms.web.forms import refuse, search_text, status_of, way_back
from lms.web.invitations import invite
from lms.web.session import person


@bp.get("/invitations")
@live("people")
def invitations() -> str:
    """List who has not accepted yet, with a form to invite somebody."""
    return _page(InvitationForm(formdata=None))


@bp.get("/invitations.csv")
def invitations_csv() -> Response:
    """Export who has not accepted yet."""
    return export("invitations", InvitedStudent, lambda: invited.every_invited(q=search_text()))


@bp.post("/invitations")
def invite_student() -> Response:
    """Add a student by the admin's word, who chooses a password by e-mail."""
    form = InvitationForm()
    if not form.validate():
        return make_response(_page(form), status_of(form))
    mailed("auth.login")  # refuses where no link could be sent, before anything is changed
    email, name = str(form.email.data), str(form.name.data)
    known = None
    try:
        enrollment.invite_student(email=email, name=name, by=person().id, invite=invite())
    except Invalid as refusal:
        refuse(form, refusal)
        if isinstance(refusal, EmailTaken):
            known = invited.student_with(normalize_email(email))
        return make_response(_page(form, known), 422)
    except RateLimited as refusal:
        form.form_errors.append(refusal.detail)
        return too_many(_page(form), refusal)
    flash(f"Invited {name}. The link is on its way to {email}.", "success")
    return redirect(url_for("admin.invitations"), 303)


@bp.post("/invitations/again")
def invite_again() -> Response:
    """Mail a new link to the student whose button was pressed, or to all that are ticked."""
    back = redirect(way_back(url_for("admin.invitations")), 303)
    # A row's own button; the ticked rows are not meant.
    students = ids(request.form.getlist("again") or request.form.getlist("ids"))
    if not students:
        flash("Select at least one student first.", "info")
        return back
    mailed("auth.login")
    _say(enrollment.invite_again(students, by=person().id, invite=invite()))
    return back


def _say(outcomes: Counter[Outcome]) -> None:
    if outcomes["sent"]:
        flash(f"{counted(outcomes['sent'], 'invitation')} sent.", "success")
    for outcome, words in _NOT_SENT.items():
        if outcomes[outcome]:
            why = words[outcomes[outcome] > 1]
            flash(f"{counted(outcomes[outcome], 'student')} not invited: {why}", "warning")


_NOT_SENT: dict[Outcome, tuple[str, str]] = {
    "too_soon": ("they were invited less than five minutes ago. Try again later.",) * 2,
    "accepted": (
        "they already have a password.",
        "they already have passwords.",
    ),
    "closed": (
        "their account was deleted, is deactivated or isn't confirmed.",
        "their accounts were deleted, are deactivated or aren't confirmed.",
    ),
}
"""Why somebody isn't invited: of one student, and of several."""


def _page(form: InvitationForm, known: int | None = None) -> str:
    q = search_text()
    address = addresses("admin.invitations", q=q)
    found = listed(lambda page: invited.not_accepted(page=page, q=q), address)
    return render_template(
        "admin/invitations.html",
        found=found,
        rows=[(row, row.invitation) for row in found.students],
        q=q,
        address=address,
        here=address(found.page),
        form=form,
        known=known,
    )
