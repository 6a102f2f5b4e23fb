"""Imports keep the contracts of pyproject.toml, and each contract catches what breaks it."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.rule import ROOT

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")

CONTRACTS = [
    ("Imports go down only", "lms/messages/made_up.py", "from lms.ledger import audit"),
    ("Imports go down only", "lms/queries/made_up.py", "from lms import enrollment"),
    ("Imports go down only", "lms/enrollment/made_up.py", "from lms.queries import people"),
    ("Only verbs open transactions", "lms/web/made_up.py", "from lms.transaction import ATTEMPTS"),
    (
        "Only verbs open transactions",
        "lms/sync/kinds/pairs.py",
        "from lms.transaction import transactional",
    ),
    (
        "A kind of violation knows neither runs nor pages",
        "lms/sync/kinds/seats.py",
        "from lms.sync import runs",
    ),
    (
        "Kinds of violation do not know each other",
        "lms/sync/kinds/seats.py",
        "from lms.sync.kinds import access",
    ),
    ("Blueprints do not know each other", "lms/web/api/made_up.py", "import lms.web.admin.forms"),
]


def test_imports_keep_their_contracts() -> None:
    linted = _lint_imports(ROOT)
    assert linted.returncode == 0, linted.stdout


def test_the_layers_are_described_as_they_are_checked() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    [layers] = [each["layers"] for each in contracts["contracts"] if each["id"] == "layers"]
    [described] = re.findall(
        r"^Imports go down only.*?^```\n(.*?)^```$",
        (ROOT / "docs" / "architecture.md").read_text(),
        re.DOTALL | re.MULTILINE,
    )
    assert described.splitlines() == [re.sub(r"\(lms\.(\w+)\)", r"\1", each) for each in layers]


@pytest.mark.parametrize(("contract", "path", "line"), CONTRACTS)
def test_a_broken_contract_is_caught(tmp_path: Path, contract: str, path: str, line: str) -> None:
    shutil.copytree(ROOT / "lms", tmp_path / "lms", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / path).open("a") as module:
        module.write(f"\n{line}\n")
    linted = _lint_imports(tmp_path)
    assert linted.returncode == 1
    assert f"{contract} BROKEN" in linted.stdout


def _lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINT_IMPORTS, "--no-cache", "--no-logo"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
