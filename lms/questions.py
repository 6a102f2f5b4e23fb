"""Questions whose answers may never come: who asks waits as long as they like, and no longer."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Generic, TypeVar

R = TypeVar("R")

PATIENCE_SECONDS = 0.07
"""How long a monitor waits for what the portal asks the database."""
_ABANDONED_SECONDS = 60
"""A question this old is asked again beside it: its answer may be on a connection that is dead."""


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

    def _carry_out(self, ask: Callable[[], R]) -> None:
        try:
            self._answer = ask()
        except Exception as error:  # noqa: BLE001 - told to whoever asked
            self._error = error
        finally:
            self._answered.set()


@dataclass(frozen=True)
class Heard(Generic[R]):
    """The latest answer, if there ever was one."""

    answer: R | None
    age: float
    """How many seconds ago it was asked for."""
    silence: float
    """How many seconds a question has been waiting for its answer; 0 if none is."""


class Probe(Generic[R]):
    """A question that is asked again and again, once at a time however many ask."""

    def __init__(self, *, good_for: float = 0) -> None:
        """Begin without an answer. An answer is `good_for` so many seconds."""
        self._good_for = good_for
        self._lock = Lock()
        self._open: Question[R] | None = None
        self._closed: Question[R] | None = None

    def ask(self, ask: Callable[[], R]) -> None:
        """Ask anew, unless somebody else has, or the latest answer is still good."""
        now = time.monotonic()
        with self._lock:
            self._close()
            if self._open is not None and now - self._open.asked_at < _ABANDONED_SECONDS:
                return
            if self._closed is None or now - self._closed.asked_at >= self._good_for:
                self._open = Question(ask)

    def heard(self, deadline: float) -> Heard[R]:
        """Return what was answered until then; raise what the latest answered call raised."""
        with self._lock:
            waiting = self._open
        if waiting is not None:
            waiting.answer(deadline)
        now = time.monotonic()
        with self._lock:
            self._close()
            latest, still = self._closed, self._open
        return Heard(
            answer=latest.answer(0) if latest else None,
            age=now - latest.asked_at if latest else 0.0,
            silence=now - still.asked_at if still else 0.0,
        )

    def _close(self) -> None:
        if self._open is not None and self._open.is_answered:
            self._open, self._closed = None, self._open
