"""The files of a course: adding, describing and deleting them."""

from typing import Any

from flask import current_app, flash, redirect, render_template, url_for
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from werkzeug.wrappers import Response
from wtforms import HiddenField, SelectField
from wtforms.validators import NumberRange, Optional

from lms import enrollment
from lms.db import LARGEST_ID, end_reading
from lms.enrollment.seen import of_file, seen_of
from lms.files.store import Kept
from lms.files.taking import take
from lms.models.files import LONGEST_ALT, LONGEST_FILE_NAME, LONGEST_LANGUAGE
from lms.queries import files as queries
from lms.queries.admin import courses as offered
from lms.queries.files import FileOfCourse
from lms.refusals import ContentChanged, FileNotFound, Invalid
from lms.web.admin.blueprint import bp
from lms.web.admin.saved_now import SavedNow, saved_now
from lms.web.forms import long_text_field, refuse, status_of, text_field
from lms.web.lessons import files_of
from lms.web.markdown.files import line_of
from lms.web.session import person
from lms.web.turns import turn
from lms.web.uploads import PIECE_BYTES, unkept

FILMS = {"video", "audio"}
"""Kinds that are played, and may have captions."""
_ACCEPTED = (
    "image/jpeg,image/png,image/gif,image/webp,image/avif,video/mp4,video/webm,.ogv,audio/mpeg,"
    ".m4a,.ogg,.wav,.vtt,.pdf,.docx,.xlsx,.pptx,.odt,.ods,.odp,.epub,.txt,.csv,.md"
)
"""What the browser's own window proposes; what is accepted, the content decides."""


class FileForm(FlaskForm):
    """A file for a course."""

    file = FileField("File", validators=[FileRequired("Choose a file.")])


class AboutFileForm(FlaskForm):
    """What is said about a file; `seen` is what the page showed of it."""

    seen = HiddenField()
    name = text_field("Name", most=LONGEST_FILE_NAME, required="Enter a name.")
    alt = long_text_field("What the picture shows", most=LONGEST_ALT)
    captions_of = SelectField(
        "Captions of",
        [Optional(), NumberRange(0, LARGEST_ID, message="Choose a file from the list.")],
        coerce=int,
        validate_choice=False,
    )
    language = text_field("Language", most=LONGEST_LANGUAGE)


@bp.get("/courses/<int:course_id>/files")
def course_files(course_id: int) -> str:
    """List the files of a course."""
    return _page(course_id, FileForm(formdata=None))


@bp.post("/courses/<int:course_id>/files")
def upload_file(course_id: int) -> Response | tuple[str, int]:
    """Add a file to a course."""
    offered.course(course_id)  # a 404 before anything is kept
    form = FileForm()
    if not form.validate():
        return _page(course_id, form), status_of(form)
    name = form.file.data.filename or ""
    try:
        with turn(), form.file.data.stream as file:
            content = take(file, name=name, check=refuse_without_room)
        file_id = enrollment.add_file(course_id, content, name=name, by=person().id)
    except Invalid as refusal:
        refuse(form, refusal)
        return _page(course_id, form), 422
    except OSError as error:
        raise unkept(error) from None
    text, address = said_of_added(course_id, file_id)
    flash(text, "success")
    return redirect(address, 303)


def said_of_added(course_id: int, file_id: int) -> tuple[str, str]:
    """Return what to say of a file that was added, and where to go on: to describe it, if any."""
    kinds = {each.kind for each in queries.of_course(course_id) if each.id == file_id}
    about = url_for(".course_file", course_id=course_id, file_id=file_id)
    if "picture" in kinds:
        return "File added. Describe it below.", about
    if kinds & FILMS:
        return "File added. Give it a title below.", about
    if "captions" in kinds:
        return "Captions uploaded. Choose their video or audio file now.", about
    return "File added.", url_for(".course_files", course_id=course_id)


@bp.get("/courses/<int:course_id>/files/<int:file_id>")
def course_file(course_id: int, file_id: int) -> str:
    """Show what is said about a file."""
    found = _found(course_id, file_id)
    said: dict[str, Any] = {name: getattr(found, name) for name in ("name", "alt", "language")}
    chosen = found.captions_of or _only_film(course_id) or 0
    said |= {"captions_of": chosen, "seen": seen_of(of_file(found))}
    form = _about(found, formdata=None, data=said)
    return _file_page(found, form)


