"""The query parameters of list pages; invalid ones are ignored."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode

from flask import abort, redirect, request, url_for

from lms.db import LARGEST_ID
from lms.web.bounds import MOST_AT_ONCE
from lms.web.forms import page_number
from lms.web.live import is_poll


class _Listed(Protocol):
    @property
    def pages(self) -> int: ...


L = TypeVar("L", bound=_Listed)
_PLACES = {"page", "before"}


def chosen_id(name: str) -> int | None:
    """Return the id that was chosen in a filter, if any."""
    text = request.args.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) <= 10):
        return None
    return int(text) if 1 <= int(text) <= LARGEST_ID else None


def chosen_date(name: str) -> date | None:
    """Return the day that was chosen in a filter, if any."""
    try:
        day = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
    return day if 1970 <= day.year <= 9998 else None


def ids(texts: Iterable[str]) -> list[int]:
    """Return the ids of rows that a form names, as many as are changed at once."""
    numbers = [
        int(text) for text in texts if text.isascii() and text.isdecimal() and len(text) < 11
    ]
    return [number for number in numbers if 1 <= number <= LARGEST_ID][:MOST_AT_ONCE]


def chosen() -> dict[str, str]:
    """Return all that the page is filtered by: everything but which part of it is shown."""
    return {name: value for name, value in request.args.items() if value and name not in _PLACES}


def filtered(endpoint: str, *, before: int | None = None, **values: Any) -> str:
    """Return an address with all that the page is filtered by, from the entry `before` on."""
    query = chosen() | ({} if before is None else {"before": str(before)})
    address = url_for(endpoint, **values)
    # Not as values of the route: a client could name one that means something to url_for.
    return f"{address}?{urlencode(query, errors='replace')}" if query else address


def addresses(endpoint: str, **chosen: Any) -> Callable[[int], str]:
    """Return what gives each page of a list its address, with the filters kept."""
    kept = {name: value for name, value in chosen.items() if value}

    def address(page: int) -> str:
        return url_for(endpoint, **kept, page=page if page > 1 else None)

    return address


def listed(find: Callable[[int], L], address: Callable[[int], str]) -> L:
    """Return the requested page of a list; beyond the last one, the last.

    A poll gets the last one at once: sent elsewhere, the page would lose its messages and what is
    being typed, just because somebody has decided the rows that it showed.
    """
    page = page_number()
    found = find(page)
    if page > found.pages:
        if not is_poll():
            abort(redirect(address(found.pages)))
        found = find(found.pages)
    return found
