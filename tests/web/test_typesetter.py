"""typst's own process: there while somebody asks, and never longer."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lms.web.typesetter import NotDrawn, Typesetter
from tests.bench.processes import family
from tests.patience import comes
from tests.server import ROOT

TEMPLATE = "#set document(title: sys.inputs.title)\n#sys.inputs.title"
ASKER = """
import sys
from pathlib import Path
from lms.web.typesetter import Typesetter
setter = Typesetter(Path(sys.argv[1]), ("fontpkg_noto_serif",))
setter.drawn("a.typ", {"title": "A"})
print("drawn", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.typ").write_text(TEMPLATE)
    return tmp_path


@pytest.fixture
def typesetter(folder: Path) -> Iterator[Typesetter]:
    setter = Typesetter(folder, ("fontpkg_noto_serif",))
    yield setter
    setter.end()


def test_one_that_was_killed_is_replaced(typesetter: Typesetter) -> None:
    before = set(family(os.getpid()))
    moment = datetime(2026, 11, 3, tzinfo=UTC)
    first = typesetter.drawn("a.typ", {"title": "A"}, moment)
    [process] = set(family(os.getpid())) - before
    os.kill(process, signal.SIGKILL)
    assert typesetter.drawn("a.typ", {"title": "A"}, moment) == first


def test_it_ends_when_nobody_asks_and_begins_anew(folder: Path) -> None:
    setter = Typesetter(folder, ("fontpkg_noto_serif",), idle_seconds=0.1)
    before = set(family(os.getpid()))
    setter.drawn("a.typ", {"title": "A"})
    [process] = set(family(os.getpid())) - before
    assert comes(lambda: _has_ended(process))
    assert setter.drawn("a.typ", {"title": "A"}).startswith(b"%PDF")
    setter.end()


def test_what_it_refuses_is_said_and_it_goes_on(typesetter: Typesetter) -> None:
    with pytest.raises(NotDrawn, match="title"):
        typesetter.drawn("a.typ", {})
    assert typesetter.drawn("a.typ", {"title": "A"}).startswith(b"%PDF")


def test_it_ends_with_whoever_asks_even_by_kill_9(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ASKER, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as asker:
        assert asker.stdout
        assert asker.stdout.readline() == b"drawn\n"
        [process] = set(family(asker.pid)) - {asker.pid}
        asker.kill()
        assert comes(lambda: _has_ended(process))


def _has_ended(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"  # ended, and not yet asked for its status
