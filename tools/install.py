"""Bring .venv and the browser assets up to a stage: `install.py uv`, `runtime` or `dev`.

Runs under the machine's own python3, so it uses the standard library alone, in syntax that an old
one can still read. Each step leaves a stamp of the files it was made from: a repeat costs a hash.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCKS = ROOT / "requirements"
VENDOR = ROOT / "static" / "vendor"
ASSETS = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "htmx.LICENSE.txt": "htmx.org/LICENSE",
    "bootstrap.min.css": "bootstrap/dist/css/bootstrap.min.css",
    "bootstrap.LICENSE.txt": "bootstrap/LICENSE",
    "tus.min.js": "tus-js-client/dist/tus.min.js",
    "tus.LICENSE.txt": "tus-js-client/LICENSE",
}


def main(stage: str) -> None:
    """Install what `stage` needs and nothing else.

    Two at once are safe: the second waits for the first and then finds everything done.
    """
    if sys.version_info < (3, 11):  # noqa: UP036 - this runs under whatever python3 is
        found = ".".join(map(str, sys.version_info[:2]))
        sys.exit(
            f"Python 3.11 or newer is needed, but python3 is {found}: try `make PYTHON=python3.12`"
        )
    (ROOT / ".cache").mkdir(exist_ok=True)
    with (ROOT / ".cache" / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            _install(stage)
        except subprocess.CalledProcessError as error:
            command = " ".join(map(str, error.cmd))
            sys.exit(
                "Installation stopped because this command failed (see its message above):"
                f" {command}"
            )


def _install(stage: str) -> None:
    _environment()
    if stage == "uv":
        return
    _packages(stage)
    _let_flask_find_the_portal()
    _assets()
    if stage == "dev":
        _run(PYTHON, "-m", "tests.browser.chromium")
        _run(PYTHON, "-m", "tests.debian")


def _environment() -> None:
    """Make .venv, with the one tool that pip installs: uv, by hash."""
    stamp = _Stamp("environment", LOCKS / "uv.txt")
    if stamp.is_fresh() and shutil.which(PYTHON):
        return
    _tell(1, "Creating .venv")
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        venv.create(VENV, with_pip=True, symlinks=True)
    except subprocess.CalledProcessError:
        sys.exit("This Python has no working venv module: on Debian, apt install python3-venv")
    pip = (PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    _run(*pip, "--require-hashes", "--only-binary", ":all:", "-r", LOCKS / "uv.txt")
    stamp.leave()


def _packages(stage: str) -> None:
    """Sync with the locks; an environment that once had the test packages keeps them."""
    if (VENV / ".stamp-dev").exists():
        stage = "dev"
    locks = [LOCKS / f"{stage}.txt"]
    if not shutil.which("npm"):
        locks.append(LOCKS / "node.txt")
    stamp = _Stamp(stage, *locks)
    if stamp.is_fresh():
        return
    _tell(2, f"Installing the {stage} packages")
    uv = (VENV / "bin" / "uv", "pip", "sync", "--quiet", "--python", PYTHON)
    # Compiled once: where Python may not write bytecode, each start would cost seconds more.
    _run(*uv, "--compile-bytecode", "--require-hashes", "--no-build", *locks)
    stamp.leave()


def _let_flask_find_the_portal() -> None:
    """Have `.venv/bin/flask` find app.py from every folder that has none, as cron starts it."""
    [packages] = (VENV / "lib").glob("python3*/site-packages")
    portal = str(ROOT / "app.py")
    line = f"import os; os.path.exists('app.py') or os.environ.setdefault('FLASK_APP', {portal!r})"
    (packages / "portal.pth").write_text(line + "\n")


def _assets() -> None:
    """Copy the few files that pages load from npm's packages into static/vendor/."""
    stamp = _Stamp("assets", ROOT / "package-lock.json", Path(__file__))
    if stamp.is_fresh() and all((VENDOR / name).exists() for name in ASSETS):
        return
    _tell(3, "Installing the browser assets")
    _run("npm", "ci", "--omit=dev", "--loglevel=error")
    VENDOR.mkdir(parents=True, exist_ok=True)
    for name, source in ASSETS.items():
        shutil.copyfile(ROOT / "node_modules" / source, VENDOR / name)
    stamp.leave()


def _tell(step: int, what: str) -> None:
    print(f"[{'#' * step}{'-' * (3 - step)}] {what}", flush=True)


class _Stamp:
    """A note in .venv of the files that a step was made from, and of where .venv stood."""

    def __init__(self, step: str, *sources: Path) -> None:
        self._path = VENV / f".stamp-{step}"
        content = b"\0".join([str(ROOT).encode(), *(source.read_bytes() for source in sources)])
        self._digest = hashlib.sha256(content).hexdigest()

    def is_fresh(self) -> bool:
        return self._path.exists() and self._path.read_text() == self._digest

    def leave(self) -> None:
        self._path.write_text(self._digest)


def _run(*command: object) -> None:
    # .venv/bin comes last: it has npm only where the machine has none.
    environment = {
        "UV_HTTP_TIMEOUT": "180",
        "UV_NO_CONFIG": "1",
        **os.environ,
        "PATH": os.pathsep.join([os.environ.get("PATH", os.defpath), str(VENV / "bin")]),
    }
    arguments = [str(part) for part in command]
    subprocess.run(arguments, check=True, cwd=ROOT, env=environment)


if __name__ == "__main__":
    main(sys.argv[1])
