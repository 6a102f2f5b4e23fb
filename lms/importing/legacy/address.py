"""The old school's address, as a `.env` has it: Prisma's, Drizzle's, node's, or a bare path."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from sqlalchemy import URL

from lms import database_address
from lms.refusals import Refusal

_FILE = re.compile(r"^(file|sqlite3?):", re.IGNORECASE)
_SCHEME = re.compile(r"^([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_NAMED = re.compile(r"^(export\s+)?[A-Z][A-Z0-9_]*\s*=\s*")
_INSTEAD = {
    "mysql": "MySQL can't be read directly. Copy it into an SQLite file first, for instance with"
    " `mysql2sqlite` from the package mysql-to-sqlite3, then give that file.",
    "mongodb": "MongoDB can't be read: it has no tables. Load its collections into an SQLite file"
    " or a PostgreSQL database first, one table each.",
    "prisma": "This is Prisma Accelerate, not a database. Give the address of the database behind"
    " it, which starts with postgresql://; Prisma calls it the direct URL.",
    "libsql": "Turso can't be read directly. Save it as an SQLite file first, for instance with"
    " `turso db export`, then give that file.",
    "sqlserver": "SQL Server can't be read directly. Copy its tables into a PostgreSQL database or"
    " an SQLite file first, then give that.",
}
_SAME = {
    "mariadb": "mysql",
    "mysql2": "mysql",
    "mongodb+srv": "mongodb",
    "prisma+postgres": "prisma",
    "mssql": "sqlserver",
}
_OF_NODE = {"no-verify": "require"}
"""What node-pg calls a mode of libpq's."""


class NoOldSchool(Refusal):
    """Nothing at this address can be imported; the message says why."""


@dataclass(frozen=True)
class Address:
    """Where an old database is."""

    url: URL
    schema: str | None = None
    """The schema of PostgreSQL that holds the school, where the address names one."""

    @property
    def shown(self) -> str:
        """The address without its password."""
        return database_address.shown(self.url)


def address(given: str) -> Address:
    """Return where the old database is; raises NoOldSchool in words."""
    written = _NAMED.sub("", given.strip()).strip("\"'").strip()
    scheme = _SCHEME.match(written)
    if scheme is None:
        return _file(_FILE.sub("", written))
    full, rest = scheme[1].lower(), written[len(scheme[0]) :]
    kind = full.partition("+")[0]
    if instead := _INSTEAD.get(_SAME.get(full, _SAME.get(kind, kind))):
        raise NoOldSchool(instead)
    if kind in {"sqlite", "sqlite3"}:
        return _file(rest.removeprefix("/"))  # the third slash ends the host that there is none of
    if kind == "file":
        return _file(rest)
    if kind not in {"postgresql", "postgres", "pgsql"}:
        raise NoOldSchool(
            f"Only SQLite and PostgreSQL can be read, not {kind}."
            " Load the earlier system's database into one of them first."
        )
    return _server(f"postgresql://{rest}")


def _file(path: str) -> Address:
    """Return the address of a file, without what programs add to it."""
    path = path.partition("?")[0]
    if not path or path == ":memory:":
        raise NoOldSchool(
            "Enter the file of the earlier system's database, such as sqlite:///old.db."
        )
    found = path if Path(path).exists() else unquote(path)
    return Address(URL.create("sqlite", database=found))


def _server(written: str) -> Address:
    try:
        url = database_address.parsed(written)
    except ValueError:
        raise NoOldSchool(
            "This isn't a database address. Use one such as sqlite:///old.db or"
            f" postgresql://user:password@host/database, not {database_address.masked(written)}."
        ) from None
    given = {key: _text(value) for key, value in url.query.items()}
    known = database_address.known_parameters()
    query = {key: value for key, value in given.items() if key in known}
    if (mode := query.get("sslmode")) in _OF_NODE:
        query["sslmode"] = _OF_NODE[str(mode)]
    if "sslmode" not in query and given.get("ssl", "").lower() in {"true", "1", "require"}:
        query["sslmode"] = "require"
    url = url.set(query=query)
    return Address(url, given.get("schema") or None)


def _text(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else value[-1]
