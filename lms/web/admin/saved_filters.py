"""Saved filters of the list pages, as links on the page."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import flash, redirect, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from lms import accounts
from lms.queries import people
from lms.refusals import Invalid
from lms.texts import one_line
from lms.web.admin.blueprint import bp
from lms.web.forms import text_field, way_back
from lms.web.live import is_poll
from lms.web.session import person

_FILTERS = {  # page: what its address may hold
    "requests": ("q", "course"),
    "students": ("q",),
    "payments": ("q", "status"),
    "audit": ("q", "student", "course", "action", "actor", "from", "to"),
}
_LONGEST = 500


class FilterForm(FlaskForm):
    """The name of a filter."""

    name = text_field("Name", most=60, required="Enter a name for the filter.")


@dataclass(frozen=True)
class KeptFilter:
    """A filter as a link on its page."""

    id: int
    name: str
    address: str
    is_current: bool


@dataclass(frozen=True)
class KeptFilters:
    """A page's saved filters, and its current one."""

    page: str
    query: str
    filters: list[KeptFilter]

    @property
    def can_be_kept(self) -> bool:
        """Whether the page is filtered in a way that is not kept yet."""
        return bool(self.query) and not any(kept.is_current for kept in self.filters)


@bp.context_processor
def filters() -> dict[str, Callable[[str], KeptFilters | None]]:
    """Give the list pages their kept filters; polls leave them as they are."""
    return {"saved_filters": _kept_filters}


@bp.post("/filters/<any('requests', 'students', 'payments', 'audit'):page>")
def save_filter(page: str) -> Response:
    """Keep what the page is filtered by."""
    form = FilterForm()
    query = _canonical(page, parse_qsl(request.form.get("query", "")))
    if not query:
        flash("Search or filter the list first.", "info")
    elif not form.validate():
        flash(" ".join(form.name.errors) or "Send the form again.", "warning")
    else:
        _save(page, form.name.data or "", query)
    return redirect(_address(page, query), 303)


@bp.post("/filters/<int:filter_id>/delete")
def delete_filter(filter_id: int) -> Response:
    """Delete a filter."""
    accounts.delete_filter(filter_id, by=person().id)
    flash("Filter deleted.", "success")
    return redirect(way_back(url_for("admin.requests")), 303)


def _save(page: str, name: str, query: str) -> None:
    try:
        accounts.save_filter(person().id, page=page, name=name, query=query)
    except Invalid as refusal:  # as many as one can keep
        flash(refusal.detail, "warning")
    else:
        flash(f"Filter saved as “{name}”.", "success")


def _kept_filters(page: str) -> KeptFilters | None:
    if is_poll():
        return None
    query = _canonical(page, request.args.items())
    kept = [
        KeptFilter(row.id, row.name, _address(page, row.query), row.query == query)
        for row in people.saved_filters(person().id, page)
    ]
    return KeptFilters(page, query, kept)


def _canonical(page: str, given: Iterable[tuple[str, Any]]) -> str:
    """Return a filter as a query string in a fixed order."""
    values = dict(given)
    chosen = [(name, one_line(str(values[name]))) for name in _FILTERS[page] if name in values]
    query = urlencode([(name, value) for name, value in chosen if value], errors="replace")
    return query if len(query) <= _LONGEST else ""


def _address(page: str, query: str) -> str:
    address = url_for(f"admin.{page}")
    return f"{address}?{query}" if query else address
