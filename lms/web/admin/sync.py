"""The sync page: violations, repairs, the history of repairs and their undo."""

from collections.abc import Callable

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

import lms.sync
from lms.background import result_soon
from lms.db import now
from lms.queries import past
from lms.queries import sync as runs
from lms.queries.past import as_of
from lms.queries.sync import AttentionRow, ChangedRow, Run
from lms.refusals import Invalid, Refusal, RunNotFound
from lms.sync import WHOLE_SCHOOL, Latest, ListedFinding, Report, Scope
from lms.texts import counted
from lms.times import day_of, local, place
from lms.web.admin.blueprint import bp, live
from lms.web.admin.filters import addresses, chosen_id, listed
from lms.web.admin.past import asked_moment
from lms.web.admin.spreadsheets import export
from lms.web.admin.trail import happening
from lms.web.school import school
from lms.web.session import person
from lms.web.turns import turn
from lms.web.zones import zone

Answer = tuple[str, str]
"""A message and its category."""
_NOTHING_FOUND = "No violations found."
_SHOWN = 20
_CHARTED = 40


@bp.get("/sync")
def sync() -> ResponseReturnValue:
    """Show the findings and the latest runs, for the whole school, one student or one course."""
    # The first report of all is made before the page's version is read, which it raises.
    return _page(None if request.if_none_match else lms.sync.known())


@bp.get("/sync/runs/<int:run_id>")
@live("sync")
def sync_run(run_id: int) -> str:
    """Show what one run changed, row by row."""
    run = runs.run(run_id)
    if run is None:
        raise RunNotFound
    address = addresses("admin.sync_run", run_id=run_id)
    return render_template(
        "admin/sync_run.html",
        run=run,
        found=listed(lambda page: runs.change_list(run_id, page=page), address),
        address=address,
        label_of=lms.sync.label_of,
    )


@bp.get("/sync/findings.csv")
def findings_csv() -> Response:
    """Export all violations that there are now, of the school or of the page's scope."""
    return export("findings", ListedFinding, lambda: lms.sync.every_finding(_scope()))


@bp.get("/sync/attention.csv")
def attention_csv() -> Response:
    """Export what needs an admin."""
    return export("attention", AttentionRow, runs.every_attention)


@bp.get("/sync/runs.csv")
def runs_csv() -> Response:
    """Export all runs."""
    return export("runs", Run, runs.every_run)


@bp.get("/sync/runs/<int:run_id>.csv")
def sync_run_csv(run_id: int) -> Response:
    """Export what one run changed."""
    if runs.run(run_id) is None:
        raise RunNotFound
    return export(f"run-{run_id}", ChangedRow, lambda: runs.every_change(run_id))


@bp.post("/sync/validate")
def validate_now() -> Response:
    """Check everything again, once however many ask; the page that follows shows the result."""
    scope = _scope()
    if scope == WHOLE_SCHOOL:
        flash(*_validated_soon())
    else:
        flash(*_found(_validate(scope)))
    return redirect(_here(scope), 303)


@bp.post("/sync/preview")
def preview_fixes() -> Response:
    """Show what a repair would change without changing it."""
    scope, admin_id = _scope(), person().id

    def preview() -> Answer:
        result = lms.sync.auto_fix(scope, by=admin_id, dry_run=True)
        left = sum(result.remaining.values())
        rest = f" {left} would remain for you to resolve." if left else ""
        if not result.total:
            return (f"Nothing would be repaired.{rest}" if left else _NOTHING_FOUND), "info"
        return f"{counted(result.total, 'violation')} would be repaired.{rest}", "info"

    return _answered(preview, scope)


@bp.post("/sync/fix")
def fix_now() -> Response:
    """Repair what can be repaired without guessing."""
    scope, admin_id = _scope(), person().id

    def fix() -> Answer:
        result = lms.sync.auto_fix(scope, by=admin_id)
        left = sum(result.remaining.values())
        rest = f" {left} remaining: see the findings." if left else ""
        tone = "warning" if left else "success"
        if not result.total:
            return (f"Nothing could be repaired.{rest}" if left else _NOTHING_FOUND), tone
        return f"{counted(result.total, 'violation')} repaired.{rest}", tone

    return _answered(fix, scope)


