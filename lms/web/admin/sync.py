"""The sync page: violations, repairs, the history of repairs and their undo."""

from collections.abc import Callable

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

import lms.sync
from lms.queries import sync as runs
from lms.refusals import Refusal, RunNotFound
from lms.sync import WHOLE_SCHOOL, Scope
from lms.web.admin.background import result_soon
from lms.web.admin.blueprint import bp, live
from lms.web.admin.filters import chosen_id
from lms.web.admin.trail import happening
from lms.web.session import person

Answer = tuple[str, str]
"""A message and its category."""
_SHOWN = 20
_CHARTED = 40


@bp.get("/sync")
@live("sync", "access", "requests", "progress", "payments", "people", "catalogue")
def sync() -> str:
    """Show the findings and the latest runs, for the whole school, one student or one course."""
    scope = _scope()
    history = runs.runs(limit=_CHARTED)
    return render_template(
        "admin/sync.html",
        report=lms.sync.last_validation() if scope == WHOLE_SCHOOL else lms.sync.validate(scope),
        health=lms.sync.health(),
        scope=scope,
        runs=history[:_SHOWN],
        points=[
            (f"{run.started_at:%d %b %H:%M}", sum(run.fixed.values()))
            for run in reversed(history)
            if not run.is_dry_run
        ],
        attention=runs.attention(),
        label_of=lms.sync.label_of,
        here=_here(scope),
    )


@bp.get("/sync/runs/<int:run_id>")
@live("sync")
def sync_run(run_id: int) -> str:
    """Show what one run changed, row by row."""
    run = runs.run(run_id)
    if run is None:
        raise RunNotFound
    return render_template(
        "admin/sync_run.html",
        run=run,
        changes=runs.changes(run_id),
        label_of=lms.sync.label_of,
    )


@bp.post("/sync/validate")
def validate_now() -> Response:
    """Check everything again; the page that follows shows the result."""
    scope = _scope()
    is_whole = scope == WHOLE_SCHOOL
    report = lms.sync.validate_again() if is_whole else lms.sync.validate(scope, sample=1)
    flash(
        f"{_violations(report.total)} found." if report.total else "No violations found.",
        "success" if report.ok else "warning",
    )
    return redirect(_here(scope), 303)


@bp.post("/sync/preview")
def preview_fixes() -> Response:
    """Show what a repair would change without changing it."""
    scope = _scope()
    result = lms.sync.auto_fix(scope, by=person().id, dry_run=True)
    left = sum(result.remaining.values())
    rest = f" {left} would remain for you to resolve." if left else ""
    flash(f"Auto-fix would repair {_violations(result.total)}.{rest}", "info")
    return redirect(_here(scope), 303)


@bp.post("/sync/fix")
def fix_now() -> Response:
    """Repair what can be repaired without guessing."""
    scope, admin_id = _scope(), person().id

    def fix() -> Answer:
        result = lms.sync.auto_fix(scope, by=admin_id)
        left = sum(result.remaining.values())
        rest = f" {left} remaining: see the findings." if left else ""
        return f"{_violations(result.total)} repaired.{rest}", "warning" if left else "success"

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
    flash("Dismissed. Scheduled repairs may try it again.", "success")
    return redirect(url_for("admin.sync"), 303)


@bp.get("/students/<int:student_id>/courses/<int:course_id>")
@live("sync", "access", "requests", "progress", "payments", "people", "catalogue")
def explain_access(student_id: int, course_id: int) -> str:
    """Show why a student has, or lacks, access to a course."""
    why = lms.sync.explain(student_id, course_id)
    trail = [happening(entry) for entry in why.facts.timeline]
    return render_template("admin/explain.html", why=why, trail=trail)


def _answered(act: Callable[[], Answer], scope: Scope) -> Response:
    try:
        flash(*(result_soon(act) or ("Started. Follow its progress on this page.", "info")))
    except Refusal as refusal:  # another run is at work, or there is no such run
        flash(refusal.detail, "warning")
    return redirect(_here(scope), 303)


def _scope() -> Scope:
    return Scope(student_id=chosen_id("student"), course_id=chosen_id("course"))


def _here(scope: Scope) -> str:
    return url_for("admin.sync", student=scope.student_id, course=scope.course_id)


def _violations(number: int) -> str:
    return f"{number} violation{'' if number == 1 else 's'}"
