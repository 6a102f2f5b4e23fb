"""The latest runs of auto-fix."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from lms.db import db
from lms.models import SyncRun
from lms.queries.read_model import read_model


@read_model
class Run:
    """One run of auto-fix."""

    id: int
    trigger: str
    status: str
    is_dry_run: bool
    fixed: dict[str, Any]
    remaining: dict[str, Any]
    started_at: datetime
    finished_at: datetime | None


def runs(limit: int = 20) -> list[Run]:
    """Return the latest runs."""
    rows = db.session.execute(
        select(*(getattr(SyncRun, name) for name in Run.__annotations__))
        .order_by(SyncRun.id.desc())
        .limit(limit)
    )
    return [Run(**row._asdict()) for row in rows]
