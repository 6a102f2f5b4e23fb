"""Questions whose answers may never come: who asks waits as long as they like, and no longer."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Generic, TypeVar

R = TypeVar("R")

PATIENCE_SECONDS = 0.07
"""How long a monitor waits for what the portal asks the database."""
_ABANDONED_SECONDS = 60
"""A question this old is asked again beside it: its answer may be on a connection that is dead.

Once, however long that takes: each keeps a connection, and pages need some, too.
"""


def deadline() -> float:
    """Return the moment, by `time.monotonic`, until which a monitor waits."""
    return time.monotonic() + PATIENCE_SECONDS


class Question(Generic[R]):
    """A call in a thread of its own, which ends with the process."""

    def __init__(self, ask: Callable[[], R]) -> None:
        self.asked_at = time.monotonic()
        self._answered = Event()
        self._answer: R | None = None
        self._error: Exception | None = None
        Thread(target=self._carry_out, args=(ask,), daemon=True, name="question").start()

    def answer(self, deadline: float) -> R | None:
        """Return the answer, or None if there is none by then; raise what the call raised."""
        self._answered.wait(max(0.0, deadline - time.monotonic()))
        if self._error is not None:
            raise self._error
        return self._answer

    @property
    def is_answered(self) -> bool:
        """Whether the call has ended."""
        return self._answered.is_set()

    @property
    def has_failed(self) -> bool:
        """Whether the call has ended by raising."""
        return self._error is not None

    def _carry_out(self, ask: Callable[[], R]) -> None:
        try:
            self._answer = ask()
        except Exception as error:  # noqa: BLE001 - told to whoever asked
            self._error = error
        finally:
            self._answered.set()


class Few(Generic[R]):
    """Questions that differ with each caller, so many at once and no more."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._open: list[Question[R]] = []

    def ask(self, ask: Callable[[], R]) -> Question[R] | None:
        """Ask, unless too many wait for their answers already."""
        with self._lock:
            self._open = [each for each in self._open if not each.is_answered]
            if len(self._open) >= self._most:
                return None
            self._open.append(question := Question(ask))
            return question


@dataclass(frozen=True)
class Heard(Generic[R]):
    """The latest answer, if there ever was one."""

    answer: R | None
    age: float
    """How many seconds ago it was asked for: infinitely many if there never was one."""
    silence: float
    """For how many seconds an answer has been waited for; 0 if none is."""


class Probe(Generic[R]):
    """A question that is asked again and again, once at a time however many ask."""

    def __init__(self, *, good_for: float = 0) -> None:
        """Begin without an answer. An answer is `good_for` so many seconds, an error for none."""
        self._good_for = good_for
        self._lock = Lock()
        self._open: Question[R] | None = None
        self._abandoned: Question[R] | None = None
        self._closed: Question[R] | None = None
        self._silent_since = 0.0

    def ask(self, ask: Callable[[], R]) -> None:
        """Ask anew, unless somebody else has, or the latest answer is still good."""
        now = time.monotonic()
        with self._lock:
            self._close()
            if self._open is None:
                if self._is_good(now):
                    return
                self._silent_since = now
            elif self._may_abandon(self._open, now):
                self._abandoned = self._open
            else:
                return
            self._open = Question(ask)

    def heard(self, deadline: float) -> Heard[R]:
        """Return what was answered until then; raise what the latest call that ended raised.

        To be called after `ask`: then no error is older than that, unless its successor is silent.
        """
        with self._lock:
            waiting = self._open
        if waiting is not None:
            waiting.answer(deadline)
        now = time.monotonic()
        with self._lock:
            self._close()
            latest, still, since = self._closed, self._open, self._silent_since
        return Heard(
            answer=latest.answer(0) if latest else None,
            age=now - latest.asked_at if latest else math.inf,
            silence=now - since if still else 0.0,
        )

    def _is_good(self, now: float) -> bool:
        latest = self._closed
        if latest is None or latest.has_failed:
            return False
        return now - latest.asked_at < self._good_for

    def _may_abandon(self, question: Question[R], now: float) -> bool:
        is_first = self._abandoned is None or self._abandoned.is_answered
        return is_first and now - question.asked_at >= _ABANDONED_SECONDS

    def _close(self) -> None:
        if self._open is not None and self._open.is_answered:
            self._open, self._closed = None, self._open
