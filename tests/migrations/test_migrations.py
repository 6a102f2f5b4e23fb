"""Migrations make what the models say, on both engines, in one piece and without losing a row."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flask_migrate
import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import inspect, text

import lms.db
from lms import create_app
from lms.db import db, writer
from lms.schema import TRIGGERS
from tests import databases
from tests.commands import run
from tests.conftest import Sql
from tests.databases import Postgresql, Server, Sqlite

MIGRATIONS = Path(lms.db.__file__).parent / "migrations"

Schema = dict[str, dict[str, list[str]]]


@pytest.fixture
def empty(server: Server) -> Iterator[Flask]:
    """The portal in its context, on a database without any table."""
    with server.empty() as url:
        app = create_app(databases.settings(url))
        with app.app_context():
            yield app
            db.session.remove()
            db.engine.dispose()


@pytest.fixture
def migration(tmp_path: Path) -> Callable[[str], str]:
    """Add one made-up migration to a copy of ours; return the copy's folder."""

    def add(upgrade: str) -> str:
        folder = tmp_path / "migrations"
        shutil.copytree(MIGRATIONS, folder)
        head = ScriptDirectory(str(folder)).get_current_head()
        (folder / "versions" / "9999_made_up.py").write_text(
            f"import sqlalchemy as sa\nfrom alembic import op\n"
            f"revision = '9999'\ndown_revision = '{head}'\n\n\ndef upgrade():\n    {upgrade}\n"
        )
        return str(folder)

    return add


def test_upgrading_from_empty_makes_what_the_models_say(empty: Flask) -> None:
    flask_migrate.upgrade()
    migrated = _schema()
    flask_migrate.downgrade(revision="base")
    db.metadata.create_all(writer(db.engine))
    assert migrated == _schema()


def test_autogenerate_finds_nothing_to_add(context: Flask) -> None:
    assert _differences() == []


def test_autogenerate_finds_a_column_that_a_migration_forgot(context: Flask, sql: Sql) -> None:
    sql("ALTER TABLE users DROP COLUMN invited_at")
    assert [difference[0] for difference in _differences()] == ["add_column"]


def test_every_trigger_is_there(context: Flask) -> None:
    assert _triggers() == TRIGGERS[db.engine.dialect.name]


def test_every_function_finds_its_tables_whatever_is_searched(postgresql: Postgresql) -> None:
    """A migration that replaces one has to call `keep_to_schema` again."""
    with postgresql.migrated() as url, databases.portal(url).app_context():
        loose = (
            "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            " AND NOT 'search_path=public, pg_temp' = ANY (coalesce(proconfig, '{}'))"
        )
        assert _rows(loose) == []
        db.engine.dispose()


def test_postgresql_first_and_sqlite_next_keep_the_mirror_keys_in_one_process(
    postgresql: Postgresql, sqlite: Sqlite
) -> None:
    for server in (postgresql, sqlite, postgresql):
        with server.empty() as url:
            databases.migrate(url)
            app = create_app(databases.settings(url))
            with app.app_context():
                keys = {
                    key["name"]: key["options"]
                    for table in ("enrollments", "student_progress")
                    for key in inspect(db.engine).get_foreign_keys(table)
                }
                assert keys["fk_enrollments_mirror"]["initially"] == "DEFERRED"
                assert keys["fk_student_progress_mirror"]["initially"] == "DEFERRED"
                assert _triggers() == TRIGGERS[db.engine.dialect.name]
                db.engine.dispose()


def test_downgrading_leaves_nothing_and_upgrading_makes_it_again(empty: Flask) -> None:
    flask_migrate.upgrade()
    before, triggers = _schema(), _triggers()
    flask_migrate.downgrade(revision="base")
    assert set(inspect(db.engine).get_table_names()) == {"alembic_version"}
    assert _triggers() == set()
    assert _functions() == []
    flask_migrate.upgrade()
    assert (_schema(), _triggers()) == (before, triggers)


def test_rebuilding_a_table_keeps_all_rows_that_refer_to_it(
    context: Flask, sql: Sql, migration: Callable[[str], str]
) -> None:
    sql(
        "INSERT INTO users (email, name) VALUES ('ada@example.org', 'Ada')",
        "INSERT INTO courses (title) VALUES ('Algebra')",
        "INSERT INTO chapters (course_id, title) VALUES (1, 'Sets')",
        "INSERT INTO enrollments (user_id, course_id) VALUES (1, 1)",
        "INSERT INTO student_progress (student_id, course_id) VALUES (1, 1)",
        "INSERT INTO chapter_completions (student_id, chapter_id) VALUES (1, 1)",
    )
    flask_migrate.upgrade(
        migration(
            "with op.batch_alter_table('courses') as courses:\n"
            "        courses.alter_column('title', type_=sa.String(300))"
        )
    )
    for table in ("courses", "chapters", "enrollments", "student_progress", "chapter_completions"):
        assert len(sql(f"SELECT * FROM {table}")) == 1
    assert sql("SELECT version_num FROM alembic_version") == [("9999",)]
    assert _triggers() == TRIGGERS[db.engine.dialect.name]
    if db.engine.dialect.name == "sqlite":
        assert sql("PRAGMA foreign_keys") == [(1,)]
        assert sql("PRAGMA legacy_alter_table") == [(0,)]


