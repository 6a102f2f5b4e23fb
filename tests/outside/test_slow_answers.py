"""Slower answers to guesses: they wait in the server, and keep no thread from anybody."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from lms import accounts
from lms.accounts.limit import LONGEST_PAUSE
from lms.serve import THREADS
from tests.outside.client import PASSWORD, Client, token_of
from tests.outside.conftest import Add
from tests.patience import PATIENCE
from tests.server import WORKERS, Portal


@pytest.mark.parametrize("portal", ["sqlite"], indirect=True)
def test_guesses_are_answered_later_while_others_are_answered_at_once(
    portal: Portal, add: Add
) -> None:
    victim = "victim@example.org"
    portal.call(accounts.create_account, email=victim, name="V", password=PASSWORD)
    student = add()
    guesser = Client(portal)
    guesser.token = token_of(guesser.get("/login"))
    many = 4 * THREADS * WORKERS

    def guess(number: int) -> float:
        twin = guesser.twin()
        began = time.monotonic()
        answer = twin.form("/login", email=victim, password=f"guess {number}")
        assert answer.status_code == 422
        return time.monotonic() - began

    with ThreadPoolExecutor(many) as threads:
        list(threads.map(guess, range(40)))  # until its answers take longest
        began = time.monotonic()
        guesses = [threads.submit(guess, number) for number in range(many)]
        time.sleep(LONGEST_PAUSE / 4)
        waits = [_seconds(student) for _ in range(10)]
        took = [each.result(PATIENCE) for each in guesses]
        all_took = time.monotonic() - began
    assert min(took) >= LONGEST_PAUSE
    # By threads that wait, they would have taken turns; and others come after all of them.
    assert all_took < LONGEST_PAUSE * many / (THREADS * WORKERS)
    assert sorted(waits)[5] < LONGEST_PAUSE / 2


def _seconds(client: Client) -> float:
    began = time.monotonic()
    assert client.twin().get("/student/dashboard").status_code == 200
    return time.monotonic() - began
