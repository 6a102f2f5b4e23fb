"""The address of the old database as it stands in the other program's settings."""

from contextlib import chdir
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine, make_url, text

from lms.importing.legacy.address import NoOldSchool, address
from tests.commands import error_line, run
from tests.databases import Postgresql
from tests.importing.old import make

SCHOOL = {"users": [{"id": 1, "email": "ada@x.org", "name": "Ada"}]}
FILES = [
    "{path}",
    "./old.db",
    "old.db",
    "file:./old.db",
    "file:old.db?connection_limit=1&socket_timeout=10",
    "file:{path}",
    "file://{path}",
    "sqlite:old.db",
    "sqlite://old.db",
    "sqlite:///old.db",
    "sqlite:///{path}",
    '"file:./old.db"',
    'DATABASE_URL="file:./old.db"',
    "sqlite+pysqlite:///old.db",
]


def test_a_file_is_found_however_it_is_written(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    make(f"sqlite:///{path}", SCHOOL)
    with chdir(tmp_path):
        for written in FILES:
            result = run(app, "import", "legacy", written.format(path=path))
            assert (result.exit_code, written) == (0, written), result.stderr
            assert "users: 1 read, 1 created" in result.stdout


SERVERS = {
    "postgres://u:p%40ss@h:5433/d?schema=app&pgbouncer=true&connection_limit=5&pool_timeout=0": (
        "postgresql+psycopg://u:p%40ss@h:5433/d",
        "app",
    ),
    "postgresql://h/d?sslmode=require&sslaccept=strict&statement_cache_size=0": (
        "postgresql+psycopg://h/d?sslmode=require",
        None,
    ),
    "postgresql://h/d?sslmode=no-verify&uselibpqcompat=true": (
        "postgresql+psycopg://h/d?sslmode=require",
        None,
    ),
    "postgres://h/d?ssl=true": ("postgresql+psycopg://h/d?sslmode=require", None),
    "postgresql://u:p@s/s?@h/d?schema=app": ("postgresql+psycopg://u:p%40s%2Fs%3F@h/d", "app"),
    "postgresql+asyncpg://h/d": ("postgresql+psycopg://h/d", None),
}


def test_what_only_the_other_program_understands_is_left_out() -> None:
    for written, (url, schema) in SERVERS.items():
        found = address(written)
        assert (found.url.render_as_string(hide_password=False), found.schema) == (url, schema)


ELSEWHERE = {
    "mysql://u:secret@h/d": "mysql2sqlite",
    "mariadb+pymysql://u:secret@h/d": "mysql2sqlite",
    "mongodb+srv://u:secret@h/d": "MongoDB can't be read",
    "prisma://accelerate.example/?api_key=secret": "the direct URL",
    "libsql://school.turso.example": "turso db export",
    "sqlserver://h;database=d;password=secret": "SQL Server",
    "oracle://u:secret@h/d": "not oracle",
    "file:": "Enter the file",
    "postgresql://u:secret@h:port/d": "isn't a database address",
}


@pytest.mark.parametrize("written", ELSEWHERE)
def test_what_cannot_be_read_says_what_to_do_and_no_password(written: str) -> None:
    with pytest.raises(NoOldSchool) as refusal:
        address(written)
    assert ELSEWHERE[written] in refusal.value.detail
    assert "secret" not in refusal.value.detail


KINDS = {
    b"PGDMP\x01": "pg_restore",
    b"-- PostgreSQL database dump\nCREATE TABLE users (id int);": "sqlite3 old.db < old.db",
    b"PK\x03\x04": "Unpack a ZIP file first",
}


def test_another_kind_of_file_is_named(app: Flask, tmp_path: Path) -> None:
    for head, words in KINDS.items():
        path = tmp_path / "old.db"
        path.write_bytes(head + b" " * 100)
        assert words in error_line(run(app, "import", "legacy", str(path)), code=2)
    missing = run(app, "import", "legacy", "file:./dev.db")
    assert "Prisma's start at the folder of its schema.prisma" in error_line(missing, code=2)


def test_a_schema_is_read_where_it_is_named_and_found_where_it_is_not(
    app: Flask, postgresql: Postgresql
) -> None:
    with postgresql.empty() as url:
        make(url, SCHOOL)
        engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
        with engine.begin() as connection:
            connection.execute(text('CREATE SCHEMA "old school"'))
            connection.execute(text('ALTER TABLE users SET SCHEMA "old school"'))
        engine.dispose()
        sign = "&" if "?" in url else "?"
        for more, code in (("", 0), (f"{sign}schema=old%20school", 0), (f"{sign}schema=public", 2)):
            result = run(app, "import", "legacy", f"{url}{more}")
            assert (more, result.exit_code) == (more, code), result.stderr
