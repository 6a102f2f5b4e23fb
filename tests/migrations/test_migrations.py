"""Migrations make what the models say, on both engines, in one piece and without losing a row."""

import json
import os
import shutil
import subprocess
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import flask_migrate
import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import inspect, select, text

import lms.db
from lms import create_app, enrollment, sync
from lms.db import db, now, writer
from lms.ledger.projection import ACCESS_ENDED
from lms.models import SignIn
from lms.schema import TRIGGERS
from tests import databases
from tests.builders import a_course, a_student
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


def test_no_release_takes_an_unproven_address_for_a_proven_one(context: Flask, sql: Sql) -> None:
    sql(
        "INSERT INTO users (email, name, email_verified_at) VALUES ('a@x.org', 'Ada', NULL)",
        "INSERT INTO users (email, name) VALUES ('b@x.org', 'Bob')",
    )
    flask_migrate.downgrade(revision="0015")
    flask_migrate.upgrade()
    assert sql("SELECT email FROM users WHERE email_verified_at IS NOT NULL") == [("b@x.org",)]


def test_who_had_completed_a_course_before_there_were_certificates_gets_one(
    context: Flask, sql: Sql
) -> None:
    flask_migrate.downgrade(revision="0005")
    sql(
        "INSERT INTO users (email, name) VALUES ('ada@example.org', 'Ada'), ('b@x.org', 'Bob')",
        "INSERT INTO courses (title) VALUES ('Algebra')",
        "INSERT INTO enrollments (user_id, course_id, progress, completed_at)"
        " VALUES (1, 1, 100, '2026-01-02 03:04:05.000000'), (2, 1, 50, NULL)",
        "INSERT INTO student_progress (student_id, course_id, total_progress)"
        " VALUES (1, 1, 100), (2, 1, 50)",
    )
    flask_migrate.upgrade()
    [row] = sql("SELECT * FROM certificates")
    assert (row.user_id, row.student_name, row.course_title) == (1, "Ada", "Algebra")
    assert str(row.completed_at).startswith("2026-01-02 03:04:05")
    [choices] = sql(
        "SELECT DISTINCT emails_decisions, emails_purchases, emails_requests FROM users"
    )
    assert [bool(choice) for choice in choices] == [True, True, False]


def test_an_admin_s_sign_in_that_nobody_uses_ends_soon_after_the_upgrade(
    context: Flask, sql: Sql
) -> None:
    flask_migrate.downgrade(revision="0015")
    sql("INSERT INTO users (id, email, name, role) VALUES (1, 'a@x', 'A', 'admin')")
    sql("INSERT INTO users (id, email, name, role) VALUES (2, 's@x', 'S', 'student')")
    for user_id in (1, 2):
        sql(
            "INSERT INTO sign_ins (token_hash, user_id, expires_at)"
            f" VALUES ('t{user_id}', {user_id}, '2099-01-01 00:00:00.000000')"
        )
    flask_migrate.upgrade()
    found = db.session.execute(select(SignIn.user_id, SignIn.expires_at)).all()
    ends = {row.user_id: row.expires_at for row in found}
    assert timedelta(minutes=29) < ends[1] - now() <= timedelta(minutes=30)
    assert ends[2].year == 2099


def test_names_and_titles_of_earlier_releases_are_composed(context: Flask, sql: Sql) -> None:
    flask_migrate.downgrade(revision="0021")
    apart = unicodedata.normalize("NFD", "Zoë Ångström 한글")
    whole = unicodedata.normalize("NFC", apart)
    assert apart != whole
    sql("INSERT INTO users (id, email, name) VALUES (1, 'a@x', :name)", name=apart)
    many = ", ".join(f"({number}, 'p{number}@x', 'Plain')" for number in range(2, 1500))
    sql(f"INSERT INTO users (id, email, name) VALUES {many}")
    sql("INSERT INTO users (id, email, name) VALUES (1500, 'z@x', :name)", name=apart)
    longer = "\u0958" * 120  # composed, each is two letters: it would not fit
    sql("INSERT INTO users (id, email, name) VALUES (1501, 'h@x', :name)", name=longer)
    sql("INSERT INTO courses (id, title) VALUES (1, :name)", name=apart)
    sql("INSERT INTO chapters (course_id, title) VALUES (1, :name)", name=apart)
    sql("INSERT INTO audit_entries (action, actor_name) VALUES ('user.added', :name)", name=apart)
    sql("UPDATE users SET words = 'old words'")
    flask_migrate.upgrade()
    named = sql("SELECT id, name, words FROM users WHERE name <> 'Plain' ORDER BY id")
    assert named == [
        (1, whole, None),  # the worker writes the words anew
        (1500, whole, None),
        (1501, longer, "old words"),
    ]
    assert sql("SELECT count(*) FROM users WHERE words = 'old words'") == [(1499,)]
    for table, column in (("courses", "title"), ("chapters", "title")):
        assert sql(f"SELECT {column} FROM {table}") == [(whole,)]
    assert sql("SELECT actor_name FROM audit_entries") == [(apart,)]


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


