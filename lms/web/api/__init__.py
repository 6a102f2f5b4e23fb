"""The JSON interface: the same queries and verbs as the pages, described by /api/openapi.json."""

from flask import Blueprint

from lms.web.api import (
    admin,
    books,
    connection,
    decisions,
    notices,
    openapi,
    payments,
    session,
    student,
    sync,
)
from lms.web.api.operation import Operations

bp = Blueprint("api", __name__, url_prefix="/api")

operations = Operations(bp)
for module in (
    session,
    payments,
    books,
    student,
    notices,
    admin,
    decisions,
    connection,
    sync,
    openapi,
):
    module.register(operations)