@bp.post("/courses/<int:course_id>/files/<int:file_id>")
def edit_course_file(course_id: int, file_id: int) -> Response | tuple[str, int]:
    """Change what is said about a file."""
    found = _found(course_id, file_id)
    form = _about(found)
    if not form.validate():
        return _file_page(found, form), status_of(form)
    try:
        enrollment.edit_file(
            course_id,
            file_id,
            name=form.name.data or "",
            alt=form.alt.data or "",
            captions_of=form.captions_of.data or None,
            language=form.language.data,
            seen=form.seen.data or None,
            by=person().id,
        )
    except Invalid as refusal:
        refuse(form, refusal)
        return _file_page(found, form), 422
    except ContentChanged as refusal:
        saved = saved_now(form, refusal, "file", words=_said(form, refusal, course_id))
        return _file_page(found, form, saved), 409
    flash("File saved.", "success")
    return _back(course_id)


@bp.get("/courses/<int:course_id>/files/<int:file_id>/delete")
def confirm_delete_file(course_id: int, file_id: int) -> str:
    """Show what deleting a file takes along."""
    found = _found(course_id, file_id)
    files, chapters = queries.of_course(course_id), queries.chapters_with_files(course_id)
    return render_template(
        "admin/file_delete.html",
        course=offered.course(course_id),
        file=found,
        chapters=chapters.get(file_id, []),
        captions=[each for each in files if each.captions_of == file_id],
        films=[each for each in files if each.id == found.captions_of],
        chapters_of_film=chapters.get(found.captions_of or 0, []),
    )


@bp.post("/courses/<int:course_id>/files/<int:file_id>/delete")
def delete_course_file(course_id: int, file_id: int) -> Response:
    """Delete a file."""
    enrollment.delete_file(course_id, file_id, by=person().id)
    flash("File deleted.", "success")
    return _back(course_id)


def refuse_without_room(kept: Kept) -> None:
    """Refuse before it is kept what the verb would refuse: what lies there takes room."""
    if not queries.named([kept.digest]):
        enrollment.refuse_too_much(queries.used(), kept.bytes)
    end_reading()  # it may be sent elsewhere now


def _found(course_id: int, file_id: int) -> FileOfCourse:
    found = [each for each in queries.of_course(course_id) if each.id == file_id]
    if not found:
        raise FileNotFound
    return found[0]


def _about(found: FileOfCourse, **given: Any) -> AboutFileForm:
    form = AboutFileForm(**given)
    if found.kind in FILMS:
        form.alt.label.text = "Title"
    return form


def _films(course_id: int) -> list[FileOfCourse]:
    return [each for each in queries.of_course(course_id) if each.kind in FILMS]


def _only_film(course_id: int) -> int | None:
    films = _films(course_id)
    return films[0].id if len(films) == 1 else None


def _page(course_id: int, form: FileForm) -> str:
    files = queries.of_course(course_id)
    return render_template(
        "admin/course_files.html",
        course=offered.course(course_id),
        files=files,
        names={each.id: each.name for each in files},
        lines={each.id: line_of(each) for each in files_of(course_id) if each.kind != "captions"},
        chapters=queries.chapters_with_files(course_id),
        used=queries.used(),
        most=current_app.config["LMS_FILES_GIGABYTES"],
        piece=PIECE_BYTES,
        megabytes=current_app.config["LMS_FILE_MEGABYTES"],
        accepted=_ACCEPTED,
        form=form,
    )


def _said(form: AboutFileForm, refusal: ContentChanged, course_id: int) -> list[tuple[str, str]]:
    """Return what is saved by now as people read it: of captions the name of their film."""
    now = dict(refusal.now)
    if film := now.get("captions_of"):
        names = {each.id: each.name for each in queries.of_course(course_id)}
        now["captions_of"] = names.get(film, "")
    return [(form[name].label.text, now[name] or "") for name in refusal.differing]


def _file_page(found: FileOfCourse, form: AboutFileForm, saved: SavedNow | None = None) -> str:
    films = [(each.id, each.name) for each in _films(found.course_id)]
    form.captions_of.choices = [(0, "None yet"), *films]
    course = offered.course(found.course_id)
    return render_template("admin/file.html", course=course, file=found, form=form, saved=saved)


def _back(course_id: int) -> Response:
    return redirect(url_for(".course_files", course_id=course_id), 303)
