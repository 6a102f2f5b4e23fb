"""A filled school with the portal running on it, and people who are signed in."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection

from lms.db import db
from tests.bench import processes
from tests.bench.engines import ENGINES, schools
from tests.bench.progress import tell
from tests.bench.results import HEADING, Result
from tests.bench.school import Size
from tests.bench.school.size import student_id
from tests.bench.visitors import Visitor, sign_in
from tests.server import Portal, serving

STUDENTS = 64
_ADMIN_ID = 1
_CALM = 0.05
"""How much of a core may be at work beside the web server before measurements begin."""


@dataclass(frozen=True, eq=False)
class Campus:
    """The running portal, as the load generator sees it."""

    portal: Portal
    engine: str
    size: Size
    students: list[Visitor]
    """The first in the order of their numbers, which count from 1."""
    admins: list[Visitor]
    """Sign-ins of one admin."""

    @property
    def name(self) -> str:
        number = self.size.enrollments
        return (
            f"{self.engine} {number // 1_000_000}m"
            if number % 1_000_000 == 0
            else (f"{self.engine} {number // 1000}k")
        )

    @property
    def port(self) -> int:
        return self.portal.port

    @property
    def workers(self) -> list[int]:
        """The web server's processes, all of which share its socket."""
        return processes.listening(self.port, processes.family(self.portal.pid))

    @property
    def beside(self) -> dict[str, list[int]]:
        """The background worker and PostgreSQL."""
        web = self.workers
        others = [pid for pid in processes.family(self.portal.pid) if pid not in web]
        return {"worker": others, "database": self._database()}

    def etag(self, visitor: Visitor, path: str) -> str:
        """Return the tag that a live page's polls carry."""
        connection = HTTPConnection("127.0.0.1", self.port)
        headers = {"Cookie": visitor.cookie, "X-Live": "none=0"}
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        tag = answer.headers["ETag"]
        assert tag, f"{path} has no tag: {answer.status}"
        return tag

    def _database(self) -> list[int]:
        if self.engine != "postgresql":
            return []
        [[backend]] = self.portal.sql("SELECT pg_backend_pid()")
        return processes.family(processes.parent(backend))


@contextmanager
def open_campus(url: str, size: Size) -> Iterator[Campus]:
    """Serve a filled school, and wait until the repair of the start is over."""
    daily = {"LMS_AUTO_FIX_SECONDS": "86400"}
    with serving(url, **daily) as portal:
        with portal.app.app_context():
            engine = db.engine.dialect.name
        students = sign_in(portal.app, [student_id(1 + n) for n in range(STUDENTS)])
        admins = sign_in(portal.app, [_ADMIN_ID] * 8)
        campus = Campus(portal, engine, size, students, admins)
        tell(f"{campus.name}: waiting for the validation of the start")
        while not _is_calm(campus):
            pass  # each look takes a second
        yield campus


def on_each_engine(
    words: Sequence[str], size: Size, measure: Callable[[Campus], list[Result]]
) -> bool:
    """Print what is measured of a school on the engines among the words, else on all of them.

    Returns whether all targets are met.
    """
    engines = [word for word in words if word in ENGINES] or list(ENGINES)
    results: list[Result] = []
    with schools(size.enrollments, engines) as all_schools:
        for url, _ in all_schools:
            with open_campus(url, size) as campus:
                found = measure(campus)
            print(f"\n{campus.name}\n{HEADING}")
            for result in found:
                print(result, flush=True)
            results += found
    return not any(result.is_missed for result in results)


def _is_calm(campus: Campus) -> bool:
    watched = [pid for pids in campus.beside.values() for pid in pids]
    before = processes.cpu(watched)
    time.sleep(1)
    return processes.spent(before, processes.cpu(watched)) < _CALM
