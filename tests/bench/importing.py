"""Moving a big school: the import of an old one, the copy to another engine, backup and export.

`make bench ARGS="import [ENROLLMENTS] [legacy | copy] [ENGINE]"`. The import is compared with the
floor: the very rows that it has written, by `executemany` in one transaction into tables with the
same columns, keys and indexes, but without triggers, CHECKs and foreign keys. The copy is compared
with pg_restore of a pg_dump -Fc of the same rows into an empty database. Every command runs in a
process of its own, whose peak of memory counts.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from tests import folders, postgres
from tests.bench.engines import ENGINES, schools
from tests.bench.old_school import make_old_school
from tests.bench.plain_inserts import plain_inserts
from tests.bench.progress import tell
from tests.bench.results import Result
from tests.bench.school import Size
from tests.databases import Postgresql, Server, Sqlite, settings
from tests.server import ROOT

MOST_TIMES_THE_FLOOR = 3.0
MOST_TIMES_PG_RESTORE = 3.0
MOST_GROWTH = 30
"""MB that ten times the enrollments may take more in memory."""
_SIZE = 200_000
"""What is through within 20 minutes on two cores that are idle; a million take five times that."""
_PARTS = ("legacy", "copy")


class Ran(NamedTuple):
    """What a command took."""

    seconds: float
    peak: float
    """MB of memory at most."""


def main(words: Sequence[str]) -> bool:
    """Print each result beside its target; return whether all are met."""
    sizes = [int(word) for word in words if word.isdecimal()]
    size = Size(sizes[0] if sizes else _SIZE)
    engines = [word for word in words if word in ENGINES] or list(ENGINES)
    parts = [word for word in words if word in _PARTS] or list(_PARTS)
    results: list[Result] = []
    for part, measured in (("legacy", _legacy), ("copy", _copy)):
        if part in parts:
            for result in measured(size, engines):
                print(result, flush=True)
                results.append(result)
    return not any(result.is_missed for result in results)


def _legacy(size: Size, engines: Sequence[str]) -> Iterator[Result]:
    with ExitStack() as stack:
        folder = _folder(stack)
        for engine in engines:
            server = _server(engine, folder, stack)
            small, _ = _imported(server, Size(size.enrollments // 10))
            ran, floor = _imported(server, size)
            rate = size.enrollments / ran.seconds
            yield Result(
                f"import {size.enrollments}, {engine}",
                MOST_TIMES_THE_FLOOR,
                ran.seconds / floor,
                " x",
                notes=f"{ran.seconds:.0f} s, {rate:.0f} enrollments a second; floor {floor:.0f} s",
            )
            yield Result(
                f"... memory, {engine}",
                MOST_GROWTH,
                max(ran.peak - small.peak, 0),
                " MB",
                notes=f"{ran.peak:.0f} MB, and {small.peak:.0f} MB for a tenth",
            )


def _imported(server: Server, size: Size) -> tuple[Ran, float]:
    """Import an old school; return what that took, and the seconds of the floor."""
    with server.empty() as old, server.migrated() as portal:
        tell(f"an old school of {size.enrollments} enrollments at {old.partition(':')[0]}")
        make_old_school(old, size)
        tell("importing it")
        ran = _flask(portal, "import", "legacy", old, "--apply")
        tell("inserting the same rows")
        with server.empty() as plain:
            return ran, plain_inserts(portal, plain)


def _copy(size: Size, engines: Sequence[str]) -> Iterator[Result]:
    with ExitStack() as stack:
        folder = _folder(stack)
        servers = {name: _server(name, folder, stack) for name in ENGINES}
        for engine in engines:
            with schools(size.enrollments, [engine]) as each:
                for url, _app in each:
                    yield from _copied(url, engine, servers, folder)


def _copied(url: str, engine: str, servers: dict[str, Server], folder: Path) -> Iterator[Result]:
    other = servers["postgresql" if engine == "sqlite" else "sqlite"]
    backup, exported = folder / "school.backup", folder / "exported"
    with servers["postgresql"].empty() as dumped, servers["postgresql"].empty() as restored:
        with other.empty() as target:
            there = dumped if engine == "sqlite" else target
            tell(f"copying from {engine}")
            copied = _flask(url, "db", "copy", there)
            source = dumped if engine == "sqlite" else url
            tell("pg_dump and pg_restore")
            floor = _pg_restore(source, restored, folder / "school.dump")
        notes = f"{copied.seconds:.0f} s, {copied.peak:.0f} MB; pg_restore {floor:.0f} s"
        yield Result(
            f"copy from {engine}",
            MOST_TIMES_PG_RESTORE,
            copied.seconds / floor,
            " x",
            notes=notes,
        )
    works = [("backup", url, ["backup", str(backup)])]
    with servers[engine].empty() as again, servers[engine].empty() as imported:
        works += [
            ("restore", again, ["restore", str(backup)]),
            ("export school", url, ["export", "school", str(exported)]),
            ("import school", imported, ["import", "school", str(exported)]),
        ]
        for name, address, words in works:
            tell(name)
            ran = _flask(address, *words)
            # No target of its own: the copy has one, and all of these are copies.
            yield Result(
                f"{name}, {engine}", 0, ran.seconds, " s", notes=f"{ran.peak:.0f} MB of memory"
            )
    backup.unlink()
    for file in exported.iterdir():
        file.unlink()
    exported.rmdir()


def _pg_restore(source: str, target: str, file: Path) -> float:
    """Dump a database, restore it into an empty one, and return the seconds of the latter."""
    postgres.client("pg_dump", "-Fc", f"--file={file}", source)
    began = time.perf_counter()
    postgres.client("pg_restore", f"--dbname={target}", str(file))
    seconds = time.perf_counter() - began
    file.unlink()
    return seconds


def _flask(url: str, *words: str) -> Ran:
    """Run a command of the portal on this database; stop the benchmark if it fails."""
    given = settings(url)
    environment = {key: str(given[key]) for key in ("DATABASE_URL", "SECRET_KEY", "LMS_ENV")}
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", *words],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"flask {' '.join(words)} ended with {process.returncode}")
    return Ran(seconds, used.ru_maxrss / 1024)


def _folder(stack: ExitStack) -> Path:
    temporary = tempfile.TemporaryDirectory(prefix="lms-bench-", dir=folders.fastest())
    return Path(stack.enter_context(temporary))


def _server(engine: str, folder: Path, stack: ExitStack) -> Server:
    if engine == "sqlite":
        return Sqlite(folder)
    os.environ["TEST_POSTGRES_URL"] = stack.enter_context(postgres.server())
    return Postgresql("moving")
