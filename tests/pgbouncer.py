"""A real PgBouncer in front of the session's PostgreSQL."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import make_url

from tests import debian, folders, postgres

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
query_wait_timeout = {patience}
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


@contextmanager
def pooler(
    url: str, *, mode: str = "transaction", size: int = 2, ignored: str = "", patience: int = 5
) -> Iterator[str]:
    """Run a pooler that shares `size` of the server's connections; lend its address.

    An address of several hosts has it connect to each in turn.
    `patience`: after how many seconds of waiting for one of them a client is turned away.
    `ignored`: which settings of a connection it takes without a word, and loses.
    """
    binary, address = debian.program("pgbouncer"), make_url(url)
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
            patience=patience,
        )
        (folder / "pgbouncer.ini").write_text(written)
        for library in debian.libraries(binary):
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
