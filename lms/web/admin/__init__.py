"""What admins see and do in the browser: one module per noun, on one blueprint."""

from lms.web.admin import (
    analytics,
    audit,
    books,
    certificates,
    chapters,
    courses,
    decisions,
    erasures,
    invitations,
    payments,
    people,
    requests,
    saved_filters,
    stripe,
    students,
    sync,
    ways_in,
)
from lms.web.admin.blueprint import bp

__all__ = [
    "analytics",
    "audit",
    "books",
    "bp",
    "certificates",
    "chapters",
    "courses",
    "decisions",
    "erasures",
    "invitations",
    "payments",
    "people",
    "requests",
    "saved_filters",
    "stripe",
    "students",
    "sync",
    "ways_in",
]
