"""An upgrade without a pause: the release before goes on while, and after, this one migrates.

The release before is the last commit without a migration of this one, or what ROLLING_FROM names.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event

import psycopg
import pytest

from lms import enrollment
from tests import folders
from tests.databases import Postgresql, settings
from tests.missing import missing
from tests.outside.client import PASSWORD, Client
from tests.patience import PATIENCE
from tests.server import ROOT, Portal, serving, serving_from

_VERSIONS = "lms/migrations/versions"
_FIRST_OF_THIS = "0045"
"""The first migration since the last release; raised with each release."""
_PUPILS = 3


@pytest.fixture(scope="module")
def release_before() -> Iterator[Path]:
    """The code of the release before, beside what `make install` brought."""
    before = os.environ.get("ROLLING_FROM") or _last_of_release_before()
    if not before or not _git("rev-parse", "--verify", "--quiet", f"{before}^{{commit}}"):
        missing("a release before: an archive has no history, and ROLLING_FROM names none")
    with tempfile.TemporaryDirectory(prefix="lms-before-", dir=folders.fastest()) as folder:
        packed = Path(folder) / "code.tar"
        _git("archive", f"--output={packed}", before)
        code = Path(folder) / "code"
        with tarfile.open(packed) as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", None)  # from 3.11.4 on
            archive.extractall(code)  # noqa: S202 - our own
        (code / "static" / "vendor").symlink_to(ROOT / "static" / "vendor")
        yield code


def _last_of_release_before() -> str:
    """Return the last commit before the first migration of this release; nothing without any."""
    since = ""
    for commit in _git("rev-list", "HEAD", "--", _VERSIONS).split():
        files = _git("ls-tree", "--name-only", commit, f"{_VERSIONS}/").splitlines()
        if max((Path(file).name for file in files), default="") < _FIRST_OF_THIS:
            return f"{since}~1" if since else commit
        since = commit
    return ""


class Pupil:
    """A student who goes on reading, joining, learning and leaving, on whichever machine."""

    def __init__(self, portal: Portal, email: str, course_id: int, chapters: list[int]) -> None:
        self._client = Client(portal)
        self._client.sign_in(email)
        self._course = {"courseId": course_id}
        self._chapters = chapters
        self.rounds = 0
        """How often it has done all of this."""

    def move(self, portal: Portal) -> None:
        """Go to another machine, as a proxy would send it, with the cookies it has."""
        self._client.portal = portal

    def live(self, stop: Event) -> None:
        """Do everything again and again until asked to stop, each exactly once."""
        while not stop.is_set():
            self._acknowledged("POST", "/api/student/enroll", self._course)
            for chapter in self._chapters:
                body = {"chapterId": chapter}
                self._acknowledged("POST", "/api/student/chapters/complete", body)
            for page in (
                "/student/dashboard",
                "/student/courses",
                "/student/progress",
                "/api/student/progress-details",
            ):
                self._acknowledged("GET", page)
            self._acknowledged("DELETE", "/api/student/enroll", self._course)
            self.rounds += 1

    def pays(self, admin: Client, paid_at: str) -> None:
        """Have an admin record what was paid in cash for the course, on whichever machine."""
        admin.refresh_token()
        paid = self._course | {"studentId": self._client.user_id, "paidAt": paid_at}
        bill = {"amountCents": 4900, "currency": "eur", "method": "cash", "reference": "7"}
        answer = admin.call("POST", "/api/admin/payments", paid | bill)
        assert answer.status_code == 201, answer.text

    def _acknowledged(self, method: str, address: str, body: object = None) -> None:
        """Send it until it is done: only a table that is being changed may ask for patience."""
        deadline = time.monotonic() + PATIENCE
        answer = self._client.call(method, address, body)
        while answer.status_code == 503 and time.monotonic() < deadline:
            time.sleep(int(answer.headers["Retry-After"]))
            answer = self._client.call(method, address, body)
        assert answer.status_code in {200, 201, 204}, (method, address, answer.text)


def test_nobody_notices_an_upgrade_of_one_machine_after_the_other(
    postgresql: Postgresql, release_before: Path
) -> None:
    with postgresql.empty() as url:
        _flask(release_before, url, "db", "upgrade")
        with serving_from(release_before, url) as old, ThreadPoolExecutor(_PUPILS) as threads:
            pupils = [_pupil(old, number) for number in range(_PUPILS)]
            stop = Event()
            living = [threads.submit(pupil.live, stop) for pupil in pupils]
            try:
                _wait_for_rounds(pupils, living)
                _flask(ROOT, url, "db", "upgrade")
                _wait_for_rounds(pupils, living)  # the release before, on the new schema
                with serving(url) as new:
                    pupils[0].move(new)
                    _wait_for_rounds(pupils, living)  # both at once
                    for pupil in pupils:
                        pupil.move(new)
                    _wait_for_rounds(pupils, living)
                    old.stop()
                    _wait_for_rounds(pupils, living)
                    stop.set()
                    assert [life.exception() for life in living] == [None] * _PUPILS
                    # The old worker may meet a job that it doesn't know, and says so with a trace.
                    assert "unhandled error" not in old.said() + new.said()
            finally:
                stop.set()
        _flask(ROOT, url, "sync", "validate")


def test_money_of_a_month_s_last_hours_is_booked_once_whichever_release_takes_it(
    postgresql: Postgresql, release_before: Path
) -> None:
    with postgresql.empty() as url:
        _flask(release_before, url, "db", "upgrade")
        with serving_from(release_before, url) as old:
            pupils = [_pupil(old, number) for number in range(2)]
            words = ("--name", "Grace", "--role", "admin", "--password", PASSWORD)
            _flask(release_before, url, "users", "create", "grace@example.org", *words)
            _flask(ROOT, url, "db", "upgrade")
            with serving(url) as new:
                admin = Client(old)
                admin.sign_in("grace@example.org")
                zone = {"time_zone": "Pacific/Auckland"}
                new.call(enrollment.change_settings, zone, seen=0, by=admin.user_id)
                for admin.portal, pupil in zip((old, new), pupils, strict=True):
                    pupil.pays(admin, "2025-10-31T12:00:00Z")  # November in Auckland
                kept = "SELECT payment_id, month, sum(amount_cents) FROM money_movements"
                kept += " GROUP BY 1, 2 HAVING sum(amount_cents) <> 0 ORDER BY 1"
                assert new.sql(kept) == [(1, "2025-10", 4900), (2, "2025-11", 4900)]
                # The release before books by UTC, and this one leaves what is booked.
                for code in (ROOT, release_before, ROOT, release_before):
                    _flask(code, url, "sync", "auto-fix")
                booked = "SELECT count(*), sum(amount_cents) FROM money_movements"
                assert new.sql(kept) == [(1, "2025-10", 4900), (2, "2025-10", 4900)]
                assert new.sql(booked) == [(4, 9800)]
                for month in ("2025-10", "2025-11"):
                    _flask(ROOT, url, "payments", "books", month, "--close")
                for code in (release_before, ROOT):
                    _flask(code, url, "sync", "auto-fix")
                assert new.sql(booked) == [(4, 9800)]
        _flask(ROOT, url, "sync", "validate")


def _pupil(portal: Portal, number: int) -> Pupil:
    """Return a new student, who has a course of their own to learn."""
    email = f"pupil{number}@example.org"
    words = ("--name", "Sam", "--role", "student", "--password", PASSWORD)
    _flask(portal.code, portal.database_url, "users", "create", email, *words)
    # By statements that both releases understand: the verbs at hand are of the new one.
    with psycopg.connect(portal.database_url.replace("+psycopg", ""), autocommit=True) as server:
        title = f"Botany {number}"
        made = server.execute(
            "INSERT INTO courses (title, status, is_public) VALUES (%s, 'published', true)"
            " RETURNING id",
            (title,),
        ).fetchone()
        assert made is not None
        chapters = server.execute(
            "INSERT INTO chapters (course_id, title, position) SELECT %s, 'One', n"
            " FROM generate_series(1, 3) AS n RETURNING id",
            (made[0],),
        ).fetchall()
    return Pupil(portal, email, made[0], [row[0] for row in chapters])


def _wait_for_rounds(pupils: list[Pupil], living: list[Future[None]]) -> None:
    """Wait until each has begun and ended a round from here; raises what one of them met."""
    wanted = [pupil.rounds + 2 for pupil in pupils]
    deadline = time.monotonic() + PATIENCE
    while any(pupil.rounds < rounds for pupil, rounds in zip(pupils, wanted, strict=True)):
        for life in living:
            if life.done():
                life.result()
        assert time.monotonic() < deadline, "the students get nowhere"
        time.sleep(0.05)


def _flask(code: Path, url: str, *words: str) -> None:
    given = settings(url)
    environment = {key: str(given[key]) for key in ("DATABASE_URL", "SECRET_KEY", "LMS_ENV")}
    quick = {"LMS_CHEAP_HASHES": "1"}
    subprocess.run(
        [sys.executable, "-m", "flask", *words],
        cwd=code,
        env=os.environ | environment | quick,
        check=True,
        capture_output=True,
        timeout=PATIENCE,
    )


def _git(*words: str) -> str:
    """Return what git says; nothing where it can't, or isn't there."""
    git = shutil.which("git")
    if git is None:
        return ""
    ran = subprocess.run(
        [git, *words], cwd=ROOT, check=False, capture_output=True, text=True, timeout=PATIENCE
    )
    return ran.stdout.strip() if ran.returncode == 0 else ""
