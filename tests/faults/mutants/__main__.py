"""`python -m tests.faults.mutants [WORD...]`: break the verbs on purpose, see the tests notice.

Each fault is put into a copy of the sources, and the tests named for it are run there, quick ones
first, up to the first that fails. Words narrow the list: a fault's name or file must contain all.
Exits with 1 when fewer than 95 % of the faults were caught.
"""

import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests import postgres
from tests.faults.mutants import MUTANTS, ROOT, Broken, Mutant
from tests.faults.mutants.forked import run_tests

WANTED_PERCENT = 95
_COPIED = ("lms", "tests", "templates", "static", "app.py", "pyproject.toml")


def main(words: list[str]) -> int:
    """Try the faults, print a line for each, and return the exit status."""
    wanted = [
        each for each in _all() if all(word in f"{each[0].name} {each[1].file}" for word in words)
    ]
    if not wanted:
        print(f"No fault's name and file contain: {' '.join(words)}", file=sys.stderr)
        return 2
    caught = 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, postgres.server() as url:
        for name in _COPIED:
            _copy(ROOT / name, Path(folder) / name)
        for mutant, broken in wanted:
            began = time.monotonic()
            by = _caught_by(mutant, broken, Path(folder), url)
            caught += bool(by)
            seconds = time.monotonic() - began
            result = f"caught by {by}" if by else "SURVIVED"
            print(f"{broken.file}: {mutant.name}: {result} ({seconds:.0f} s)", flush=True)
    print(f"{caught} of {len(wanted)} faults were caught: {100 * caught / len(wanted):.1f} %")
    return 0 if 100 * caught >= WANTED_PERCENT * len(wanted) else 1


def _all() -> list[tuple[Mutant, Broken]]:
    return [(mutant, mutant.applied()) for mutant in MUTANTS]


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, target)


def _caught_by(mutant: Mutant, broken: Broken, folder: Path, postgres_url: str) -> str:
    """Return the test that noticed the fault; blank if none did."""
    path = folder / broken.file
    right = path.read_text()
    path.write_text(broken.source)
    other = {"sqlite": "postgresql", "postgresql": "sqlite"}[mutant.engine]
    try:
        status, told = run_tests(
            folder,
            [*mutant.tests, "-k", f"not {other}"],
            {"TEST_POSTGRES_URL": postgres_url, "TEST_PROFILE": "mutants"},
        )
    except TimeoutError as error:
        return str(error)
    finally:
        path.write_text(right)
    if status == 0:
        return ""
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", told, re.MULTILINE)
    if status != 1 or failed is None:  # no test was run at all: that is no proof
        raise RuntimeError(told)
    return failed[1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