def test_the_amount_of_an_earlier_release_becomes_what_was_agreed_and_what_was_paid(
    context: Flask, sql: Sql
) -> None:
    flask_migrate.downgrade(revision="0026")
    sql(
        "INSERT INTO payments (amount_cents, status) VALUES (4900, 'paid'), (4900, 'needs_review')",
        "INSERT INTO payments (amount_cents, status) VALUES (4900, 'pending')",
        *(
            f"INSERT INTO stripe_sessions (id, payment_id, state, amount_total, currency)"
            f" VALUES ('cs_{number}', {number}, '{state}', {amount}, 'eur')"
            for number, state, amount in ((1, "paid", 4900), (2, "paid", 3900), (3, "open", 3900))
        ),
    )
    flask_migrate.upgrade()
    parts = "agreed_cents, subtotal_cents, discount_cents, tax_cents, amount_cents"
    kept = sql(f"SELECT {parts} FROM payments ORDER BY id")
    assert kept == [(4900, 4900, 0, 0, 4900), (4900, 3900, 0, 0, 3900), (4900, 4900, 0, 0, 4900)]
    flask_migrate.downgrade(revision="0026")
    assert sql("SELECT amount_cents FROM payments ORDER BY id") == [(4900,)] * 3
    flask_migrate.upgrade()


def test_a_reason_of_an_earlier_release_says_what_to_do_and_stays_reviewed(
    context: Flask, sql: Sql
) -> None:
    kept = (
        "Too little of this payment is left to give access: €2.00 of €9.00, and access needs 50%."
    )
    note = "The student also paid for this course with payment 1. Refund one of them."
    before = ("An admin ended this access, but the payment was kept.", kept, f"{kept} {note}", "A.")
    flask_migrate.downgrade(revision="0034")
    for said in before:
        sql(
            "INSERT INTO payments (amount_cents, status, attention, dismissed_attention)"
            " VALUES (900, 'needs_review', :said, :said)",
            said=said,
        )
    flask_migrate.upgrade()
    ended, *left, other = sql("SELECT attention, dismissed_attention FROM payments ORDER BY id")
    assert ended == (ACCESS_ENDED, ACCESS_ENDED)
    assert [row.attention for row in left] == [
        f"{kept} Enroll the student, or refund the rest.",
        f"{kept} Enroll the student, or refund the rest. {note}",
    ]
    assert all(row.attention == row.dismissed_attention for row in left)
    assert other == ("A.", "A.")
    flask_migrate.downgrade(revision="0034")
    assert [row.attention for row in sql("SELECT attention FROM payments ORDER BY id")] == [*before]
    flask_migrate.upgrade()


def test_what_an_undo_took_back_before_the_trail_said_so_is_no_lost_access(
    context: Flask, sql: Sql
) -> None:
    ada, bob = a_student("Ada", email="ada@example.org"), a_student("Bob", email="bob@example.org")
    course = a_course("Tides", is_public=False)
    enrollment.enroll(bob, course, by=None)
    db.session.remove()
    flask_migrate.downgrade(revision="0037")
    changed: dict[tuple[str, int], dict[str, object]] = {
        ("enrollments", ada): {"user_id": ada, "course_id": course},
        ("access_sources", bob): {"user_id": bob, "course_id": course, "kind": "import"},
    }
    sql("INSERT INTO sync_runs (trigger, status) VALUES ('import', 'undone')")
    for (table, student), row in changed.items():
        sql(
            "INSERT INTO audit_entries (at, action, student_id, course_id, details) VALUES"
            " ('2026-01-01 00:00:00', 'access.granted', :student, :course,"
            """ '{"source": "import", "reference": 0, "enrolled": true}')""",
            student=student,
            course=course,
        )
        sql(
            "INSERT INTO sync_changes (run_id, kind, table_name, row_id, after, undone_at)"
            " VALUES (1, 'roster', :table, 1, :after, '2026-01-02 00:00:00')",
            table=table,
            after=json.dumps({**row, "reference": 0}),
        )
    for _ in range(2):  # once only, however often a release is taken back
        flask_migrate.upgrade()
        assert sync.validate().counts["lost_access"] == 0
        told = sql(
            "SELECT action, student_id FROM audit_entries"
            " WHERE reason = 'Undone before the upgrade' ORDER BY id"
        )
        assert told == [("access.ended", ada), ("access.source_withdrawn", bob)]
        db.session.remove()
        flask_migrate.downgrade(revision="0037")
    flask_migrate.upgrade()
