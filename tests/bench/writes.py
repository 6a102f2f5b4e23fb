"""Changes by eight processes beside 1,000 people with a page open: none fails, and none is slow."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import chain

from tests.bench import tabs
from tests.bench.campus import Campus, on_each_engine
from tests.bench.conversation import talking_to
from tests.bench.progress import tell
from tests.bench.results import Result, best_of
from tests.bench.school import Size
from tests.bench.school.size import CHAPTERS, course_id, student_id

TABS = 1_000
PROCESSES = 8
SECONDS = 60
WANTED = {"sqlite": 200, "postgresql": 500}
"""Changes a second."""
_SIZE = Size(100_000)
_ROUNDS = 2


def main(words: Sequence[str]) -> bool:
    """Print, per engine, failures and times of the changes; return whether all targets are met."""
    return on_each_engine(words, _SIZE, _measure)


def _measure(campus: Campus) -> list[Result]:
    polls = tabs.polls(campus, TABS)
    return best_of(_ROUNDS, lambda: _minute(campus, polls))


def _minute(campus: Campus, polls: list[str]) -> Iterator[Result]:
    wanted = WANTED[campus.engine]
    watching = {
        "port": campus.port,
        "polls": polls,
        "changes": [],
        "seconds": SECONDS,
        "interval": tabs.INTERVAL,
        "per_second": 0,
    }
    with ExitStack() as stack:
        browsers = stack.enter_context(talking_to("tests.bench.browsers"))
        writers = [stack.enter_context(talking_to("tests.bench.writers")) for _ in range(PROCESSES)]
        loaded = browsers.say(watching)
        assert set(loaded) == {"200"}, loaded
        for place, writer in enumerate(writers):
            writer.say(
                {
                    "url": campus.portal.database_url,
                    "pairs": _pairs(campus, place),
                    "per_second": wanted / PROCESSES,
                    "seconds": SECONDS,
                }
            )
        tell(f"{campus.engine}: {wanted} changes a second beside {TABS} tabs")
        for each in (browsers, *writers):
            each.send(None)
        told = [writer.hear() for writer in writers]
        watched = browsers.hear()
    failures = [failure for each in told for failure in each["failures"].items()]
    made = sum(len(each["times"]) / each["took"] for each in told)
    yield Result("changes a second", wanted, made, is_least=True)
    number = sum(count for _, count in failures)
    yield Result("failed changes", 0, number, failure=f"{failures}" if failures else "")
    times = sorted(chain.from_iterable(each["times"] for each in told))
    middle = times[len(times) // 2] * 1000
    p99 = times[len(times) * 99 // 100] * 1000
    yield Result("99 % of changes", 50, p99, " ms", notes=f"half of them {middle:.1f} ms")
    answers = {int(status): count for status, count in watched["polls"].items() if count}
    wrong = {status: count for status, count in answers.items() if status not in tabs.ANSWERED}
    notes = f"{sum(answers.values())} polls, {answers.get(200, 0)} with news"
    failure = f"answers {wrong}" if wrong else ""
    yield Result("wrong polls", 0, sum(wrong.values()), notes=notes, failure=failure)


def _pairs(campus: Campus, place: int) -> list[tuple[int, int]]:
    """Return students of one process's own, each with a chapter that they have completed."""
    numbers = range(2 + 2 * place, campus.size.students // 2, 2 * PROCESSES)
    return [
        (student_id(number), (course_id(campus.size.first_place(number)) - 1) * CHAPTERS + 1)
        for number in numbers
    ]
