"""Processes that live and die together: who is started again, and what ends all of them."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE

_TOGETHER = """
import os, sys, time
from pathlib import Path
from lms import processes
processes._TOO_SOON_SECONDS = processes._PAUSE_SECONDS = 0.5
folder, lives = Path(sys.argv[1]), [float(life) for life in sys.argv[2:]]

def steady():
    (folder / f"steady-{os.getpid()}").touch()
    time.sleep(900)

def mortal():
    number = len(list(folder.glob("mortal-*")))
    (folder / f"mortal-{number}").touch()
    if number == len(lives):
        os.kill(os.getppid(), 15)
    time.sleep(900 if number == len(lives) else lives[number])
    sys.exit(7)

sys.exit(processes.run_together({"steady": steady, "mortal": mortal}))
"""


@pytest.mark.parametrize(
    ("lives", "status", "starts"),
    [(("1", "0", "0"), 0, 4), (("0",), 7, 1)],
    ids=["once it has worked, it is started until it works", "at first, all end"],
)
def test_what_dies_at_once(
    tmp_path: Path, lives: tuple[str, ...], status: int, starts: int
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _TOGETHER, str(tmp_path), *lives],
        cwd=Path(__file__).parents[1],
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == status
    assert len(list(tmp_path.glob("mortal-*"))) == starts
    assert len(list(tmp_path.glob("steady-*"))) == 1
