"""The request queue and decisions on it."""

from collections import Counter
from collections.abc import Iterable

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from lms import enrollment
from lms.enrollment.requests import Outcome
from lms.models import decider
from lms.queries.admin import requests as queued
from lms.queries.admin.requests import QueuedRequest
from lms.refusals import Refusal
from lms.texts import counted
from lms.web.admin.blueprint import bp, live
from lms.web.admin.decisions import offer_undo
from lms.web.admin.filters import addresses, chosen_id, ids, listed
from lms.web.admin.forms import DecisionForm
from lms.web.admin.spreadsheets import export
from lms.web.forms import page_number, search_text, status_of
from lms.web.session import person

_VERBS = {"approve": enrollment.approve, "reject": enrollment.reject}
_ENROLLED = "Approved. The student is enrolled."
_HELD = "Approved. A seat is held until the student pays or declines, or the offer expires."
_DONE: tuple[Outcome, ...] = ("approved", "rejected")


@bp.get("/requests")
@live("requests", "access", "people", "catalogue")
def requests() -> str:
    """Show the queue, the longest waiting first."""
    return _page(DecisionForm())


@bp.get("/requests.csv")
def requests_csv() -> Response:
    """Export the queue."""
    q, course_id = search_text(), chosen_id("course")
    return export("requests", QueuedRequest, lambda: queued.every_queued(q=q, course_id=course_id))


@bp.post("/requests")
def decide() -> Response | tuple[str, int]:
    """Decide the request whose button was pressed, or all that are ticked.

    A reason for which nothing was decided stays in its field; htmx leaves the field alone anyway.
    """
    address = addresses("admin.requests", q=search_text(), course=chosen_id("course"))
    back = redirect(address(page_number()), 303)
    form = DecisionForm()
    if form.validate():
        is_done = _decide(form.reason.data or "")
    else:
        flash(" ".join(f"{error}" for errors in form.errors.values() for error in errors), "danger")
        is_done = False
    if is_done or not form.reason.data or "HX-Request" in request.headers:
        return back
    return _page(form), status_of(form)


def _page(form: DecisionForm) -> str:
    q, course_id = search_text(), chosen_id("course")
    address = addresses("admin.requests", q=q, course=course_id)
    found = listed(lambda page: queued.queue(page=page, q=q, course_id=course_id), address)
    full = queued.full_courses(row.course_id for row in found.requests)
    return render_template(
        "admin/requests.html",
        queue=found,
        rows=[(row, row.course_id in full) for row in found.requests],
        courses=queued.requested_courses(),
        q=q,
        course_id=course_id,
        address=address,
        here=address(found.page),
        action=url_for("admin.decide", q=q or None, course=course_id, page=found.page),
        form=form,
    )


def _decide(reason: str) -> bool:
    """Decide, and return whether anything was."""
    for action in _VERBS:
        if action in request.form:  # a row's own button; the ticked rows are not meant
            return _decide_one(request.form[action], action, reason)
    return _decide_ticked(request.form.getlist("ids"), request.form.get("action", ""), reason)


def _decide_one(text: str, action: str, reason: str) -> bool:
    numbers = ids([text])
    if not numbers:
        flash("This request doesn't exist. It may have been canceled.", "warning")
        return False
    try:
        decision = _VERBS[action](numbers[0], by=person().id, reason=reason)
    except Refusal as refusal:  # somebody else was first, no seat is free, the student withdrew
        flash(refusal.detail, "warning")
        return False
    words = "Rejected."
    if decision.status == "approved":
        words = _ENROLLED if decision.offer is None else _HELD
    if decision.is_unpaid:
        words = "Approved. The student is enrolled without payment."
    flash(words, "success")
    offer_undo([decision.decision_id])
    return True


def _all_of(names: list[str]) -> str:
    """Write names as in a sentence: 'Ada', 'Ada and Bob', 'Ada, Bob and Cleo'."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _decide_ticked(texts: Iterable[str], action: str, reason: str) -> bool:
    numbers = ids(texts)
    if action not in _VERBS or not numbers:
        flash("Select at least one request first.", "info")
        return False
    outcomes = enrollment.decide_many(
        numbers,
        "approve" if action == "approve" else "reject",
        by=person().id,
        reason=reason,
    )
    counts = Counter(each.outcome for each in outcomes)
    done = sum(counts[outcome] for outcome in _DONE)
    if done:
        word = "approved" if action == "approve" else "rejected"
        flash(f"{counted(done, 'request')} {word}.", "success")
        offer_undo([each.decision_id for each in outcomes if each.decision_id is not None])
    if counts["already_reviewed"]:
        others = sorted({decider(each.decided_by) for each in outcomes} - {""})
        by = _all_of(others) if others else "someone else"
        late = counts["already_reviewed"]
        left = "was left unchanged" if late == 1 else "were left unchanged"
        flash(
            f"{counted(late, 'request')} had already been decided by {by}, and {left}.", "warning"
        )
    full = counts["course_full"]
    if full:
        waiting = (
            "The student gets the next available seat."
            if full == 1
            else "The students get the next available seats, in order."
        )
        flash(f"{counted(full, 'request')} approved, but no seats are left. {waiting}", "warning")
    if paid := counts["payment_in_review"]:
        who = "the student has" if paid == 1 else "the students have"
        what = "that payment needs" if paid == 1 else "those payments need"
        way = "Resolve it" if paid == 1 else "Resolve them"
        flash(
            f"{counted(paid, 'request')} still waiting: {who} already paid, and {what} review."
            f" {way} under Payments first.",
            "warning",
        )
    if lost := counts["not_found"]:
        gone = "exists; it" if lost == 1 else "exist; they"
        flash(f"{counted(lost, 'request')} no longer {gone} may have been canceled.", "warning")
    return bool(done + full)
