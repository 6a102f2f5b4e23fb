"""Decided requests, and undoing a recent decision."""

from collections import Counter
from collections.abc import Iterable, Iterator

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from lms import enrollment
from lms.db import LARGEST_ID
from lms.enrollment.reversal import UndoOutcome
from lms.models import UNDO_WITHIN
from lms.queries.admin import requests as queued
from lms.queries.admin.requests import DecidedRequest
from lms.refusals import Refusal
from lms.texts import counted
from lms.web.admin.blueprint import bp, live
from lms.web.admin.filters import addresses, listed
from lms.web.admin.spreadsheets import export
from lms.web.bounds import MOST_AT_ONCE
from lms.web.forms import search_text, way_back
from lms.web.session import person

_LONGEST_OFFER = 1000
"""Characters; flashes travel in the session's cookie, and browsers drop one of over 4 KB."""


@bp.get("/requests/decided")
@live("requests")
def decided_requests() -> str:
    """Show the requests that were decided, the latest first."""
    q = search_text()
    address = addresses("admin.decided_requests", q=q)
    found = listed(lambda page: queued.decided(page=page, q=q), address)
    return render_template(
        "admin/decided.html",
        decided=found,
        q=q,
        address=address,
        here=address(found.page),
        undo_minutes=int(UNDO_WITHIN.total_seconds() // 60),
    )


@bp.get("/requests/decided.csv")
def decided_requests_csv() -> Response:
    """Export the requests that were decided."""
    return export("decided-requests", DecidedRequest, lambda: queued.every_decided(q=search_text()))


@bp.post("/requests/undo")
def undo_decisions() -> Response:
    """Undo the decisions that the button names."""
    ids = _decisions(request.form.get("undo", ""))
    if len(ids) == 1:
        _undo_one(ids[0])
    else:
        _undo_all(ids)
    return redirect(way_back(url_for("admin.requests")), 303)


def offer_undo(decision_ids: Iterable[int]) -> None:
    """Put an 'Undo' button beside the message, unless the ids would be too long to carry."""
    offer = ",".join(_spans(sorted(decision_ids)))
    if 0 < len(offer) <= _LONGEST_OFFER:
        flash(offer, "undo")


def _undo_one(decision_id: int) -> None:
    try:
        undone = enrollment.undo_decision(decision_id, by=person().id)
    except Refusal as refusal:  # too late, somebody else was first, the course is gone
        flash(refusal.detail, "warning")
        return
    if undone.request_id is not None:
        flash("Undone. The request is back in its old place in the queue.", "success")
    else:
        flash("Undone. " + _NOT_WAITING, "success")


def _undo_all(ids: list[int]) -> None:
    outcomes = Counter(outcome for _, outcome in enrollment.undo_many(ids, by=person().id))
    if outcomes["undone"]:
        flash(f"{counted(outcomes['undone'], 'decision')} undone. {_NOT_WAITING_ALL}", "success")
    for outcome, words in _REFUSED.items():
        if outcomes[outcome]:
            flash(f"{counted(outcomes[outcome], 'decision')} {words}", "warning")
    if not outcomes:
        flash("This decision doesn't exist. See the list of decided requests.", "warning")


_NOT_WAITING = "The request isn't queued again: the student has other access or a newer request."
_NOT_WAITING_ALL = "Students without other access are queued again."
_REFUSED: dict[UndoOutcome, str] = {
    "already_undone": "had already been undone.",
    "too_late": "can no longer be undone. Change access on the page of the student instead.",
    "not_found": "couldn't be undone: the student or course was deleted.",
}


def _spans(ids: list[int]) -> Iterator[str]:
    """Write ids that follow each other as one span, as those of a bulk mostly do: '7-31'."""
    start = 0
    for number in range(1, len(ids) + 1):
        if number == len(ids) or ids[number] != ids[number - 1] + 1:
            first, last = ids[start], ids[number - 1]
            yield str(first) if first == last else f"{first}-{last}"
            start = number


def _decisions(text: str) -> list[int]:
    """Return the ids that the button named; what makes no sense names none."""
    ids: list[int] = []
    for span in text[:_LONGEST_OFFER].split(","):
        first, _, last = span.partition("-")
        bounds = [first, last or first]
        if all(word.isascii() and word.isdecimal() and len(word) < 11 for word in bounds):
            low, high = int(bounds[0]), min(int(bounds[1]), LARGEST_ID)
            ids.extend(range(max(low, 1), min(high + 1, low + MOST_AT_ONCE)))
    return ids[:MOST_AT_ONCE]
