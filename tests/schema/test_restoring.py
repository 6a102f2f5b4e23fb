"""What a restored database has lost is put back once its rows are sound."""

from collections.abc import Iterator

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import text

from lms import enrollment, schema, sync
from lms.db import db
from lms.worker import repair_on_time
from tests import databases
from tests.builders import a_course, a_request, a_student
from tests.conftest import Sql
from tests.databases import Sqlite
from tests.invariants import assert_invariants
from tests.sync.conftest import Injure, contents
from tests.sync.damage import Damage, damaging
from tests.sync.injections import injections, repairable
from tests.sync.school import School, a_school

LOST = ("users", "courses", "enrollments", "student_progress", "access_requests", "payments")


@pytest.fixture
def definitions(context: Flask) -> Iterator[list[str]]:
    """All that the database enforces, before and after the test."""
    before = _definitions()
    yield before
    assert _definitions() == before


def test_everything_that_a_restore_lost_comes_back(
    app: Flask, definitions: list[str], school: School, injure: Injure
) -> None:
    assert schema.missing() == []
    injure(school, lambda damage, _: damage.lift(*LOST), _drop_triggers)
    before = contents()
    assert len(schema.missing()) > 20
    assert "uq_enrollments_user_id_course_id" in schema.missing()
    assert "flask db repair-constraints" in sync.health().database.missing
    db.session.rollback()

    run = app.test_cli_runner().invoke
    told = run(args=["db", "repair-constraints"])
    assert (told.exit_code, told.stderr) == (0, "")
    assert "courses_respect_capacity" in told.stdout
    assert schema.missing() == []
    assert contents() == before
    assert run(args=["db", "repair-constraints"]).stdout == "Nothing was missing.\n"


@pytest.mark.usefixtures("school")
def test_what_a_lost_trigger_kept_is_derived_anew(sql: Sql) -> None:
    enrollment.write_search_words()
    on = " ON users" if db.engine.dialect.name == "postgresql" else ""
    sql(f"DROP TRIGGER users_forget_words{on}")
    sql("UPDATE users SET name = 'New'")
    assert sql("SELECT count(*) FROM users WHERE words LIKE 'new %'") == [(0,)]
    schema.restore()
    assert sql("SELECT count(*) FROM users WHERE words IS NOT NULL") == [(0,)]


def test_rows_in_the_way_are_told_and_nothing_is_changed(school: School, injure: Injure) -> None:
    injure(school, "duplicate_enrollment", "orphaned_request")
    lost = schema.missing()
    with pytest.raises(schema.RowsInTheWay, match="flask sync auto-fix"):
        schema.restore()
    assert schema.missing() == lost

    sync.auto_fix(by=school.grace)
    schema.restore()
    assert schema.missing() == []
    assert_invariants(db.session())


def test_a_school_with_every_violation_starts_and_becomes_whole_by_itself(
    app: Flask, school: School, injure: Injure, definitions: list[str]
) -> None:
    injure(school, *reversed(repairable()))
    flask_migrate.upgrade()  # as every start does
    assert sync.health().status == "failing"
    db.session.rollback()
    repair_on_time(app, slot=1)
    app.extensions.pop("last_validation", None)
    assert sync.health().status == "ok"


@pytest.fixture
def on_sqlite(sqlite: Sqlite) -> Iterator[str]:
    """The address of the engine on which a table has to be built anew."""
    with sqlite.migrated() as url, databases.portal(url).app_context():
        yield url
        db.session.remove()
        db.engine.dispose()


def test_orphans_alone_are_in_the_way_of_a_new_table(on_sqlite: str) -> None:
    school = a_school()
    db.session.remove()
    with damaging(on_sqlite) as damage:
        damage.lift("users")
        injections()["orphaned_completion"].bring(damage, school)
    with pytest.raises(schema.RowsInTheWay, match="chapter_completions"):
        schema.restore()


def test_ids_are_not_used_again_after_a_table_was_built_anew(on_sqlite: str) -> None:
    with damaging(on_sqlite) as damage:
        damage.lift("access_requests")
    student, course = a_student(), a_course()
    cancelled = a_request(student, course)
    enrollment.cancel_request(cancelled, by=student)
    assert "access_requests" in schema.restore()
    assert a_request(student, course) > cancelled


def test_copied_tables_that_lost_their_ids_are_repaired_and_made_whole(on_sqlite: str) -> None:
    school = a_school()
    decided = a_request(school.bob, school.algebra)
    enrollment.reject(decided, by=school.grace)
    db.session.remove()
    pair = f"SELECT {school.ada}, {school.algebra}"
    with damaging(on_sqlite) as damage:
        for table in ("enrollments", "student_progress", "access_requests"):
            damage.run(f"CREATE TABLE copy AS SELECT * FROM {table}")
            damage.run(f"DROP TABLE {table}")
            damage.run(f"ALTER TABLE copy RENAME TO {table}")
        damage.run(f"INSERT INTO enrollments (user_id, course_id) {pair}")
        damage.run("DELETE FROM student_progress WHERE course_id = ?", school.algebra)
        damage.run(f"INSERT INTO access_requests (student_id, course_id) {pair}")
    found = sync.validate().counts
    assert (found["duplicate_enrollment"], found["unreadable_date"]) == (1, 2)
    assert not any(sync.auto_fix(by=None).remaining.values())
    schema.restore()
    assert sync.validate().ok
    assert schema.missing() == []
    assert_invariants(db.session())
    assert a_request(school.bob, school.algebra) > decided


def test_what_is_not_the_portals_is_left_as_it_is(on_sqlite: str) -> None:
    with damaging(on_sqlite) as damage:
        damage.lift("users")
        damage.run("CREATE INDEX theirs ON users (name)")
        damage.run("CREATE TABLE their_table (id INTEGER)")
    assert "users" in schema.restore()
    assert len(_rows("SELECT 1 FROM sqlite_master WHERE name IN ('theirs', 'their_table')")) == 2


def test_a_table_with_unknown_columns_loses_none(on_sqlite: str) -> None:
    with damaging(on_sqlite) as damage:
        damage.run("ALTER TABLE users ADD COLUMN theirs VARCHAR(9)")
    with pytest.raises(schema.UnknownColumns, match="theirs"):
        schema.restore()
    assert _rows("SELECT theirs FROM users") == []


def _drop_triggers(damage: Damage, _: School) -> None:
    if db.engine.dialect.name == "postgresql":
        damage.run("ALTER TABLE enrollments DISABLE TRIGGER enrollments_supersede")
        damage.run("DROP TRIGGER courses_respect_capacity ON courses")
        damage.run("ALTER TABLE users ALTER COLUMN name DROP NOT NULL")


def _definitions() -> list[str]:
    if db.engine.dialect.name == "sqlite":
        statement = "SELECT name || sql FROM sqlite_master WHERE sql IS NOT NULL"
    else:
        statement = (
            "SELECT conname || contype::text FROM pg_constraint WHERE contype <> 'n'"
            " UNION ALL SELECT indexname FROM pg_indexes"
            " UNION ALL SELECT tgname || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal"
            " UNION ALL SELECT attrelid::regclass::text || attname FROM pg_attribute"
            " WHERE attnotnull AND attnum > 0"
        )
    found = sorted(" ".join(row[0].replace('"', "").split()) for row in _rows(statement))
    db.session.rollback()
    return found


def _rows(statement: str) -> list[tuple[str]]:
    return [(row[0],) for row in db.session.execute(text(statement))]
