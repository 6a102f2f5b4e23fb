"""Worker processes that call verbs at the same moment, as the portal's own workers would."""

import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pkgutil import resolve_name
from threading import Barrier
from typing import Any

from flask import Flask
from sqlalchemy import select

from lms import enrollment
from lms.db import db
from lms.refusals import Refusal
from tests.databases import delete_files, portal
from tests.forks import FORKS
from tests.invariants import assert_invariants
from tests.patience import PATIENCE

PROCESSES = 2


@dataclass(frozen=True)
class Call:
    """One call by name, since it has to cross to another process.

    A verb of lms.enrollment, or `module:function` for anything else.
    """

    verb: str
    arguments: tuple[Any, ...]
    named: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a call came to: a value, the name of a refusal, or the traceback of anything else."""

    value: Any = None
    refusal: str | None = None
    error: str | None = None


Race = Callable[[list[Call]], list[Outcome]]


def call(verb: str, *arguments: Any, **named: Any) -> Call:
    return Call(verb, arguments, named)


class Racers:
    """Processes that each run their share of the calls in as many threads, all at once."""

    def __init__(self) -> None:
        self._start = FORKS.Barrier(PROCESSES)
        self._workers: list[tuple[BaseProcess, Connection]] = []
        for _ in range(PROCESSES):
            here, there = FORKS.Pipe()
            process = FORKS.Process(target=_work, args=(there, self._start), daemon=True)
            process.start()
            self._workers.append((process, here))

    def race(self, database_url: str, calls: Sequence[Call]) -> list[Outcome]:
        """Make all calls at the same moment and return what each came to, in their order."""
        shares = [calls[n::PROCESSES] for n in range(PROCESSES)]
        for (_, pipe), share in zip(self._workers, shares, strict=True):
            pipe.send((database_url, share))
        outcomes: list[Outcome] = [Outcome()] * len(calls)
        for n, (_, pipe) in enumerate(self._workers):
            outcomes[n::PROCESSES] = pipe.recv()
        return outcomes

    def dismiss(self) -> None:
        for process, pipe in self._workers:
            pipe.close()
            process.join(PATIENCE)


@contextmanager
def racers() -> Iterator[Racers]:
    """Lend worker processes for races."""
    racers = Racers()
    try:
        yield racers
    finally:
        racers.dismiss()


@contextmanager
def sound_races(racers: Racers, database_url: str) -> Iterator[Race]:
    """Let calls race; anything but success and a named refusal fails, as do invariants."""

    def run(calls: list[Call]) -> list[Outcome]:
        db.session.remove()
        outcomes = racers.race(database_url, calls)
        errors = [outcome.error for outcome in outcomes if outcome.error]
        assert not errors, errors[0]
        return outcomes

    yield run
    assert_invariants(db.session())
    db.session.remove()


def _work(pipe: Connection, start: Any) -> None:
    while True:
        try:
            database_url, calls = pipe.recv()
        except EOFError:
            delete_files()  # a fork ends without the goodbyes of an interpreter
            return
        app = portal(database_url)
        try:
            pipe.send(_run(app, calls, start))
        finally:
            with app.app_context():
                db.engine.dispose()


def _run(app: Flask, calls: Sequence[Call], start: Any) -> list[Outcome]:
    ready = Barrier(len(calls), action=lambda: start.wait(PATIENCE))

    def run(call: Call) -> Outcome:
        with app.app_context():
            db.session.execute(select(1))  # connected before the start, as a busy worker is
            db.session.rollback()  # but what is read first is read after the start
            ready.wait(PATIENCE)
            try:
                return Outcome(value=_verb(call.verb)(*call.arguments, **call.named))
            except Refusal as refusal:
                return Outcome(refusal=type(refusal).__name__)
            except Exception:  # noqa: BLE001 - the race's test shows whatever it was
                return Outcome(error=traceback.format_exc())

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


def _verb(name: str) -> Callable[..., Any]:
    verb: Callable[..., Any] = resolve_name(name) if ":" in name else getattr(enrollment, name)
    return verb
