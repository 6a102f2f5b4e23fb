"""10,000 people with a page open, while others learn and are let in."""

import os
import resource
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from tests.bench import processes
from tests.bench.campus import Campus, on_each_engine
from tests.bench.conversation import talking_to
from tests.bench.progress import tell
from tests.bench.results import Result, best_of
from tests.bench.school import Size
from tests.bench.school.size import student_id
from tests.bench.visitors import sign_in
from tests.bench.works import approvals, chapters

TABS = 10_000
INTERVAL = 15
CHANGES = 20
SECONDS = 120
_SIZE = Size(10 * TABS)
_ROUNDS = 2
_PAGES = ("/student/dashboard", "/student/courses", "/student/progress")
ANSWERED = {200, 204, 304}
"""What polls are answered with."""
_GOOD = {"polls": ANSWERED, "changes": {200, 409}}
"""A request that an earlier round has approved is a conflict."""


def main(words: Sequence[str]) -> bool:
    """Print, per engine, errors, times and the CPU left; return whether all targets are met."""
    _allow_connections()
    return on_each_engine(words, _SIZE, _measure)


def _measure(campus: Campus) -> list[Result]:
    people, changes = polls(campus, TABS), _changes(campus)
    return best_of(_ROUNDS, lambda: _afternoon(campus, people, changes))


def polls(campus: Campus, tabs: int) -> list[str]:
    """Return a poll of each of so many students, who have one of three pages open."""
    tell(f"signing {tabs} students in")
    people = sign_in(campus.portal.app, [student_id(number) for number in range(1, tabs + 1)])
    return [
        person.poll(_PAGES[number % len(_PAGES)], "{etag}") for number, person in enumerate(people)
    ]


def _changes(campus: Campus) -> list[str]:
    """Return nine chapters completed or reopened for each request approved."""
    learned = list(chain(*zip(*chapters(campus), strict=True)))
    return [
        change
        for place, approval in enumerate(approvals(campus))
        for change in (*(learned[(place * 9 + n) % len(learned)] for n in range(9)), approval)
    ]


def _afternoon(campus: Campus, people: list[str], changes: list[str]) -> list[Result]:
    job = {
        "port": campus.port,
        "polls": people,
        "changes": changes,
        "seconds": SECONDS,
        "interval": INTERVAL,
        "per_second": CHANGES,
    }
    with talking_to("tests.bench.browsers") as browsers:
        tell(f"{campus.engine}: {TABS} pages load")
        loaded = browsers.say(job)
        assert set(loaded) == {"200"}, loaded
        tell(f"{campus.engine}: {TABS // INTERVAL} polls and {CHANGES} changes a second")
        watched = {"web": campus.workers, **campus.beside}
        before = {name: processes.cpu(pids) for name, pids in watched.items()}
        told = browsers.say(None)
        whole = SECONDS * (os.cpu_count() or 1)
        used = {
            name: processes.spent(before[name], processes.cpu(pids)) * 100 / whole
            for name, pids in watched.items()
        }
    return list(_results(told, used))


def _results(told: dict[str, Any], used: dict[str, float]) -> Iterator[Result]:
    for kind, good in _GOOD.items():
        statuses = {int(status): count for status, count in told[kind].items() if count}
        wrong = {status: count for status, count in statuses.items() if status not in good}
        failure = f"answers {wrong}" if wrong else ""
        number = sum(statuses.values())
        notes = f"{number} {kind}"
        yield Result(f"wrong {kind}", 0, sum(wrong.values()), notes=notes, failure=failure)
    made = sum(told["changes"].values()) / SECONDS
    yield Result("changes a second", CHANGES, made, is_least=True)
    times = sorted(told["times"])
    middle = times[len(times) // 2] * 1000
    p99 = times[len(times) * 99 // 100] * 1000
    yield Result("99 % of polls", 100, p99, " ms", notes=f"half of them {middle:.1f} ms")
    notes = ", ".join(f"{name} {percent:.0f} %" for name, percent in used.items())
    yield Result("CPU used", 50, sum(used.values()), " %", notes=notes)


def _allow_connections() -> None:
    """Allow as many open files as the machine lets us, for us and for the server that we start."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
