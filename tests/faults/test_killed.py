"""The server may be killed at any line: nothing is half done, lost or doubled."""

import os
import subprocess
import sys

import pytest

from tests.faults.profile import NIGHTLY
from tests.faults.scenarios import ALL

KILLS = os.environ.get("LMS_TEST_KILLS", "50" if NIGHTLY else "3")
"""Lines at which each deed is killed; 0 is every line, which takes an hour."""
SECONDS = 3600 if NIGHTLY else 880
"""A busy machine takes minutes."""


@pytest.mark.timeout(SECONDS + 20)
def test_a_kill_at_any_line_loses_and_doubles_nothing(database_url: str) -> None:
    killed = subprocess.run(
        [sys.executable, "-m", "tests.faults.killed", KILLS],
        env={**os.environ, "DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        timeout=None if KILLS == "0" else SECONDS,
        check=False,
    )
    assert killed.returncode == 0, killed.stderr
    assert killed.stdout.count("killed at") == len(ALL)
