"""Start-up notices a database that no longer enforces what the code relies on."""

from typing import Any

import flask_migrate
import pytest
from flask import Flask

from lms import create_app, enrollment, schema, sync
from lms.db import db, writer
from tests import databases
from tests.builders import a_course, a_student, an_admin
from tests.databases import Postgresql, Server, settings


def test_a_migrated_database_is_complete(context: Flask, sql: Any) -> None:
    schema.check()
    if db.engine.dialect.name == "sqlite":
        found = sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    else:
        found = sql("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
    assert {row[0] for row in found} == schema.TRIGGERS[db.engine.dialect.name]


def test_the_first_change_of_the_settings_leaves_it_complete(context: Flask) -> None:
    """Their one row has an id of its own: no counter gives it, or is behind it."""
    enrollment.change_settings({"name": "Hill School"}, seen=0, by=an_admin())
    assert schema.missing() == []
    assert sync.health().status == "ok"


def test_a_missing_trigger_is_named(context: Flask, sql: Any) -> None:
    on = "" if db.engine.dialect.name == "sqlite" else " ON courses"
    sql(f"DROP TRIGGER courses_respect_capacity{on}")
    with pytest.raises(schema.SchemaIncomplete, match="courses_respect_capacity"):
        schema.check()


_LOSSES = {
    "the default of users.role": "ALTER TABLE users ALTER COLUMN role DROP DEFAULT",
    "the id counter of users": "ALTER TABLE users ALTER COLUMN id DROP DEFAULT",
    "the id counter of courses": "DROP SEQUENCE courses_id_seq CASCADE",
    "the id counter of payments": "ALTER SEQUENCE payments_id_seq OWNED BY NONE",
    "the id counter of notices": "ALTER TABLE notices ALTER COLUMN id DROP DEFAULT,"
    " ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME another)",
    "fk_enrollments_mirror": "ALTER TABLE student_progress DISABLE TRIGGER ALL",
    "ck_users_email_lower": "ALTER TABLE users DROP CONSTRAINT ck_users_email_lower,"
    " ADD CONSTRAINT ck_users_email_lower CHECK (email = lower(email)) NOT VALID",
    "enrollments_supersede": "ALTER FUNCTION enrollments_supersede RESET search_path",
    "users_forget_words": "ALTER TABLE users ENABLE REPLICA TRIGGER users_forget_words",
}


@pytest.mark.parametrize("lost", _LOSSES)
def test_what_is_there_and_has_no_effect_is_named_and_comes_back(
    postgresql: Postgresql, lost: str
) -> None:
    with postgresql.migrated() as url, databases.portal(url).app_context():
        student = a_student()
        db.session.rollback()
        with writer(db.engine).begin() as connection:
            connection.exec_driver_sql(_LOSSES[lost])
        assert lost in schema.missing()
        db.session.rollback()
        assert lost in schema.restore()
        assert schema.missing() == []
        assert a_student() > student
        assert schema.restore() == []
        db.session.remove()
        db.engine.dispose()


@pytest.mark.parametrize("to", [0, 2])
def test_no_id_is_given_twice_where_a_counter_was_lost(context: Flask, sql: Any, to: int) -> None:
    grace, ada = an_admin(), a_student()
    enrollment.delete_user(a_student(), by=grace)
    course = a_course(chapters=1)
    enrollment.delete_course(course, by=grace)
    if db.engine.dialect.name == "sqlite":
        sql(f"UPDATE sqlite_sequence SET seq = {to} WHERE name IN ('users', 'courses')")
    else:
        sql(*(f"ALTER SEQUENCE {each}_id_seq RESTART {to + 1}" for each in ("users", "courses")))
    assert "the id counter of users" in schema.missing()
    db.session.rollback()
    assert "the id counter of users" in schema.restore_ids()
    assert schema.missing() == []
    db.session.rollback()
    assert a_student() == ada + 2
    assert a_course() > course


def test_a_missing_mirror_key_is_named(server: Server) -> None:
    with server.empty() as url:
        app = create_app(settings(url))
        with app.app_context():
            flask_migrate.upgrade()
            db.session.rollback()
            with writer(db.engine).begin() as connection:
                if connection.dialect.name == "sqlite":
                    connection.exec_driver_sql("PRAGMA writable_schema=ON")
                    connection.exec_driver_sql(
                        "UPDATE sqlite_master SET sql = replace(sql, 'fk_enrollments_mirror', 'x')"
                        " WHERE name = 'enrollments'"
                    )
                else:
                    connection.exec_driver_sql(
                        "ALTER TABLE enrollments DROP CONSTRAINT fk_enrollments_mirror"
                    )
            db.engine.dispose()
            with pytest.raises(schema.SchemaIncomplete, match="fk_enrollments_mirror"):
                schema.check()
            db.session.rollback()
            db.engine.dispose()
