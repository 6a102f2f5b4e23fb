"""The table of the issue on speed: what each work costs, on each engine and at each size."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from tests.bench.campus import Campus, open_campus
from tests.bench.engines import ENGINES, schools
from tests.bench.floor import Floor, running
from tests.bench.load import Generator, Load, generator
from tests.bench.memory import certificates, memory
from tests.bench.results import HEADING, Result, better
from tests.bench.rows import ROWS, Row
from tests.bench.school import Size

SIZES = {"10k": 10_000, "1m": 1_000_000}
_GROWTH = 1.3
_ROUNDS = 2
_WARMING = 2
"""Requests on each connection that are not measured."""
Measure = Callable[[Campus, Generator, Floor], list[Result]]


def main(words: Sequence[str]) -> bool:
    """Print the table, or what the words select of it; return whether all targets are met."""
    engines = [word for word in words if word in ENGINES] or list(ENGINES)
    sizes = [size for name, size in SIZES.items() if name in words] or list(SIZES.values())
    chosen = [word for word in words if word not in {*ENGINES, *SIZES}]
    measures = {
        name: measure
        for name, measure in _measures().items()
        if not chosen or any(word in name for word in chosen)
    }
    results: dict[tuple[str, int], list[Result]] = {}
    with running() as floor, generator() as sender:
        for size in sizes:
            with schools(size, engines) as all_schools:
                for url, app in all_schools:
                    engine = app.extensions["sqlalchemy"].engine.dialect.name
                    with open_campus(url, Size(size)) as campus:
                        results[engine, size] = _table(campus, sender, floor, measures)
    growth = list(_growth(results))
    for result in growth:
        print(result, flush=True)
    missed = [each for each in [*growth, *chain(*results.values())] if each.is_missed]
    print(f"{len(missed)} targets missed by more than 30 % in {_ROUNDS} rounds")
    return not missed


def _measures() -> dict[str, Measure]:
    rows: dict[str, Measure] = {row.name: _of(row) for row in ROWS}
    return rows | {"certificate": certificates, "memory": memory}


def _table(
    campus: Campus, sender: Generator, floor: Floor, measures: dict[str, Measure]
) -> list[Result]:
    """Measure everything once, and what misses its target once more.

    Memory depends on what is sent, not on the school: it is measured in the smallest.
    """
    if campus.size.enrollments > min(SIZES.values()):
        measures = {name: each for name, each in measures.items() if each is not memory}
    print(f"\n{campus.name}\n{HEADING}", flush=True)
    table: list[Result] = []
    for measure in measures.values():
        results = measure(campus, sender, floor)
        for _ in range(_ROUNDS - 1):
            if any(result.is_missed for result in results):
                again = measure(campus, sender, floor)
                results = [better(*both) for both in zip(results, again, strict=True)]
        for result in results:
            print(result, flush=True)
        table += results
    return table


def _of(row: Row) -> Measure:
    def measure(campus: Campus, sender: Generator, floor: Floor) -> list[Result]:
        lines = row.work(campus)
        sender.load(campus, [line[:_WARMING] for line in lines], once=True)
        if row.once:
            lines = [line[_WARMING:] for line in lines]
        bare = floor.measure(sender)
        load = sender.load(campus, lines, once=row.once)
        results = [_cost(row, campus, load, bare)]
        if row.speed:
            ratio = load.per_second / bare.per_second
            notes = f"{load.per_second:.0f} requests/s, bare {bare.per_second:.0f}"
            results.append(
                Result(f"{row.name}, speed", row.speed, ratio, is_least=True, notes=notes)
            )
        return results

    return measure


def _cost(row: Row, campus: Campus, load: Load, bare: Load) -> Result:
    beside = " ".join(
        f"{name} {cpu / bare.cpu:.1f}" for name, cpu in load.beside.items() if cpu > bare.cpu / 2
    )
    notes = f"{load.cpu * 1000:.2f} ms, p99 {load.percentile(99) * 1000:.0f} ms {beside}"
    wrong = {status: count for status, count in load.statuses.items() if status != row.status}
    failure = f"answers {wrong}" if wrong else ""
    return Result(
        row.name, row.target(campus.engine), load.cpu / bare.cpu, notes=notes, failure=failure
    )


def _growth(results: dict[tuple[str, int], list[Result]]) -> Iterator[Result]:
    """Compare the two sizes, where both were measured."""
    small, big = SIZES.values()
    steady = {row.name for row in ROWS if row.stays}
    for engine in ENGINES:
        before = {each.name: each for each in results.get((engine, small), [])}
        for after in results.get((engine, big), []):
            if after.name in steady and after.name in before:
                ratio = after.measured / before[after.name].measured
                yield Result(f"{engine}, growth of {after.name}", _GROWTH, ratio)
