"""The table: each work with its targets, which stand in the issue on speed and nowhere else."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench import works
from tests.bench.works import Once, Work, admins, anybody, students

LISTS = (11, 15)
PAGES = (9, 13)
VERBS = (9, 13)
JSON = (6, 9)


@dataclass(frozen=True)
class Row:
    """One work, and how much of a bare route's CPU a request may take on each engine."""

    name: str
    work: Work
    targets: tuple[float, float]
    """On SQLite and on PostgreSQL."""
    status: int = 200
    once: bool = False
    """Whether no request may be sent twice."""
    stays: bool = False
    """Whether it may cost little more in a school of a million enrollments."""
    speed: float = 0
    """How many times the requests of a bare route it answers at least."""

    def target(self, engine: str) -> float:
        """Return the target on an engine."""
        return self.targets[engine == "postgresql"]


def _student_pages() -> Iterator[Row]:
    yield Row("student dashboard", students("/student/dashboard"), PAGES)
    yield Row("student courses", students("/student/courses"), (12, 16))
    yield Row("reader", students("/student/courses/{course}"), PAGES)
    yield Row("progress", students("/student/progress"), PAGES)
    for name in (
        *("courses", "enrolled-courses", "progress-details"),
        *("stats", "requests", "payments"),
    ):
        yield Row(f"JSON {name}", students(f"/api/student/{name}"), JSON)


def _admin_pages() -> Iterator[Row]:
    for name, path in {
        "queue": "requests",
        "students": "students",
        "payments": "payments",
        "audit": "audit",
        "courses": "courses",
        "search of a name": "students?q=silva",
        "search of an address": "students?q=dent123",
        "search of a payment": "payments?q=silva",
    }.items():
        yield Row(f"admin {name}", admins(f"/admin/{path}"), LISTS, stays=True)
    yield Row("admin analytics", admins("/admin/analytics"), (20, 20))
    yield Row("admin sync", admins("/admin/sync"), (12, 12))


ROWS = (
    Row("unchanged poll", works.polls, (0.3, 0.3), status=304, speed=3),
    Row("/healthz", anybody("/healthz"), (0.5, 0.5)),
    *_student_pages(),
    *_admin_pages(),
    Row("complete a chapter", works.chapters, (8, 12)),
    Row("enroll", Once(works.enrollments, most=280), VERBS, status=201, once=True),
    Row("request", Once(works.requests, most=280), VERBS, status=201, once=True),
    Row("approve", Once(works.approvals, most=80), VERBS, once=True),
)
