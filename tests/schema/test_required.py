"""Start-up notices a database that no longer enforces what the code relies on."""

from typing import Any

import flask_migrate
import pytest
from flask import Flask

from lms import create_app, schema
from lms.db import db, writer
from tests.databases import Server, settings


def test_a_migrated_database_is_complete(context: Flask, sql: Any) -> None:
    schema.check()
    if db.engine.dialect.name == "sqlite":
        found = sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    else:
        found = sql("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
    assert {row[0] for row in found} == schema.TRIGGERS[db.engine.dialect.name]


def test_a_missing_trigger_is_named(context: Flask, sql: Any) -> None:
    on = "" if db.engine.dialect.name == "sqlite" else " ON courses"
    sql(f"DROP TRIGGER courses_respect_capacity{on}")
    with pytest.raises(schema.SchemaIncomplete, match="courses_respect_capacity"):
        schema.check()


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
