"""`flask serve` as `make run` starts it: real processes, on a real port."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
import requests

from lms.processes import _TOO_SOON_SECONDS
from tests.patience import PATIENCE, comes

ROOT = Path(__file__).resolve().parent.parent

WORKERS = 2

GRACE_SECONDS = PATIENCE // 2

_PATIENT = f"""
from flask.cli import main
from lms import processes
processes.GRACE_SECONDS = {GRACE_SECONDS}
main()
"""
"""`flask`, but what ends slowly on a busy machine is not killed; what never ends still is."""

_UNHEARD_END = re.compile(
    r"^.* Killing worker-\d after it refused to gracefully stop .*\n", re.MULTILINE
)
"""What the web server says of a worker that has ended, when the thread that noticed comes late."""

on_one_engine = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
"""What processes do among themselves does not depend on the database."""


class Served:
    """A portal that was started from the command line."""

    def __init__(self, url: str, process: subprocess.Popen[str]) -> None:
        self.url = url
        self.process = process

    def wait_until_up(self) -> None:
        """Return once every worker answers: one that still starts cannot end gracefully."""
        assert comes(lambda: self._is_up() or self.process.poll() is not None)
        assert self.process.poll() is None, self.process.communicate()

    def _is_up(self) -> bool:
        port = int(self.url.rpartition(":")[2])
        sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        listening = [each for each in sockets if each[3] == "0A" and each[1][-4:] == f"{port:04X}"]
        if len(listening) != WORKERS:
            return False
        try:
            return requests.get(f"{self.url}/healthz", timeout=PATIENCE).ok
        except requests.ConnectionError:  # they were those of a server that was killed just now
            return False

    def family(self) -> list[int]:
        """Return every process of the portal; it was started in a session of its own."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == self.process.pid and fields[0] != "Z":
                found.append(int(stat.parent.name))
        return found

    def ends(self) -> bool:
        """Return whether no process of it is left in the end."""
        return comes(lambda: not self.family())


