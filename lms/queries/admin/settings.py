"""The school's settings as admins have chosen them, and its public texts."""

from functools import cache
from typing import Any

from sqlalchemy import Select, select

from lms.models import SchoolSettings
from lms.queries.read_model import execute


def chosen() -> dict[str, Any]:
    """Return what admins have chosen, None for each default, and its version."""
    row = execute(_chosen()).mappings().one_or_none()
    names = SchoolSettings.__table__.columns.keys()
    return dict(row) if row is not None else {**dict.fromkeys(names), "version": 0}


def legal_text(name: str) -> str | None:
    """Return a public text, as it was typed; None where there is none."""
    written: str | None = execute(_text(name)).scalar_one_or_none()
    return written


@cache
def _chosen() -> Select[*tuple[Any, ...]]:
    return select(SchoolSettings.__table__).where(SchoolSettings.id == 1)


@cache
def _text(name: str) -> Select[str | None]:
    return select(getattr(SchoolSettings, name)).where(SchoolSettings.id == 1)
