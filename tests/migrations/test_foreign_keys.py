"""Migrating switches SQLite's foreign keys off for a moment; nothing may be written meanwhile."""

import flask_migrate
import pytest
from sqlalchemy.exc import IntegrityError

from lms import create_app
from lms.db import db, writer
from tests.databases import Server, settings


@pytest.mark.parametrize("times", [1, 2])
def test_a_process_that_has_migrated_still_enforces_foreign_keys(
    server: Server, times: int
) -> None:
    with server.empty() as url:
        app = create_app(settings(url))
        with app.app_context():
            for _ in range(times):
                flask_migrate.upgrade()
            with (
                pytest.raises(IntegrityError),
                writer(db.engine).begin() as connection,
            ):
                connection.exec_driver_sql(
                    "INSERT INTO chapters (course_id, title) VALUES (77, 'of no course')"
                )
            db.engine.dispose()
