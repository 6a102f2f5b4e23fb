"""Rosters: a file or a pasted list, its preview line by line, and what became of it."""

from flask import current_app, flash, redirect, render_template, url_for
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from werkzeug.wrappers import Response
from wtforms import HiddenField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired

from lms.enrollment.people import Invite
from lms.importing import NoRoster, uploads
from lms.importing.uploads import Shown
from lms.queries import sync as runs_of_sync
from lms.queries.admin import courses as every
from lms.refusals import Invalid, Refusal
from lms.texts import one_line
from lms.web.admin.blueprint import bp, live
from lms.web.admin.filters import addresses, chosen_id, listed
from lms.web.admin.forms import CourseField
from lms.web.forms import long_text_field, refuse, status_of, text_field
from lms.web.invitations import invite
from lms.web.live import never_unchanged
from lms.web.session import person, require_proof
from lms.web.turns import turn

_LONGEST_LIST = 200_000
_LONGEST_NAME = 100


class RosterFileForm(FlaskForm):
    """A roster as a file."""

    file = FileField("Roster file", validators=[FileRequired("Choose a file.")])


class RosterListForm(FlaskForm):
    """People of one course, as they are pasted."""

    course_id = CourseField("Course", validators=[InputRequired("Choose one of the courses.")])
    people = long_text_field("People", most=_LONGEST_LIST, required="Enter at least one person.")

    def offer(self) -> None:
        """Let every course be chosen."""
        self.course_id.choices = [
            SelectChoice("", "Choose a course"),
            *(SelectChoice(str(number), title) for number, title in every.titles()),
        ]


class ApplyForm(FlaskForm):
    """Exactly one preview, and the number of enrollments that end by it."""

    key = HiddenField("Preview", [InputRequired()])
    ending = text_field("Number of enrollments that would end", most=20)

    def number(self) -> int | None:
        """Return the number that was typed, if it is one."""
        typed = (self.ending.data or "").replace(",", "").replace(" ", "")
        return int(typed) if typed.isascii() and typed.isdecimal() else None


@bp.get("/roster")
@live("imports", "catalogue", "people")
def roster() -> str:
    """Ask for a roster, and list those that are not applied yet."""
    return _page()


@bp.post("/roster")
def upload_roster() -> Response | tuple[str, int]:
    """Keep a file and have its preview made."""
    form = RosterFileForm()
    if not form.validate():
        return _page(file=form), status_of(form)
    name = one_line(form.file.data.filename or "").replace("\\", "/").rpartition("/")[2]
    with form.file.data.stream as file:
        content = file.read(uploads.MOST_BYTES + 1)
    try:
        return _begin(name[:_LONGEST_NAME] or "The file", content)
    except NoRoster as refusal:
        refuse(form, Invalid("file", refusal.detail))
        return _page(file=form), 422


@bp.post("/roster/list")
def paste_roster() -> Response | tuple[str, int]:
    """Keep a list of people for one course and have its preview made."""
    form = RosterListForm()
    form.offer()
    if not form.validate():
        return _page(pasted=form), status_of(form)
    content = (form.people.data or "").encode()
    try:
        return _begin("", content, course_id=int(form.course_id.data))
    except NoRoster as refusal:
        refuse(form, Invalid("people", refusal.detail))
        return _page(pasted=form), 422


@bp.get("/roster/<int:roster_id>")
@live("imports", "catalogue", "people", "sync")
def roster_preview(roster_id: int) -> str:
    """Show what a roster would do, how far it is, or what it did."""
    return _preview(roster_id)


@bp.post("/roster/<int:roster_id>/apply")
def apply_roster(roster_id: int) -> Response | tuple[str, int]:
    """Apply what the preview says."""
    require_proof()
    form = ApplyForm()
    if not form.validate():
        return _preview(roster_id, form), status_of(form)
    try:
        uploads.confirm(
            roster_id,
            form.key.data or "",
            ending=form.number(),
            by=person().id,
            invite=_invite(),
        )
    except Invalid as refusal:
        refuse(form, refusal)
        return _preview(roster_id, form), 422
    except uploads.PreviewOutdated as refusal:
        flash(refusal.detail, "warning")
    return redirect(url_for("admin.roster_preview", roster_id=roster_id), 303)


@bp.post("/roster/<int:roster_id>/cancel")
def cancel_roster(roster_id: int) -> Response:
    """Delete a roster that has changed nothing."""
    try:
        uploads.cancel(roster_id, by=person().id)
    except Refusal as refusal:
        flash(refusal.detail, "warning")
        return redirect(url_for("admin.roster_preview", roster_id=roster_id), 303)
    flash("Canceled. The roster was deleted, and nothing was changed.", "success")
    return redirect(url_for("admin.roster"), 303)


def _begin(source: str, content: bytes, *, course_id: int | None = None) -> Response:
    with turn():
        upload_id = uploads.begin(source, content, course_id=course_id, by=person().id)
    return redirect(url_for("admin.roster_preview", roster_id=upload_id), 303)


def _invite() -> Invite | None:
    """Return what makes links for new people, where the command would, too."""
    return invite() if current_app.config["PUBLIC_URL"] else None


def _page(*, file: RosterFileForm | None = None, pasted: RosterListForm | None = None) -> str:
    if pasted is None:
        pasted = RosterListForm(formdata=None, data={"course_id": str(chosen_id("course") or "")})
        pasted.offer()
    return render_template(
        "admin/roster.html",
        file=file or RosterFileForm(formdata=None),
        pasted=pasted,
        unapplied=uploads.waiting(),
        limits=uploads,
    )


def _preview(roster_id: int, form: ApplyForm | None = None) -> str:
    address = addresses("admin.roster_preview", roster_id=roster_id)
    found: Shown = listed(lambda page: uploads.shown(roster_id, page=page), address)
    if found.is_working:
        never_unchanged()
    form = form or ApplyForm(formdata=None)
    form.ending.flags.required = found.ending is not None
    return render_template(
        "admin/roster_preview.html",
        roster=found,
        address=address,
        form=form,
        run=runs_of_sync.run(found.run_id) if found.run_id else None,
        is_on_sqlite=current_app.config["DATABASE_URL"].startswith("sqlite"),
        invites=bool(current_app.config["PUBLIC_URL"]),
    )
