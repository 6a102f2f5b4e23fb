"""A real PgBouncer in front of the session's PostgreSQL: the machine's own, or Debian's package.

`make dev` unpacks the package, which needs no rights. Where it can't be had (it is Debian's alone,
and no Python package brings one), its tests are skipped by day, and fail in `make nightly`.
Set PGBOUNCER to the path of another one.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests import folders, postgres
from tests.faults.profile import NIGHTLY

ROOT = Path(__file__).resolve().parents[1]
UNPACKED = ROOT / ".cache" / "pgbouncer"
_PACKAGES = ("pgbouncer", "libevent-2.1-7", "libc-ares2")
_PORT = 6432

_CONFIGURATION = """\
[databases]
* = host={host} port={port} user=postgres
[pgbouncer]
listen_addr =
listen_port = {own_port}
unix_socket_dir = {folder}
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 400
server_round_robin = 1
query_wait_timeout = 5
server_login_retry = 1
ignore_startup_parameters = {ignored}
"""

# Ends with pytest, however that ends, as the server does.
_LIFE = """
trap '' PIPE
exec 2>log
LD_LIBRARY_PATH="$1" "$2" pgbouncer.ini >&2 &
until [ -S .s.PGSQL.$3 ]; do kill -0 $! || break; sleep 0.05; done
kill -0 $! && echo ready || echo failed
read _
kill -KILL $!
wait
"""


def executable() -> Path:
    """Return the PgBouncer to run; where there is none, skips the test, or fails it at night."""
    found = os.environ.get("PGBOUNCER") or shutil.which("pgbouncer", path=_everywhere())
    if found is None:
        missing = "no PgBouncer: `make dev` found none to unpack, and PGBOUNCER names none"
        if NIGHTLY:
            pytest.fail(missing)
        # A day's run is for every machine; Debian alone has the package, PyPI and npm have none.
        pytest.skip(missing)
    return Path(found)


@contextmanager
def pooler(
    url: str, *, mode: str = "transaction", size: int = 2, ignored: str = ""
) -> Iterator[str]:
    """Run a pooler that shares `size` of the server's connections; lend its address.

    An address of several hosts has it connect to each in turn.
    `ignored`: which settings of a connection it takes without a word, and loses.
    """
    binary, address = executable(), make_url(url)
    account = postgres.unprivileged()
    with postgres.private(folders.DISK, account) as folder:
        copy = folder / "pgbouncer"  # where the account may run it
        shutil.copyfile(binary, copy)
        copy.chmod(0o755)
        written = _CONFIGURATION.format(
            host=address.query["host"],
            port=str(address.query["port"]).partition(",")[0],
            own_port=_PORT,
            folder=folder,
            mode=mode,
            size=size,
            ignored=ignored,
        )
        (folder / "pgbouncer.ini").write_text(written)
        for library in UNPACKED.rglob("lib*.so*") if binary.is_relative_to(UNPACKED) else ():
            shutil.copyfile(library, folder / library.name)
        command = ["sh", "-c", _LIFE, "sh", str(folder), str(copy), str(_PORT)]
        with postgres.run_as(account, folder, command) as life:
            try:
                if life.stdout is None or life.stdout.readline() != b"ready\n":
                    raise RuntimeError(f"PgBouncer fails:\n{(folder / 'log').read_text()}")
                yield address.update_query_dict(
                    {"host": str(folder), "port": str(_PORT)}
                ).render_as_string(hide_password=False)
            finally:
                life.communicate(b"\n")


def prepare() -> None:
    """Unpack Debian's package, unless the machine has a PgBouncer or it is there already."""
    if shutil.which("pgbouncer", path=_everywhere()):
        return
    with tempfile.TemporaryDirectory(prefix="lms-pgbouncer-") as folder:
        try:
            apt, dpkg = (shutil.which(each) or each for each in ("apt-get", "dpkg"))
            fetch = [apt, "download", "-qq", *_PACKAGES]
            subprocess.run(fetch, check=True, cwd=folder, capture_output=True, timeout=120)
            UNPACKED.mkdir(parents=True, exist_ok=True)
            for package in Path(folder).glob("*.deb"):
                subprocess.run([dpkg, "-x", package, UNPACKED], check=True)
        except (OSError, subprocess.SubprocessError):
            shutil.rmtree(UNPACKED, ignore_errors=True)
            print("PgBouncer can't be had here: the tests that need it are skipped", flush=True)


def _everywhere() -> str:
    ours = UNPACKED / "usr" / "sbin"
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", str(ours)])


if __name__ == "__main__":
    prepare()
