"""Lists are paged, with one page size."""

from functools import lru_cache
from typing import Any

from sqlalchemy import Integer, Select, bindparam, func

from lms.queries.read_model import execute

PAGE_SIZE = 50
SHAPES = 256
"""Statements that are kept: those that are built once, and the latest searches."""


def total(found: Select[Any], **values: Any) -> int:
    """Return how many rows a statement finds over all pages."""
    return execute(_number_of(found), **values).scalar() or 0


def counted(
    found: Select[Any],
    page: int,
    *,
    by_sum: Select[Any] | None = None,
    shown: int | None = None,
    **values: Any,
) -> dict[str, int]:
    """Return what a list says beside its rows: how many there are, and on how many pages.

    A list of everything has a sum that says so; otherwise the rows are counted. `shown`: how many
    are on this page of a search: where that is the last, it tells the number without a second look
    through everybody.
    """
    if shown is not None and (0 < shown < PAGE_SIZE or (shown, page) == (0, 1)):
        number = skipped(page) + shown
    else:
        number = execute(_number_of(found) if by_sum is None else by_sum, **values).scalar() or 0
    return {"total": number, "page": page, "pages": pages(number)}


def pages(total: int) -> int:
    """Return how many pages hold so many rows; an empty list has one page that says so."""
    return max(1, -(-total // PAGE_SIZE))


@lru_cache(SHAPES)  # by identity: a statement that is built once is paged once
def paged(found: Select[Any]) -> Select[Any]:
    """Return the statement for the page that `skipped` names; beyond the last it finds nothing."""
    return found.limit(PAGE_SIZE).offset(bindparam("skipped", type_=Integer))


@lru_cache(SHAPES)
def unpaged(found: Select[Any]) -> Select[Any]:
    """Return the statement for all pages together, which an export orders by itself."""
    return found.order_by(None)


def skipped(page: int) -> int:
    """Return how many rows come before a page."""
    return (page - 1) * PAGE_SIZE


@lru_cache(SHAPES)
def _number_of(found: Select[Any]) -> Select[Any]:
    return found.order_by(None).with_only_columns(func.count(), maintain_column_froms=True)
