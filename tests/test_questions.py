"""Questions: few wait for a database that never answers, and only answers are remembered."""

import threading
import time
from collections.abc import Callable, Iterator
from threading import Event, Lock

import pytest

from lms import questions
from lms.questions import Few, Probe
from tests.patience import PATIENCE, comes

HOURS = 3600


class Oracle:
    """Answers at once, fails, or keeps silent until it is told to speak; counts who asks."""

    def __init__(self) -> None:
        self.asked = 0
        self._turn = Lock()
        self.speaks = Event()
        self.speaks.set()
        self.fails = False

    def ask(self) -> int:
        with self._turn:
            self.asked += 1
            number = self.asked
        self.speaks.wait(PATIENCE)
        if self.fails:
            raise OSError("away")
        return number


@pytest.fixture
def oracle() -> Iterator[Oracle]:
    oracle = Oracle()
    others = set(threading.enumerate())
    yield oracle
    oracle.speaks.set()
    for thread in set(threading.enumerate()) - others:
        thread.join(PATIENCE)


def soon() -> float:
    return time.monotonic() + PATIENCE


def at_once() -> float:
    return time.monotonic()


def test_what_is_stuck_is_asked_again_beside_once_and_silence_goes_on(
    oracle: Oracle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "_ABANDONED_SECONDS", 0)
    oracle.speaks.clear()
    probe = Probe[int]()
    began = time.monotonic()
    probe.ask(oracle.ask)
    assert comes(lambda: oracle.asked == 1)
    waited = time.monotonic() - began
    for _ in range(5):
        probe.ask(oracle.ask)
    heard = probe.heard(at_once())
    assert heard.answer is None
    assert heard.silence >= waited
    assert comes(lambda: oracle.asked >= 2)
    oracle.speaks.set()
    assert probe.heard(soon()).silence == 0
    asked = oracle.asked
    assert asked == 2
    assert comes(_asking(probe, oracle, 3))


def _asking(probe: Probe[int], oracle: Oracle, answer: int) -> Callable[[], bool]:
    def asked() -> bool:
        probe.ask(oracle.ask)
        return (probe.heard(soon()).answer or 0) >= answer

    return asked


def test_an_answer_is_good_for_a_while_and_an_error_for_no_time(oracle: Oracle) -> None:
    probe = Probe[int](good_for=HOURS)
    oracle.fails = True
    for number in (1, 2):
        probe.ask(oracle.ask)
        with pytest.raises(OSError, match="away"):
            probe.heard(soon())
        assert oracle.asked == number
    oracle.fails = False
    for _ in range(3):
        probe.ask(oracle.ask)
        assert probe.heard(soon()).answer == 3
    assert oracle.asked == 3


def test_what_was_never_answered_is_older_than_anything(oracle: Oracle) -> None:
    probe = Probe[int]()
    oracle.speaks.clear()
    probe.ask(oracle.ask)
    assert probe.heard(at_once()).age > HOURS


def test_few_callers_at_a_time_are_asked_for(oracle: Oracle) -> None:
    few = Few[int](most=2)
    oracle.speaks.clear()
    asked = [few.ask(oracle.ask) for _ in range(4)]
    assert [each is not None for each in asked] == [True, True, False, False]
    oracle.speaks.set()
    assert {each.answer(soon()) for each in asked if each} == {1, 2}
    last = few.ask(oracle.ask)
    assert last is not None
    assert last.answer(soon()) == 3
