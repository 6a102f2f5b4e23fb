"""The portal wherever it is put."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_it_migrates_in_a_folder_of_any_name(tmp_path: Path) -> None:
    clone = tmp_path / "100% school %(here)s %20"
    clone.mkdir()
    shutil.copy(ROOT / "app.py", clone)
    shutil.copytree(ROOT / "lms", clone / "lms", ignore=shutil.ignore_patterns("__pycache__"))
    environment = {
        key: value
        for key, value in os.environ.items()
        if key not in {"DATABASE_URL", "FLASK_APP", "PYTHONPATH"}
    }
    done = subprocess.run(
        [sys.executable, "-m", "flask", "db", "upgrade"],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (clone / "instance" / "lms.db").exists()
