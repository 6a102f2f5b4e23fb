"""People who ask to be erased: granting it, or refusing it with a reason."""

from flask import flash, redirect, render_template, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import HiddenField

from lms import enrollment
from lms.queries import erasures as wishes
from lms.queries.erasures import Wishing
from lms.refusals import ErasureChanged, Invalid
from lms.web.addresses import portal_address
from lms.web.admin.blueprint import bp, live
from lms.web.admin.forms import ReasonForm
from lms.web.admin.spreadsheets import export
from lms.web.bounds import MESSAGE_LENGTH
from lms.web.forms import long_text_field, status_of
from lms.web.session import person, require_proof


class RefusalForm(FlaskForm):
    """Why a person isn't erased, as they are told."""

    answer = long_text_field("Reason", most=MESSAGE_LENGTH, required="Enter a reason.")


class GrantForm(ReasonForm):
    """The erasure of a person whose wish, if there is one, the admin has read."""

    wish = HiddenField()


@bp.get("/erasures")
@live("people")
def erasures() -> str:
    """List who asks to be erased."""
    return render_template("admin/erasures.html", people=wishes.waiting())


@bp.get("/erasures.csv")
def erasures_csv() -> Response:
    """Export who asks to be erased."""
    return export("erasures", Wishing, wishes.waiting)


@bp.get("/erasures/<int:person_id>")
def erasure(person_id: int) -> str:
    """Show what erasing a person means, and what they have said."""
    return _page(person_id, GrantForm(formdata=None), RefusalForm(formdata=None))


@bp.post("/erasures/<int:person_id>/grant")
def erase(person_id: int) -> Response | tuple[str, int]:
    """Erase a person, who need not have asked in the portal."""
    require_proof()
    form = GrantForm()
    if form.validate():
        try:
            enrollment.erase_person(
                person_id,
                by=person().id,
                reason=form.reason.data or "",
                wish=form.wish.data or "",
            )
        except ErasureChanged as refusal:
            form.form_errors.append(refusal.detail)
            return _page(person_id, form, RefusalForm(formdata=None)), 409
        except Invalid as refusal:  # the only admin
            flash(refusal.detail, "warning")
            return redirect(url_for("admin.erasure", person_id=person_id), 303)
        flash(f"Data erased. Records that are kept now say “Erased person {person_id}”.", "success")
        return redirect(url_for("admin.erasures"), 303)
    return _page(person_id, form, RefusalForm(formdata=None)), status_of(form)


@bp.post("/erasures/<int:person_id>/refuse")
def refuse_to_erase(person_id: int) -> Response | tuple[str, int]:
    """Refuse, and say why; nothing else changes."""
    form = RefusalForm()
    if form.validate():
        enrollment.refuse_erasure(
            person_id,
            by=person().id,
            reason=form.answer.data or "",
            address=portal_address("auth.own_data"),
        )
        flash("Request refused. We'll e-mail the person the reason.", "success")
        return redirect(url_for("admin.erasures"), 303)
    return _page(person_id, GrantForm(formdata=None), form), status_of(form)


def _page(person_id: int, form: GrantForm, refusal_form: RefusalForm) -> str:
    wish = wishes.person(person_id)
    form.wish.data = wish.mark
    return render_template("admin/erasure.html", wish=wish, form=form, refusal_form=refusal_form)
