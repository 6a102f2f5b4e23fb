"""Test runs in forks of this process, which has imported the libraries once for all of them.

Importing them takes three quarters of the time of a short run.
"""

import atexit
import importlib
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from tests.faults.mutants.mutant import ROOT

SECONDS = 600  # a busy machine is slow; what hangs, pytest ends sooner
_OPTIONS = ("-x", "-q", "-p", "no:cacheprovider", "-W", "ignore:Module already imported")
_LIBRARIES = (
    "alembic.autogenerate",
    "argon2",
    "flask_login",
    "flask_migrate",
    "flask_sqlalchemy",
    "flask_wtf",
    "typst",
    "granian.server",
    "huey.consumer",
    "hypothesis.stateful",
    "mistune",
    "nh3",
    "prometheus_client",
    "psycopg",
    "pydantic",
    "pytest_cov.plugin",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite",
    "stripe",
    "structlog",
    "xdist.plugin",
)


def run_tests(folder: Path, arguments: list[str], variables: Mapping[str, str]) -> tuple[int, str]:
    """Run pytest in a folder until a test fails; return its status and what it said.

    Raises TimeoutError.
    """
    _import_libraries()
    with tempfile.TemporaryFile("w+") as told:
        child = os.fork()
        if child == 0:
            _become_pytest(folder, arguments, variables, told.fileno())
        try:
            status = _wait(child)
        except BaseException:
            os.killpg(child, signal.SIGKILL)  # it and what it has started
            os.waitpid(child, 0)
            raise
        told.seek(0)
        return status, told.read()


@cache
def _import_libraries() -> None:
    for name in _LIBRARIES:
        importlib.import_module(name)


def _become_pytest(
    folder: Path, arguments: list[str], variables: Mapping[str, str], output: int
) -> None:
    status = 3
    try:
        os.setpgid(0, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.environ.update(variables)
        os.chdir(folder)
        # Nothing of the original sources, and nothing that the parent wants done at its end.
        sys.path[:] = [str(folder), *(p for p in sys.path if p and Path(p).resolve() != ROOT)]
        for name in [name for name in sys.modules if name.partition(".")[0] in {"lms", "tests"}]:
            del sys.modules[name]
        atexit._clear()
        status = int(pytest.main([*_OPTIONS, *arguments]))
        atexit._run_exitfuncs()
    except BaseException:  # noqa: BLE001 - the parent shows it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


def _wait(child: int) -> int:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        finished, status = os.waitpid(child, os.WNOHANG)
        if finished:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.1)
    raise TimeoutError(f"a hang of {SECONDS} s")