def test_a_migration_that_breaks_references_is_undone(
    context: Flask, sql: Sql, migration: Callable[[str], str]
) -> None:
    before = sql("SELECT version_num FROM alembic_version")
    sql(
        "INSERT INTO courses (title) VALUES ('Algebra')",
        "INSERT INTO chapters (course_id, title) VALUES (1, 'Sets')",
    )
    folder = migration("op.execute('UPDATE chapters SET course_id = 2')")
    with pytest.raises((SystemExit, Exception)) as refused:
        flask_migrate.upgrade(folder)
    assert refused.type.__name__ in {"SystemExit", "IntegrityError"}
    assert sql("SELECT version_num FROM alembic_version") == before
    assert sql("SELECT course_id FROM chapters") == [(1,)]


def test_a_migration_that_fails_halfway_leaves_nothing(
    context: Flask, sql: Sql, migration: Callable[[str], str]
) -> None:
    before = sql("SELECT version_num FROM alembic_version")
    folder = migration(
        "op.create_table('half', sa.Column('id', sa.Integer))\n"
        "    op.execute('INSERT INTO courses (title) VALUES (1)')\n"
        "    raise KeyError('power cut')"
    )
    with pytest.raises(KeyError):
        flask_migrate.upgrade(folder)
    assert not inspect(db.engine).has_table("half")
    assert sql("SELECT id FROM courses") == []
    assert sql("SELECT version_num FROM alembic_version") == before


def test_a_database_of_a_newer_release_is_left_alone_and_the_line_says_what_to_do(
    context: Flask, sql: Sql
) -> None:
    """As a machine meets it that restarts before its turn in an upgrade of several."""
    sql("UPDATE alembic_version SET version_num = '9999'")
    ran = run(context, "db", "upgrade")
    assert ran.exit_code != 0
    assert "of a newer release (migration 9999) than this code" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert sql("SELECT version_num FROM alembic_version") == [("9999",)]


def test_workers_that_migrate_at_once_all_find_it_done(empty: Flask) -> None:
    environment = {**os.environ, "DATABASE_URL": empty.config["DATABASE_URL"], "SECRET_KEY": "x"}
    upgrades = [
        subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "app", "db", "upgrade"],
            cwd=MIGRATIONS.parents[1],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    errors = [upgrade.communicate(timeout=100)[1] for upgrade in upgrades]
    assert [upgrade.returncode for upgrade in upgrades] == [0, 0], errors
    assert _triggers() == TRIGGERS[db.engine.dialect.name]


def test_a_worker_waits_for_a_long_migration_longer_than_for_a_row(
    postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lms.db, "WAIT_SECONDS", 0.05)
    with postgresql.migrated() as url, psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(7233001)")
        release = threading.Timer(0.5, other.execute, ["SELECT pg_advisory_unlock(7233001)"])
        release.start()
        databases.migrate(url)
        release.join()


def _schema() -> Schema:
    """Tell all that reflection knows of each table, but Alembic's own."""
    inspector = inspect(db.engine)
    return {
        table: {
            "columns": _sorted(
                {**column, "type": str(column["type"])} for column in inspector.get_columns(table)
            ),
            "primary key": _sorted([inspector.get_pk_constraint(table)]),
            "foreign keys": _sorted(inspector.get_foreign_keys(table)),
            "uniques": _sorted(inspector.get_unique_constraints(table)),
            "checks": _sorted(inspector.get_check_constraints(table)),
            "indexes": _sorted(inspector.get_indexes(table)),
            "options": _sorted(
                ["AUTOINCREMENT" in sql for sql in _sqlite_master("table") if f" {table} " in sql]
            ),
        }
        for table in inspector.get_table_names()
        if table not in {"alembic_version", "sqlite_sequence"}
    }


def _sorted(facts: Any) -> list[str]:
    return sorted(_told(fact) for fact in facts)


def _told(fact: Any) -> str:
    if isinstance(fact, dict):
        return str([(key, _told(value)) for key, value in sorted(fact.items())])
    return str(fact)


def _differences() -> list[Any]:
    with db.engine.connect() as connection:
        options = {"compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, db.metadata))


def _triggers() -> set[str]:
    if db.engine.dialect.name == "sqlite":
        return {sql.split()[2] for sql in _sqlite_master("trigger")}
    return set(_rows("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"))


def _functions() -> list[str]:
    if db.engine.dialect.name == "sqlite":
        return []
    return _rows("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace")


def _sqlite_master(kind: str) -> list[str]:
    if db.engine.dialect.name != "sqlite":
        return []
    return _rows(f"SELECT sql FROM sqlite_master WHERE type = '{kind}' AND sql IS NOT NULL")


def _rows(query: str) -> list[str]:
    with db.engine.connect() as connection:
        return list(connection.execute(text(query)).scalars())