@bp.post("/sync/runs/<int:run_id>/undo")
def undo_sync(run_id: int) -> Response:
    """Reverse what a run changed."""
    admin_id = person().id

    def undo() -> Answer:
        result = lms.sync.undo(run_id, by=admin_id)
        kept = len(result.kept)
        rest = f" Rows left unchanged: {kept}. See the run for the reasons." if kept else ""
        return f"Run {run_id} undone. Rows restored: {result.undone}.{rest}", "success"

    return _answered(undo, _scope())


@bp.post("/sync/attention/<int:attention_id>/dismiss")
def dismiss_attention(attention_id: int) -> Response:
    """Dismiss a row from the list that needs attention."""
    lms.sync.dismiss_attention(attention_id, by=person().id)
    flash("Dismissed. The next repair may try to correct this again.", "success")
    return redirect(url_for("admin.sync"), 303)


@bp.get("/students/<int:student_id>/courses/<int:course_id>")
@live("sync", "access", "requests", "progress", "payments", "people", "catalogue")
def explain_access(student_id: int, course_id: int) -> str | tuple[str, int]:
    """Show why a student has, or lacks, access to a course, now or on a day of the past."""
    asked, why, refusal = asked_moment(), None, ""
    there = school().time_zone
    student, course = past.student(student_id), past.course(course_id)
    try:
        moment = as_of(asked, there) if asked else None
        why = lms.sync.explain(student_id, course_id, moment, zone=zone())
    except Invalid as error:
        refusal = error.detail
    page = render_template(
        "admin/explain.html",
        student=student,
        course=course,
        why=why,
        trail=[happening(entry) for entry in why.facts.timeline] if why else [],
        refusal=refusal,
        day=day_of(why.as_of if why and why.as_of else now(), there),
        today=day_of(now(), there),
    )
    return (page, 422) if refusal else page


@live("validation", "sync", "access", "requests", "progress", "payments", "people", "catalogue")
def _page(latest: Latest | None) -> str:
    scope = _scope()
    history = runs.runs(limit=_CHARTED)
    latest = latest or lms.sync.latest()
    there = zone()
    return render_template(
        "admin/sync.html",
        report=latest.report if scope == WHOLE_SCHOOL else _validate(scope),
        latest=latest,
        health=lms.sync.health(latest),
        scope=scope,
        runs=history[:_SHOWN],
        points=[
            (
                f"{local(run.started_at, there):%-d %b, %H:%M} {place(there)}",
                sum(run.fixed.values()),
            )
            for run in reversed(history)
            if not run.is_dry_run
        ],
        attention=runs.attention(),
        label_of=lms.sync.label_of,
        here=_here(scope),
    )


def _validate(scope: Scope) -> Report:
    with turn():
        return lms.sync.validate(scope)


def _validated_soon() -> Answer:
    """Begin a validation, unless one is in progress, and return what there is to say so far."""
    if (run_id := lms.sync.begin_validation()) is None:
        return "A validation is already running. Follow its progress on this page.", "info"
    if (report := lms.sync.carry_out_soon(run_id)) is None:
        return "Validation started. Follow its progress on this page.", "info"
    return _found(report)


def _found(report: Report) -> Answer:
    if report.ok:
        return _NOTHING_FOUND, "success"
    return f"{counted(report.total, 'violation')} found.", "warning"


def _answered(act: Callable[[], Answer], scope: Scope) -> Response:
    try:
        flash(*(result_soon(act) or ("Started. The result will appear on this page.", "info")))
    except Refusal as refusal:  # another run is in progress, or there is no such run
        flash(refusal.detail, "warning")
    return redirect(_here(scope), 303)


def _scope() -> Scope:
    return Scope(student_id=chosen_id("student"), course_id=chosen_id("course"))


def _here(scope: Scope) -> str:
    return url_for("admin.sync", student=scope.student_id, course=scope.course_id)
