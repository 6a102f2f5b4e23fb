"""What a certificate costs, and how big a worker becomes."""

from tests.bench import processes
from tests.bench.campus import Campus
from tests.bench.floor import Floor
from tests.bench.load import CONNECTIONS, Generator, Lines
from tests.bench.results import Result
from tests.bench.rows import ROWS
from tests.bench.school.size import course_id

_CERTIFICATE = f"/student/courses/{course_id(1)}/certificate"
"""That of student number 1, whose name is Chinese."""
_REQUESTS = 10_000
_LATER = 20
_TURNS = 4
"""How often each connection goes through everything until it asks for a certificate."""


def certificates(campus: Campus, sender: Generator, _floor: Floor) -> list[Result]:
    """Draw one on a worker that has drawn none since its start, then others."""
    campus.portal.stop()
    campus.portal.start()
    student = campus.students[0]
    sender.load(campus, [[student.get("/student/dashboard")] * 20] * CONNECTIONS, once=True)
    before = {pid: processes.memory(pid) for pid in campus.workers}
    first = sender.load(campus, [[student.get(_CERTIFICATE)]], once=True)
    sender.load(campus, [[student.get(_CERTIFICATE)] * 2] * CONNECTIONS, once=True)
    later = sender.load(campus, [[student.get(_CERTIFICATE)] * _LATER], once=True)
    grown = max(processes.memory(pid) - size for pid, size in before.items())
    failure = "" if set(first.statuses) == {200} else f"answers {first.statuses}"
    return [
        Result("certificate, first", 60, first.cpu * 1000, " ms", failure=failure),
        Result("certificate, later", 10, later.cpu * 1000, " ms"),
        Result("certificate, memory", 20, grown, " MB"),
    ]


def memory(campus: Campus, sender: Generator, _floor: Floor) -> list[Result]:
    """Send 10,000 requests of all kinds to new workers, and see how much the bigger one holds."""
    campus.portal.stop()
    campus.portal.start()
    load = sender.load(campus, _mixed(campus), seconds=600, most=_REQUESTS)
    failures = {status: count for status, count in load.statuses.items() if status not in _GOOD}
    held, shared = max((processes.memory(pid), processes.shared(pid)) for pid in campus.workers)
    notes = f"{load.requests} requests, {load.per_second:.0f} a second, {shared:.0f} MB shared"
    failure = f"answers {failures}" if failures else ""
    return [Result("memory of a worker", 130, held, " MB", notes=notes, failure=failure)]


_GOOD = {200, 304}


def _mixed(campus: Campus) -> Lines:
    """Return all that can be repeated, a poll before each, and now and then a certificate."""
    polls, *others = (row.work(campus) for row in ROWS if not row.once)
    lines: Lines = []
    for number, poll in enumerate(polls):
        line: list[str] = []
        for turn in range(_TURNS):
            for work in others:
                mine = work[number % len(work)]
                line += [*poll, mine[turn % len(mine)]]
        lines.append([*line, campus.students[0].get(_CERTIFICATE)])
    return lines
