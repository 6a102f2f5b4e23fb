"""A student's notices and certificates, as JSON."""

from typing import Annotated

from pydantic import Field

from lms import enrollment
from lms.queries import student as queries
from lms.web.api.inputs import Id, PageNumber
from lms.web.api.operation import Answer, Body, Operations, Query
from lms.web.bounds import MOST_AT_ONCE
from lms.web.session import person


class NoticesQuery(Query):
    """Which page of the notices."""

    page: PageNumber = 1


class NoticesRead(Body):
    """Which notices have been read; without ids, all."""

    ids: Annotated[list[Id], Field(max_length=MOST_AT_ONCE)] | None = None


class Unread(Answer):
    """How many notices are unread."""

    unread: int


class Certificates(Answer):
    """The student's certificates."""

    certificates: list[queries.StudentCertificate]


def register(operations: Operations) -> None:
    """Add the calls of this module."""

    @operations.add(
        "GET",
        "/student/notices",
        role="student",
        answers={200: queries.NoticeList},
        query=NoticesQuery,
        topics=("catalogue",),
    )
    def student_notices(query: NoticesQuery) -> queries.NoticeList:
        """List the student's notices, newest first."""
        return queries.notices(person().id, query.page)

    @operations.add(
        "POST",
        "/student/notices/read",
        role="student",
        answers={200: Unread},
        body=NoticesRead,
    )
    def read_notices(body: NoticesRead) -> Unread:
        """Mark notices as read: those listed, or all of the student's own."""
        enrollment.read_notices(person().id, body.ids)
        return Unread(unread=queries.unread_notices(person().id))

    @operations.add(
        "GET",
        "/student/certificates",
        role="student",
        answers={200: Certificates},
        topics=("catalogue",),
    )
    def student_certificates() -> Certificates:
        """List the student's certificates, the newest first."""
        return Certificates(certificates=queries.certificates(person().id))
