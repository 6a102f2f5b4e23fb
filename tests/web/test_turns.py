"""Long work takes turns: what finds none is told to come back, and threads stay with students."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from lms.refusals import Busy
from lms.web import turns
from lms.web.turns import AT_ONCE, WAITING, turn
from tests.patience import PATIENCE, comes
from tests.web.api.problems import problem
from tests.web.browser import Browser

LONG = (
    *("/admin/payments.csv", "/admin/analytics/days.csv", "/admin/analytics/courses.csv"),
    *("/api/sync/validate", "/api/sync/validate?studentId=1", "/admin/sync?student=1"),
)


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[ExitStack]:
    """All turns are taken, and nobody waits long."""
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.01)
    with ExitStack() as stack:
        for _ in range(AT_ONCE):
            stack.enter_context(turn())
        yield stack


@pytest.mark.parametrize("address", LONG)
def test_what_finds_no_turn_says_when_to_come_back(
    admin: Browser, taken: ExitStack, address: str
) -> None:
    refused = admin.get(address)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert "Try again in 5 seconds." in refused.text
    assert admin.get("/admin/payments").status_code == 200
    assert admin.get("/admin/sync").status_code == 200
    taken.close()
    assert admin.get(address).status_code == 200


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("GET", "/api/sync/validate"),
        ("POST", "/api/sync/auto-fix"),
        ("POST", "/api/sync/runs/1/undo"),
    ],
)
@pytest.mark.usefixtures("taken")
def test_a_client_hears_it_as_a_problem(admin: Browser, method: str, address: str) -> None:
    answer = admin.send_json(method, address)
    assert problem(answer) == (503, "busy")
    assert answer.headers["Retry-After"] == "5"


def test_few_wait_for_a_turn_and_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "WAIT_SECONDS", PATIENCE)
    with ThreadPoolExecutor() as threads, ExitStack() as stack:
        for _ in range(AT_ONCE):
            stack.enter_context(turn())
        asking = [threads.submit(_take_turn) for _ in range(WAITING + 1)]
        assert comes(lambda: any(each.done() for each in asking))
        [refused] = [each for each in asking if each.done()]
        assert isinstance(refused.exception(), Busy)
        stack.close()
        assert all(each.result(PATIENCE) for each in asking if each is not refused)


def test_an_export_announces_its_length(admin: Browser) -> None:
    answer = admin.get("/admin/payments.csv")
    assert answer.content_length == len(answer.data) > 0


def test_whoever_loads_an_export_slowly_keeps_no_turn(
    admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.01)
    loading = [admin.get("/admin/payments.csv") for _ in range(AT_ONCE + 1)]
    loading += [admin.head("/admin/payments.csv") for _ in range(AT_ONCE + 1)]
    assert {each.status_code for each in loading} == {200}
    assert len({each.content_length for each in loading}) == 1
    assert all(each.data.startswith(b"id,created_at") for each in loading[: AT_ONCE + 1])


def _take_turn() -> bool:
    with turn():
        return True
