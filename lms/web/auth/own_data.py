"""What is kept of a person: getting it, and asking to be forgotten."""

from tempfile import SpooledTemporaryFile

from flask import current_app, flash, redirect, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import PasswordField
from wtforms.validators import InputRequired

from lms import accounts, enrollment
from lms.queries.erasures import wish_of
from lms.queries.own_data import write_archive
from lms.refusals import Invalid, RateLimited
from lms.web.asking import limit
from lms.web.auth.blueprint import bp, forms_of_page, page
from lms.web.bounds import MESSAGE_LENGTH
from lms.web.forms import long_text_field, refuse
from lms.web.school import school
from lms.web.security import NOT_KEPT
from lms.web.session import person, require_anybody
from lms.web.turns import turn

_IN_MEMORY = 1_000_000
"""Bytes; a larger file is written to the disk until it is sent."""


class DownloadForm(FlaskForm):
    """Whoever finds an open browser must not get all that is kept of its owner."""

    password = PasswordField("Password", validators=[InputRequired("Enter your password.")])


class ErasureForm(FlaskForm):
    reason = long_text_field("Reason", most=MESSAGE_LENGTH)


@bp.get("/profile/data")
def own_data() -> Response:
    """Show what a person can do about the data that is kept of them."""
    require_anybody()
    return _own_data_page(ErasureForm(formdata=None))


@bp.post("/profile/data")
def download() -> Response:
    """Give a person all that is kept of them, as a ZIP."""
    require_anybody()
    form = DownloadForm()
    if form.validate():
        try:
            accounts.check_own_password(person().id, str(form.password.data), limit=limit())
        except Invalid as refusal:
            refuse(form, refusal)
        except RateLimited as refusal:
            return _own_data_page(form, refusal)
        else:
            return _archive(person().id)
    return _own_data_page(form)


@bp.post("/profile/erasure")
def ask_for_erasure() -> Response:
    """Ask the school to forget oneself."""
    require_anybody()
    form = ErasureForm()
    if not form.validate():
        return _own_data_page(form)
    try:
        enrollment.request_erasure(person().id, reason=form.reason.data or "")
    except RateLimited as refusal:
        return _own_data_page(form, refusal)
    flash(
        "We've passed your request on to the school. You can withdraw it until the school decides.",
        "success",
    )
    return redirect(url_for("auth.own_data"), 303)


@bp.post("/profile/erasure/withdraw")
def withdraw_erasure() -> Response:
    """Take that back."""
    require_anybody()
    form = ErasureForm()
    if not form.validate():
        return _own_data_page(form)
    enrollment.withdraw_erasure(person().id)
    flash("Request withdrawn. Your data stays as it is.", "success")
    return redirect(url_for("auth.own_data"), 303)


def _archive(user_id: int) -> Response:
    accounts.count_export(user_id)
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        with turn():
            write_archive(file, user_id, school=school().name)
        accounts.note_export(user_id, by=user_id)
        file.seek(0)
        archive = file.read()  # compressed; the front takes answers whole
    return current_app.response_class(
        archive,
        mimetype="application/zip",
        headers={
            "Content-Disposition": "attachment; filename=my-data.zip",
            "Cache-Control": NOT_KEPT,
        },
    )


def _own_data_page(form: FlaskForm, refusal: RateLimited | None = None) -> Response:
    forms = forms_of_page(
        form,
        download_form=DownloadForm(formdata=None),
        erasure_form=ErasureForm(formdata=None),
    )
    return page("auth/own_data.html", form, refusal, wish=wish_of(person().id), **forms)
