"""A portal whose imports lie in a folder of the test's own, and an admin."""

from pathlib import Path

import pytest
from flask import Flask

from lms.importing import runs
from tests.builders import an_admin


@pytest.fixture
def imports(context: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of imports; commands and verbs run in the portal's context."""
    monkeypatch.setattr(context, "instance_path", str(tmp_path / "instance"))
    return runs.folder()


@pytest.fixture
def admin(imports: Path) -> int:
    return an_admin()
