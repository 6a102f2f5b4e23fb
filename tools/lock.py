"""Write requirements/*.txt from pyproject.toml and package-lock.json from package.json.

Locks hold names, versions and hashes, never an address: which registry serves them is the
machine's affair. Arguments are passed on to uv: `--upgrade` renews every pin.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
RUNTIME = "requirements/runtime.txt"
LOCKS: dict[str, list[str]] = {
    "requirements/uv.txt": ["--group", "pyproject.toml:uv"],
    "requirements/node.txt": ["--group", "pyproject.toml:node"],
    RUNTIME: ["pyproject.toml"],
    "requirements/dev.txt": ["pyproject.toml", "--group", "pyproject.toml:dev", "-c", RUNTIME],
}


def main(options: list[str]) -> None:
    """Renew the locks that pyproject.toml or package.json have outgrown."""
    for lock, sources in LOCKS.items():
        _run(
            *(str(BIN / "uv"), "pip", "compile", "--quiet", "--no-config", *sources),
            *("--universal", "--python-version", "3.11", "--generate-hashes"),
            *("--no-annotate", "--no-header", "--no-emit-index-url", "--no-emit-find-links"),
            *("--output-file", lock, *options),
        )
    for folder in (ROOT, ROOT / "tests" / "browser" / "lighthouse"):
        _run("npm", "install", "--package-lock-only", "--loglevel=error", cwd=folder)
        _without_addresses(folder / "package-lock.json")


def _without_addresses(lock: Path) -> None:
    content = json.loads(lock.read_text())
    for package in content["packages"].values():
        package.pop("funding", None)
        package.pop("resolved", None)
    lock.write_text(json.dumps(content, indent=2) + "\n")


def _run(*command: str, cwd: Path = ROOT) -> None:
    environment = {**os.environ, "PATH": os.pathsep.join([os.environ["PATH"], str(BIN)])}
    subprocess.run(command, check=True, cwd=cwd, env=environment)


if __name__ == "__main__":
    main(sys.argv[1:])
