"""Lists are paged, with one page size."""

from typing import Any

from sqlalchemy import Select, func

from lms.db import db

PAGE_SIZE = 50


def total(found: Select[Any]) -> int:
    """Return how many rows a statement finds over all pages."""
    number = found.order_by(None).with_only_columns(func.count(), maintain_column_froms=True)
    return db.session.scalar(number) or 0


def counted(found: Select[Any], page: int) -> dict[str, int]:
    """Return what a list says beside its rows: how many there are, and on how many pages."""
    number = total(found)
    return {"total": number, "page": page, "pages": pages(number)}


def pages(total: int) -> int:
    """Return how many pages hold so many rows; an empty list has one page that says so."""
    return max(1, -(-total // PAGE_SIZE))


def paged(found: Select[Any], page: int) -> Select[Any]:
    """Return the statement for one page; beyond the last it finds nothing."""
    return found.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)
