"""A disk without room: people are told in words, and nothing is lost."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from requests import Response

from lms.db import db
from tests import databases, postgres
from tests.builders import a_public_course
from tests.databases import Postgresql
from tests.invariants import assert_invariants
from tests.missing import missing
from tests.outside.client import Client, newcomer
from tests.server import Portal, serving

_MEGABYTES = 40


@contextmanager
def _small_disk() -> Iterator[Path]:
    """Lend a disk of its own; needs the right to mount one."""
    account = postgres.unprivileged()
    with postgres.private(Path("/tmp"), account) as folder:  # noqa: S108 - private
        options = f"size={_MEGABYTES}m,mode=0755"
        if account:
            options += f",uid={account.pw_uid},gid={account.pw_gid}"
        mount = shutil.which("mount") or "/bin/mount"
        mounted = subprocess.run(
            [mount, "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
            check=False,
            capture_output=True,
        )
        if mounted.returncode:
            missing(f"the right to mount a disk: {mounted.stderr.decode().strip()}")
        try:
            yield folder
        finally:
            subprocess.run([shutil.which("umount") or "/bin/umount", "-l", str(folder)], check=True)


@pytest.fixture(params=[True, False], ids=["sqlite", "postgresql"])
def on_small_disk(
    request: pytest.FixtureRequest, postgresql: Postgresql
) -> Iterator[tuple[Portal, Path]]:
    """A portal whose database has a small disk, and the disk's folder."""
    put = _sqlite_on if request.param else _postgresql_on
    with (
        _small_disk() as disk,
        put(disk) as url,
        serving(url, LMS_AUTO_FIX_SECONDS="0") as portal,
    ):
        yield portal, disk
        with portal.app.app_context():
            assert_invariants(db.session())
            db.session.remove()


@contextmanager
def _sqlite_on(disk: Path) -> Iterator[str]:
    url = f"sqlite:///{disk / 'lms.db'}"
    databases.migrate(url)
    yield url


@contextmanager
def _postgresql_on(disk: Path) -> Iterator[str]:
    name = "lms_small_disk"
    with psycopg.connect(postgres.url(), autocommit=True) as server:
        server.execute(f"CREATE TABLESPACE small LOCATION '{disk}'".encode())
        server.execute(f"CREATE DATABASE {name} TABLESPACE small".encode())
        try:
            databases.migrate(postgres.url(name))
            yield postgres.url(name)
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
            server.execute(b"DROP TABLESPACE small")


def _fill(disk: Path) -> Path:
    """Leave no room at all; return the file to delete."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for block in (1 << 16, 1 << 9, 1):
            try:
                while True:
                    file.write(b"\0" * block)
            except OSError:
                continue
    return ballast


def _change_until_refused(student: Client, course_id: int) -> Response:
    """Enroll and leave again and again, until what room is left in the files is used up."""
    body = {"courseId": course_id}
    for number in range(800):
        answer = student.call("DELETE" if number % 2 else "POST", "/api/student/enroll", body)
        if answer.status_code not in {200, 201, 204}:
            return answer
    raise AssertionError("the disk is never full")


def test_a_full_disk_refuses_changes_in_words_and_takes_them_again_with_room(
    on_small_disk: tuple[Portal, Path],
) -> None:
    portal, disk = on_small_disk
    student = newcomer(portal, "sam@example.org")
    courses = [portal.call(a_public_course, f"Course {number}") for number in range(2)]
    ballast = _fill(disk)
    refused = _change_until_refused(student, courses[0])
    assert refused.status_code == 503, refused.text
    assert "its disk is full, so nothing can be saved" in refused.json()["detail"]
    assert refused.headers["Retry-After"]
    page = student.form(f"/student/courses/{courses[1]}/enroll")
    assert page.status_code == 503
    assert student.get("/student/courses").status_code == 200
    ballast.unlink()
    wanted = {"courseId": courses[1]}
    again = student.call("POST", "/api/student/enroll", wanted)
    assert again.status_code in {200, 201}, again.text
    assert "unhandled error" not in portal.said()  # the queue of the worker may say its own
