"""What PostgreSQL's own programs leave of a school: it comes back whole, and nothing hides."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask

from lms import enrollment, schema, sync
from lms.db import Base, db
from tests import databases
from tests.builders import a_request
from tests.databases import Postgresql
from tests.invariants import assert_invariants
from tests.postgres import client
from tests.sync.conftest import contents
from tests.sync.school import School, a_school

_CREATE = ("users", "create", "eve@example.org", "--name", "Eve", "--role", "student")


def test_a_dump_of_the_data_alone_loads_into_a_new_database(postgresql: Postgresql) -> None:
    with postgresql.migrated() as old, postgresql.migrated() as new:
        _, before = _lived_in(old)
        dump = client("pg_dump", "--data-only", "--exclude-table=alembic_version", old)
        client("psql", "--single-transaction", "--set=ON_ERROR_STOP=1", new, given=dump)
        with _portal(new):
            assert contents() == before
            sync.auto_fix(by=None)  # the triggers have counted what the dump's sums had, too
            assert sync.validate().ok
            assert_invariants(db.session())


def test_counters_that_a_dump_left_behind_are_named_and_lifted(
    postgresql: Postgresql, tmp_path: Path
) -> None:
    """As after logical replication, which carries rows alone."""
    with postgresql.migrated() as old, postgresql.empty() as new:
        school, before = _lived_in(old)
        dump, parts = _archive(old, tmp_path), tmp_path / "parts"
        listed = client("pg_restore", "--list", dump).decode().splitlines()
        parts.write_text("\n".join(line for line in listed if " SEQUENCE SET " not in line))
        client("pg_restore", f"--use-list={parts}", f"--dbname={new}", dump)
        with _portal(new) as app:
            assert "the id counter of audit_entries" in schema.missing()
            assert "the id counter of access_requests" in sync.health().database.missing
            db.session.rollback()
            told = _run(app, "sync", "validate")
            assert "the id counter of" in told.stderr
            told = _run(app, "sync", "auto-fix")
            assert "ID counters and defaults restored: " in told.stdout
            assert told.exit_code == 0
            assert contents() == before
            _goes_on(app, school)


def test_tables_restored_one_by_one_come_back_whole(postgresql: Postgresql, tmp_path: Path) -> None:
    with postgresql.migrated() as old, postgresql.empty() as new:
        school, before = _lived_in(old)
        dump = _archive(old, tmp_path)
        tables = [f"--table={table}" for table in (*Base.metadata.tables, "alembic_version")]
        client("pg_restore", *tables, f"--dbname={new}", dump)
        with _portal(new) as app:
            assert {"uq_users_email", "the id counter of users"} < set(schema.missing())
            db.session.rollback()
            told = _run(app, "db", "repair-constraints")
            assert (told.exit_code, told.stderr) == (0, "")
            assert re.search(r"^\d{3} restored$", told.stdout, re.MULTILINE)
            assert _run(app, "db", "repair-constraints").stdout == "Nothing was missing.\n"
            assert contents() == before
            _goes_on(app, school)


def test_a_load_without_triggers_that_died_leaves_none_of_them_off(
    postgresql: Postgresql,
) -> None:
    with postgresql.migrated() as old, postgresql.migrated() as new:
        school, before = _lived_in(old)
        dump = client("pg_dump", "--data-only", "--exclude-table=alembic_version", old)
        client("psql", "--single-transaction", "--set=ON_ERROR_STOP=1", new, given=dump)
        again = client("pg_dump", "--data-only", "--disable-triggers", "--table=users", old)
        until = again.index(b"ENABLE TRIGGER ALL")
        client("psql", new, given=again[: again.rindex(b";", 0, until) + 1])
        with _portal(new) as app:
            lost = schema.missing()
            assert {"fk_enrollments_user_id", "users_forget_words"} <= set(lost)
            db.session.rollback()
            _run(app, "sync", "auto-fix")
            told = _run(app, "db", "repair-constraints")
            assert f"{len(lost)} restored" in told.stdout
            assert _off(app) == []
            assert contents() == before
            _goes_on(app, school)


def _lived_in(url: str) -> tuple[School, dict[str, Any]]:
    with _portal(url):
        school = a_school()
        a_request(school.bob, school.algebra)
        enrollment.delete_course(school.botany, by=school.grace)
        return school, contents()


def _goes_on(app: Flask, school: School) -> None:
    """Require that the school is whole, and that it takes what people do next."""
    assert schema.missing() == []
    assert sync.validate().ok
    assert_invariants(db.session())
    told = _run(app, *_CREATE, "--password", "a long enough password")
    assert told.exit_code == 0, told.stderr
    named = contents()["users"]
    assert max(row["id"] for row in named) > max(school.ada, school.bob)
    course = enrollment.create_course(
        enrollment.CourseFields(title="Zoology", status="published"), by=school.grace
    )
    assert course > school.botany  # whose number the trail has, though the course is gone
    a_request(school.ada, course)
    assert not any(sync.auto_fix(by=None).remaining.values())


def _archive(url: str, folder: Path) -> str:
    path = folder / "dump"
    client("pg_dump", "--format=custom", f"--file={path}", url)
    return str(path)


def _run(app: Flask, *args: str) -> Any:
    return app.test_cli_runner().invoke(args=args)


def _off(app: Flask) -> list[Any]:
    with db.engine.connect() as connection:
        off = "SELECT tgname FROM pg_trigger WHERE tgenabled <> 'O'"
        return list(connection.exec_driver_sql(off).scalars())


@contextmanager
def _portal(url: str) -> Iterator[Flask]:
    app = databases.portal(url)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
