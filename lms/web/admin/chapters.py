"""The chapters of a course: writing with a preview, ordering, deleting."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from lms import enrollment
from lms.enrollment.seen import of_chapter, seen_of
from lms.queries.admin import courses as offered
from lms.queries.admin.courses import ChapterText, CourseRow
from lms.refusals import ContentChanged
from lms.web.admin.blueprint import bp
from lms.web.admin.forms import ChapterForm
from lms.web.admin.saved_now import SavedNow, saved_now
from lms.web.forms import status_of
from lms.web.lessons import exemplified, files_of, playable, previewed
from lms.web.markdown import LessonFile
from lms.web.markdown.files import facts_of, line_of
from lms.web.session import person
from lms.web.writing import EXAMPLES


@bp.get("/courses/<int:course_id>/chapters/new")
def new_chapter(course_id: int) -> str:
    """Show the form for a new chapter."""
    return _chapter_page(offered.course(course_id), None, ChapterForm())


@bp.post("/courses/<int:course_id>/chapters/new")
def add_chapter(course_id: int) -> Response | str | tuple[str, int]:
    """Append a chapter, or show how it would look."""
    found = offered.course(course_id)
    form = ChapterForm()
    if not form.validate():
        return _chapter_page(found, None, form), status_of(form)
    if "preview" in request.form:
        return _chapter_page(found, None, form)
    enrollment.add_chapter(
        course_id, title=form.title.data or "", body=form.body.data or "", by=person().id
    )
    flash("Chapter added. The progress of enrolled students was recalculated.", "success")
    return _back(course_id)


@bp.get("/courses/<int:course_id>/chapters/<int:chapter_id>")
def chapter(course_id: int, chapter_id: int) -> str:
    """Show the form of a chapter."""
    found = offered.chapter(course_id, chapter_id)
    shown = of_chapter(found)
    form = ChapterForm(formdata=None, data={**shown, "seen": seen_of(shown)})
    return _chapter_page(offered.course(course_id), found, form)


@bp.post("/courses/<int:course_id>/chapters/<int:chapter_id>")
def edit_chapter(course_id: int, chapter_id: int) -> Response | str | tuple[str, int]:
    """Change a chapter, or show how it would look; nothing saved since is overwritten unseen."""
    found = offered.chapter(course_id, chapter_id)
    form = ChapterForm()
    if not form.validate():
        return _chapter_page(offered.course(course_id), found, form), status_of(form)
    if "preview" in request.form:
        return _chapter_page(offered.course(course_id), found, form)
    try:
        enrollment.edit_chapter(
            chapter_id,
            title=form.title.data or "",
            body=form.body.data or "",
            seen=form.seen.data or None,
            by=person().id,
        )
    except ContentChanged as refusal:
        saved = saved_now(form, refusal, "chapter")
        return _chapter_page(offered.course(course_id), found, form, saved), 409
    flash("Chapter saved.", "success")
    return _back(course_id)


@bp.post("/courses/<int:course_id>/chapters/preview")
def preview_chapter(course_id: int) -> str | tuple[str, int]:
    """Give a text as students would see it, while it is being written."""
    offered.course(course_id)
    form = ChapterForm()
    form.validate()
    if form.body.errors:
        return render_template("admin/_preview.html", refused=form.body.errors), 422
    preview = previewed(form.body.data or "", files_of(course_id))
    return render_template("admin/_preview.html", preview=preview)


@bp.get("/courses/<int:course_id>/chapters/files")
def chapter_files(course_id: int) -> str:
    """Give the course's files as lines for a chapter, once there is another one."""
    found = offered.course(course_id)
    return render_template("admin/_picker.html", course=found, **_offered(files_of(course_id)))


@bp.get("/writing")
def writing() -> str:
    """Show by examples how lessons are written."""
    examples = [(about, typed, exemplified(typed)) for about, typed in EXAMPLES]
    return render_template("admin/writing.html", examples=examples)


@bp.post("/courses/<int:course_id>/chapters/<int:chapter_id>/<any('up', 'down'):direction>")
def move_chapter(course_id: int, chapter_id: int, direction: str) -> Response:
    """Move a chapter one place."""
    offered.chapter(course_id, chapter_id)
    enrollment.move_chapter(chapter_id, up=direction == "up", by=person().id)
    return _back(course_id)


@bp.get("/courses/<int:course_id>/chapters/<int:chapter_id>/delete")
def confirm_delete_chapter(course_id: int, chapter_id: int) -> str:
    """Show what deleting a chapter takes along."""
    return render_template(
        "admin/chapter_delete.html",
        chapter=offered.chapter(course_id, chapter_id),
        course=offered.course(course_id),
        completions=offered.completions(chapter_id),
        newly_certified=offered.certified_without(course_id, chapter_id),
    )


@bp.post("/courses/<int:course_id>/chapters/<int:chapter_id>/delete")
def delete_chapter(course_id: int, chapter_id: int) -> Response:
    """Delete a chapter."""
    offered.chapter(course_id, chapter_id)
    enrollment.delete_chapter(chapter_id, by=person().id)
    flash("Chapter deleted. The progress of enrolled students was recalculated.", "success")
    return _back(course_id)


def _chapter_page(
    course: CourseRow, found: ChapterText | None, form: ChapterForm, saved: SavedNow | None = None
) -> str:
    files = files_of(course.id)
    return render_template(
        "admin/chapter.html",
        course=course,
        chapter=found,
        form=form,
        saved=saved,
        preview=previewed(form.body.data or "", files),
        **_offered(files),
        frames=playable(),
    )


def _offered(files: tuple[LessonFile, ...]) -> dict[str, Any]:
    """Return the files that can be in a text, with the line to type and what each is.

    And the captions that no video shows yet.
    """
    lines = [(each, line_of(each), facts_of(each)) for each in files if each.kind != "captions"]
    chosen = {each.id for film in files for each in film.captions}
    loose = [each for each in files if each.kind == "captions" and each.id not in chosen]
    return {"files": lines, "captions": loose}


def _back(course_id: int) -> Response:
    return redirect(url_for("admin.course", course_id=course_id, _anchor="chapters"), 303)
