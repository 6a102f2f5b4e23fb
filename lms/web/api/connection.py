"""GET /api/sync/connection: whether anything has changed, for clients that poll."""

from datetime import datetime
from typing import get_args

from flask import current_app

from lms.db import db, now
from lms.live import Topic, version
from lms.queries.connection import requests_waiting, student_counts
from lms.web.api.operation import Answer, Operations
from lms.web.session import person

_STUDENT_TOPICS: tuple[Topic, ...] = ("catalogue", "school")
_ADMIN_TOPICS: tuple[Topic, ...] = get_args(Topic)


class Connection(Answer):
    """What a client needs to stay in sync with the portal."""

    version: int
    """Rises with every change that pages of this person show."""
    poll_seconds: int
    server_time: datetime
    pending_requests: int
    """A student's own, or all that need an admin."""
    enrolled_courses: int | None = None
    """A student's own; null for an admin."""


def register(operations: Operations) -> None:
    """Add the call of this module."""

    @operations.add("GET", "/sync/connection", role="signed_in", answers={200: Connection})
    def connection() -> Connection:
        """Return the version of what this person sees, and the counts for the role."""
        me = person()
        is_admin = me.role == "admin"
        # The version first: a change in between makes the client fetch once more, never too little.
        seen = me.version + version(db.session(), _ADMIN_TOPICS if is_admin else _STUDENT_TOPICS)
        enrolled, pending = (None, requests_waiting()) if is_admin else student_counts(me.id)
        return Connection(
            version=seen,
            poll_seconds=current_app.config["LMS_POLL_SECONDS"],
            server_time=now(),
            pending_requests=pending,
            enrolled_courses=enrolled,
        )
