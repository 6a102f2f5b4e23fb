"""The books of a month."""

from lms.queries import books as queries
from lms.refusals import Invalid
from lms.web import behind
from lms.web.api.operation import Operations, Query
from lms.web.turns import turn


class ChosenMonth(Query):
    """The month, such as 2026-10; by default the current one."""

    month: str = ""


def register(operations: Operations) -> None:
    """Add the calls of this module."""

    @operations.add(
        "GET",
        "/admin/payments/books",
        role="admin",
        query=ChosenMonth,
        answers={200: queries.BooksReport},
        refusals=[Invalid],
        is_read_behind=True,
    )
    def books(query: ChosenMonth) -> queries.BooksReport:
        """Return what money moved in a month, per currency and line by line."""
        clocks = queries.present_clocks()
        month = clocks.read(query.month) if query.month else clocks.present
        with turn():
            return behind.read(lambda: queries.report(month, clocks))