@contextmanager
def _served(database_url: str, *starter: str, **environment: str) -> Iterator[Served]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [*starter, sys.executable, "-c", _PATIENT, "serve"],
        cwd=ROOT,
        env=_environment(database_url, PORT=str(port), **environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    served = Served(f"http://127.0.0.1:{port}", process)
    try:
        yield served
    finally:
        for pid in served.family():
            with suppress(ProcessLookupError):  # it may end by itself meanwhile
                os.kill(pid, signal.SIGKILL)
        process.communicate()


def _environment(database_url: str, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "WORKERS": str(WORKERS),
        "DATABASE_URL": database_url,
        "SECRET_KEY": "a key for tests alone and long enough for production",
        "LMS_CHEAP_HASHES": "1",
        "DEMO": "0",
        **more,
    }


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_and_ends_cleanly_when_asked(database_url: str, number: signal.Signals) -> None:
    with _served(database_url) as served:
        served.wait_until_up()
        assert requests.get(f"{served.url}/login", timeout=PATIENCE).status_code == 200
        assert comes(lambda: len(served.family()) == 5)  # supervisor, mailman, server, workers
        asked = time.monotonic()
        if number == signal.SIGINT:  # Ctrl-C goes to the whole group
            os.killpg(served.process.pid, number)
        else:
            served.process.send_signal(number)
        output, errors = served.process.communicate(timeout=PATIENCE)
        assert served.ends()
        assert served.process.returncode == 0
        assert served.url in output
        assert f"{served.url}/setup/" in output  # the school has no admin yet
        # Nothing had to be forced, or it would have taken longer.
        assert time.monotonic() - asked < GRACE_SECONDS - 2
        assert _UNHEARD_END.sub("", errors) == ""


@on_one_engine
def test_nothing_is_left_when_the_parent_is_killed(database_url: str) -> None:
    with _served(database_url) as served:
        served.wait_until_up()
        served.process.kill()
        served.process.wait()
        assert served.ends()


def test_what_make_started_ends_when_make_is_killed(tmp_path: Path) -> None:
    starter = ("sh", "-c", '"$@" --end-with-parent; :', "sh")
    with _served(f"sqlite:///{tmp_path / 'lms.db'}", *starter) as served:
        served.wait_until_up()
        served.process.kill()
        served.process.wait()
        assert served.ends()


@on_one_engine
def test_a_killed_server_and_a_killed_worker_are_replaced(database_url: str) -> None:
    with _served(database_url) as served:
        served.wait_until_up()
        time.sleep(_TOO_SOON_SECONDS)  # what dies right after its start is not started again
        killed = set(served.family()) - {served.process.pid}
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        assert comes(lambda: killed.isdisjoint(served.family()))
        served.wait_until_up()
        assert served.process.poll() is None


@on_one_engine
def test_a_port_in_use_is_told_in_one_line(database_url: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "flask", "serve"],
            cwd=ROOT,
            env=_environment(database_url, PORT=str(port)),
            capture_output=True,
            text=True,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stdout == ""
    [line] = ended.stderr.splitlines()
    assert str(port) in line


def test_a_new_school_gets_the_demo_and_a_second_start_changes_nothing(tmp_path: Path) -> None:
    database = tmp_path / "lms.db"
    tables = ("users", "courses", "enrollments", "audit_entries", "chapter_completions")

    def contents() -> list[list[object]]:
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("UPDATE users SET signed_in_at = NULL")  # both starts sign in
            return [
                connection.execute(f"SELECT * FROM {table} ORDER BY id").fetchall()
                for table in tables
            ]

    before: list[list[object]] | None = None
    for _ in range(2):
        with _served(f"sqlite:///{database}", DEMO="1") as served:
            served.wait_until_up()
            _sign_in_to_the_demo(served)
            _reconcile_in_another_shell(f"sqlite:///{database}")
            served.process.terminate()
            output, _errors = served.process.communicate(timeout=PATIENCE)
            assert "admin@example.org with" in output
        after = contents()
        assert len(after[0]) == 62
        assert before in (None, after)
        before = after


def _reconcile_in_another_shell(database_url: str) -> None:
    reconciled = subprocess.run(
        [sys.executable, "-m", "flask", "payments", "reconcile"],
        cwd=ROOT,
        env=_environment(database_url),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert reconciled.returncode == 0, reconciled.stderr
    assert reconciled.stdout.startswith("Fetched ")


@on_one_engine
def test_metrics_count_the_requests_of_all_workers(database_url: str) -> None:
    with _served(database_url, METRICS_TOKEN="a token") as served:
        served.wait_until_up()
        for _ in range(40):
            requests.get(f"{served.url}/login", timeout=PATIENCE)
        headers = {"Authorization": "Bearer a token"}
        for _ in range(5):  # whichever worker answers
            text = requests.get(f"{served.url}/metrics", headers=headers, timeout=PATIENCE).text
            counted = re.search(
                r'portal_requests_total{method="GET",route="/login",status="200"} ([\d.]+)', text
            )
            assert counted is not None
            assert float(counted[1]) == 40


@on_one_engine
def test_the_figures_of_a_killed_portal_go_with_the_next_start_and_no_others(
    database_url: str,
) -> None:
    def folders(of: Served) -> list[Path]:
        return list((ROOT / "instance").glob(f"metrics-{of.url.rpartition(':')[2]}*"))

    with _served(database_url) as living, _served(database_url) as killed:
        living.wait_until_up()
        killed.wait_until_up()
        assert (len(folders(living)), len(folders(killed))) == (1, 1)
        killed.process.kill()
        killed.process.wait()
        assert killed.ends()
        with _served(database_url) as starting:
            starting.wait_until_up()
            assert folders(killed) == []
            assert len(list(folders(living)[0].glob("*.db"))) >= 1
            starting.process.terminate()
            starting.process.communicate(timeout=PATIENCE)
            assert folders(starting) == []
        assert len(folders(living)) == 1


@on_one_engine
def test_links_to_accounts_are_printed_in_development(database_url: str) -> None:
    with _served(database_url) as served:
        served.wait_until_up()
        browser = requests.Session()
        fields = {"name": "X", "email": "x@example.org", "password": "a good password"}
        assert _send(browser, served.url, "/register", **fields).status_code == 303
        assert served.process.stdout is not None
        lines = served.process.stdout
        assert any(re.search(rf"{served.url}/verify/\S+", line) for line in lines)
        other = requests.Session()
        assert _send(other, served.url, "/forgot", email="x@example.org").status_code == 303
        assert any(re.search(rf"{served.url}/reset/\S+", line) for line in lines)


def _sign_in_to_the_demo(served: Served) -> None:
    for role, home in (("admin", "/admin/requests"), ("student", "/student/dashboard")):
        browser = requests.Session()
        page = browser.get(f"{served.url}/login", timeout=PATIENCE).text
        printed = re.search(rf"{role}: <code>([^<]+)</code> with <code>([^<]+)</code>", page)
        assert printed is not None
        answer = _send(browser, served.url, "/login", email=printed[1], password=printed[2])
        assert (answer.status_code, answer.headers["Location"]) == (303, home)


def _send(browser: requests.Session, url: str, path: str, **fields: str) -> requests.Response:
    token = browser.get(f"{url}/api/session", timeout=PATIENCE).json()["csrfToken"]
    return browser.post(
        f"{url}{path}",
        data={**fields, "csrf_token": token},
        allow_redirects=False,
        timeout=PATIENCE,
    )
