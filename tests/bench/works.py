"""What is sent for each work of the table: a list of requests for each connection."""

from collections.abc import Callable, Iterator
from itertools import islice

from tests.bench.campus import Campus
from tests.bench.load import CONNECTIONS, Lines
from tests.bench.school.size import CHAPTERS, DIRECT, REQUESTED, VISIBLE, course_id, student_id
from tests.builders import without_limit

Work = Callable[[Campus], Lines]


def anybody(path: str) -> Work:
    """Return the work of asking for a page that needs no sign-in."""
    return lambda campus: _dealt(visitor.get(path) for visitor in campus.students)


def students(path: str) -> Work:
    """Return the work of many students asking for a page; {course} is one of their courses."""

    def lines(campus: Campus) -> Lines:
        return _dealt(
            visitor.get(path.format(course=course_id(campus.size.first_place(number))))
            for number, visitor in enumerate(campus.students, 1)
        )

    return lines


def admins(path: str) -> Work:
    """Return the work of an admin asking for a page."""
    return lambda campus: _dealt(visitor.get(path) for visitor in campus.admins)


def polls(campus: Campus) -> Lines:
    """Ask for news of which there are none."""
    path = "/student/courses"
    return _dealt(
        visitor.poll(path, campus.etag(visitor, path)) for visitor in campus.students[:CONNECTIONS]
    )


def chapters(campus: Campus) -> Lines:
    """Mark the first chapter of a course incomplete, and complete again."""
    return [
        [_mark(campus, number, completed=completed) for completed in (False, True)]
        for number in range(2, 2 * CONNECTIONS + 1, 2)  # they have completed just this one
    ]


class Once:
    """Changes that can be made once: each measurement takes the next of them."""

    def __init__(self, changes: Callable[[Campus], Iterator[str]], *, most: int) -> None:
        self._changes, self._most = changes, most
        self._left: dict[Campus, Iterator[str]] = {}

    def __call__(self, campus: Campus) -> Lines:
        left = self._left.setdefault(campus, self._changes(campus))
        return _dealt(islice(left, self._most))


def enrollments(campus: Campus) -> Iterator[str]:
    """Join courses that are public and free."""
    for number, place in _unknown(campus, DIRECT):
        body = {"courseId": course_id(place)}
        yield campus.students[number - 1].send("POST", "/api/student/enroll", body)


def requests(campus: Campus) -> Iterator[str]:
    """Request access to courses."""
    those = (student_id(place + 1) for place in range(len(campus.students)))
    campus.portal.call(without_limit, "request", *those)
    for number, place in _unknown(campus, REQUESTED):
        if number % 5:  # the others are waiting already
            body = {"courseId": course_id(place)}
            yield campus.students[number - 1].send("POST", "/api/student/requests", body)


def approvals(campus: Campus) -> Iterator[str]:
    """Approve requests, the longest waiting last."""
    waiting = campus.portal.sql("SELECT id FROM access_requests ORDER BY id DESC LIMIT 2000")
    for place, (request_id,) in enumerate(waiting):
        admin = campus.admins[place % len(campus.admins)]
        body = {"action": "approve"}
        yield admin.send("PATCH", f"/api/admin/requests/{request_id}", body)


def _dealt(requests: Iterator[str]) -> Lines:
    """Deal requests to the connections."""
    known = list(requests)
    return [line for start in range(CONNECTIONS) if (line := known[start::CONNECTIONS])]


def _mark(campus: Campus, number: int, *, completed: bool) -> str:
    chapter = (course_id(campus.size.first_place(number)) - 1) * CHAPTERS + 1
    body = {"chapterId": chapter, "completed": completed}
    return campus.students[number - 1].send("POST", "/api/student/chapters/complete", body)


def _unknown(campus: Campus, kind: int) -> Iterator[tuple[int, int]]:
    """Find students and places of a kind of course where they are not."""
    for place in range(kind, VISIBLE, 4):
        for number in range(1, len(campus.students) + 1):
            if not campus.size.is_enrolled(number, place):
                yield number, place
