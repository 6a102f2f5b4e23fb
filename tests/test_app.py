"""What `flask` and the server load."""

import os
import subprocess
import sys

from tests.databases import settings
from tests.server import ROOT


def test_garbage_is_collected_once_all_is_loaded(database_url: str) -> None:
    given = {key: str(value) for key, value in settings(database_url).items()}
    code = "import gc, app; print(gc.isenabled(), gc.get_freeze_count() > 0, app.app.name)"
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | given,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.split() == ["True", "True", "lms"]
