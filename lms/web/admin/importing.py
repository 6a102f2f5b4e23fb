"""Importing an old school: a file or an address, its preview, answers to it, and the import."""

from flask import current_app, flash, redirect, render_template, url_for
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from werkzeug.wrappers import Response
from wtforms import HiddenField
from wtforms.validators import InputRequired

from lms.config import invites
from lms.importing import BadAnswer, runs, telling
from lms.importing.runs import Current
from lms.refusals import Invalid, Refusal
from lms.texts import one_line
from lms.web.admin.blueprint import bp, live
from lms.web.admin.import_answers import AnswersForm, choices
from lms.web.forms import refuse, status_of, text_field
from lms.web.live import never_unchanged
from lms.web.session import person, require_proof
from lms.web.uploads import unkept

_LONGEST_ADDRESS = 1_000
_LONGEST_NAME = 200


class UploadForm(FlaskForm):
    """The file of an old school."""

    file = FileField("SQLite file", validators=[FileRequired("Choose a file.")])


class AddressForm(FlaskForm):
    """The address of an old school's database.

    By its name no page keeps or repeats it: there is a password in it.
    """

    secret_address = text_field(
        "Database address",
        most=_LONGEST_ADDRESS,
        required="Enter an address, such as postgresql://user:password@host/database.",
    )


class ConfirmForm(FlaskForm):
    """The import of exactly one preview."""

    key = HiddenField("Preview", [InputRequired()])


@bp.get("/import")
@live("imports")
def import_school() -> str:
    """Show how far the import is, or ask for an old school."""
    return _page()


@bp.post("/import")
def upload_school() -> Response | tuple[str, int]:
    """Keep an SQLite file and have it read."""
    form = UploadForm()
    if not form.validate():
        return _page(upload=form), status_of(form)
    name = one_line(form.file.data.filename or "").replace("\\", "/").rpartition("/")[2]
    try:
        runs.begin_with_file(
            form.file.data.stream, name[:_LONGEST_NAME] or "The file", by=person().id
        )
    except runs.NoDatabaseFile as refusal:
        refuse(form, Invalid("file", refusal.detail))
        return _page(upload=form), 422
    except runs.ImportOpen as refusal:
        return _back(refusal)
    except OSError as error:
        raise unkept(error) from None
    return _back()


@bp.post("/import/address")
def reach_school() -> Response | tuple[str, int]:
    """Have a database read that the server may reach."""
    form = AddressForm()
    if not form.validate():
        return _page(address=form), status_of(form)
    try:
        runs.begin_with_address(form.secret_address.data or "", by=person().id)
    except runs.OutOfReach as refusal:
        refuse(form, Invalid("secret_address", refusal.detail))
        return _page(address=form), 422
    except runs.ImportOpen as refusal:
        return _back(refusal)
    return _back()


@bp.post("/import/<int:import_id>/answers")
def answer_import(import_id: int) -> Response | tuple[str, int]:
    """Have the preview made anew with what is answered."""
    form = AnswersForm()
    if not form.validate():
        return _page(answers=form), status_of(form)
    try:
        runs.answer(import_id, form.said(), by=person().id)
    except BadAnswer as refusal:
        form.refuse(refusal.detail)
        return _page(answers=form), 422
    except Refusal as refusal:
        return _back(refusal)
    return _back()


@bp.post("/import/<int:import_id>/apply")
def apply_import(import_id: int) -> Response:
    """Import what the preview says."""
    require_proof()
    form = ConfirmForm()
    if not form.validate():
        return _back(runs.PreviewOutdated())
    try:
        runs.confirm(import_id, form.key.data or "", by=person().id)
    except Refusal as refusal:
        return _back(refusal)
    return _back()


@bp.post("/import/<int:import_id>/cancel")
def cancel_import(import_id: int) -> Response:
    """End an import that has changed nothing, and delete what was uploaded."""
    try:
        runs.cancel(import_id, by=person().id)
    except Refusal as refusal:
        return _back(refusal)
    flash("Canceled. The upload was deleted, and nothing was imported.", "success")
    return _back()


def _page(
    *,
    upload: UploadForm | None = None,
    address: AddressForm | None = None,
    answers: AnswersForm | None = None,
) -> str:
    found = runs.current()
    if found is not None and found.is_working:
        never_unchanged()
    report = found.report if found is not None else None
    return render_template(
        "admin/import.html",
        run=found,
        report=report,
        first=telling.first(report, invites=invites(current_app.config)) if report else [],
        rest=telling.rest(report) if report else [],
        total=telling.total(report) if report else "",
        words=telling,
        questions=choices(report.questions) if report else [],
        answers=answers or _answered(found),
        chosen=answers.chosen() if answers else {},
        upload=upload or UploadForm(formdata=None),
        address=_emptied(address),
        hosts=(current_app.config["LMS_IMPORT_HOSTS"] or "").replace(",", ", "),
        megabytes=current_app.config["LMS_IMPORT_MEGABYTES"],
        is_on_sqlite=current_app.config["DATABASE_URL"].startswith("sqlite"),
    )


def _answered(found: Current | None) -> AnswersForm:
    form = AnswersForm(formdata=None)
    if found is not None:
        form.show(found.answers)
    return form


def _emptied(form: AddressForm | None) -> AddressForm:
    """Return a form that shows what is wrong, but nothing of the password that was in it."""
    shown = form or AddressForm(formdata=None)
    shown.secret_address.data = ""
    return shown


def _back(refusal: Refusal | None = None) -> Response:
    if refusal is not None:
        flash(refusal.detail, "warning")
    return redirect(url_for("admin.import_school"), 303)
