"""A school in another database is the same school: every row, every id, every rule."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import create_engine, inspect, text

from lms import enrollment, moving, schema
from lms.db import Base, db
from lms.refusals import CourseFull, Refusal
from lms.sync import validate
from tests import databases
from tests.builders import a_course, a_public_course, a_student
from tests.conftest import Sql
from tests.sync.damage import damaging

_CASTS = re.compile(r"::(character varying|text)(\[\])?|[()\s]")


def copied_to(address: str, *, with_sign_ins: bool = True) -> moving.CopyReport:
    with db.engine.connect() as source, moving.emptied(_driver(address)) as target:
        return moving.copy(moving.Database(source), target, with_sign_ins=with_sign_ins)


def _driver(address: str) -> str:
    return address.replace("postgresql://", "postgresql+psycopg://")


def _tables(address: str) -> set[str]:
    engine = create_engine(_driver(address))
    with engine.connect() as connection:
        found = set(inspect(connection).get_table_names())
    engine.dispose()
    return found


def _one(address: str, statement: str) -> object:
    engine = create_engine(_driver(address))
    with engine.connect() as connection:
        found = connection.scalar(text(statement))
    engine.dispose()
    return found


@contextmanager
def portal(address: str) -> Iterator[Flask]:
    app = databases.portal(address)
    try:
        with app.app_context():
            yield app
    finally:
        with app.app_context():
            db.engine.dispose()


def _violations() -> list[object]:
    return [check for check in validate().checks if check.count]


def test_a_school_goes_to_the_other_engine_and_back(
    demo_school: Flask, blank: str, empty: str
) -> None:
    first = copied_to(blank)
    with portal(blank):
        assert _violations() == []
        assert schema.missing() == []
        second = copied_to(empty)
    with portal(empty):
        assert _violations() == []
        assert schema.missing() == []
    assert first.digests == second.digests
    assert first.rows > 3_000
    assert set(first.tables) == {table.name for table in Base.metadata.sorted_tables}


@pytest.mark.usefixtures("context")
def test_no_id_is_given_again(elsewhere: str, sql: Sql) -> None:
    a_student("Ada", email="ada@example.org")
    gone = a_student("Bob", email="bob@example.org")
    course = a_course("Tides")
    sql(f"DELETE FROM users WHERE id = {gone}")
    copied_to(elsewhere)
    with portal(elsewhere):
        assert a_student("Cai", email="cai@example.org") == gone + 1
        assert a_course("Stars") == course + 1


@pytest.mark.usefixtures("context")
def test_verbs_count_and_refuse_in_the_copy(elsewhere: str) -> None:
    full = a_public_course("Tides", capacity=1)
    enrollment.enroll(a_student("Ada", email="ada@example.org"), full, by=None)
    copied_to(elsewhere)
    with portal(elsewhere):
        with pytest.raises(CourseFull):
            enrollment.enroll(a_student("Bob", email="bob@example.org"), full, by=None)
        enrollment.enroll(
            a_student("Cai", email="cai@example.org"), a_public_course("Stars"), by=None
        )
        assert validate().ok


@pytest.mark.usefixtures("context")
def test_nothing_in_a_column_of_json_stays_nothing(
    server: databases.Server, elsewhere: str, sql: Sql
) -> None:
    sql(
        "INSERT INTO sync_runs (id, trigger, status) VALUES (7, 'manual', 'finished')",
        "INSERT INTO sync_changes (run_id, kind, table_name, row_id, after)"
        " VALUES (7, 'missing_mirror', 'student_progress', 1, 'null')",
    )
    query = "SELECT count(*) FROM sync_changes WHERE before IS NULL AND after IS NULL"
    with server.migrated() as same:
        for address in (elsewhere, same):
            copied_to(address)
            assert _one(address, query) == 1


@pytest.mark.usefixtures("context")
def test_sign_ins_may_stay_behind(elsewhere: str, sql: Sql) -> None:
    ada = a_student("Ada", email="ada@example.org")
    sql(
        "INSERT INTO sign_ins (token_hash, user_id, expires_at)"
        f" VALUES ('x', {ada}, '2030-01-01 00:00:00')"
    )
    assert copied_to(elsewhere, with_sign_ins=False).tables.get("sign_ins") is None
    assert _one(elsewhere, "SELECT count(*) FROM sign_ins") == 0
    assert _one(elsewhere, "SELECT count(*) FROM users") == 1


@pytest.mark.usefixtures("context")
def test_a_target_that_holds_something_is_left_alone(elsewhere: str) -> None:
    a_student("Ada", email="ada@example.org")
    copied_to(elsewhere)
    a_student("Bob", email="bob@example.org")
    with pytest.raises(moving.NotEmpty, match="there are rows in "):
        copied_to(elsewhere)
    assert _one(elsewhere, "SELECT count(*) FROM users") == 1


@pytest.mark.usefixtures("context")
def test_another_program_s_database_is_left_alone(blank: str) -> None:
    engine = create_engine(_driver(blank))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE recipes (name TEXT)"))
    engine.dispose()
    with pytest.raises(moving.NotEmpty, match="there is a table recipes"):
        copied_to(blank)
    assert _tables(blank) == {"recipes"}


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("context")
def test_what_no_other_database_could_hold_is_not_lost(elsewhere: str, sql: Sql) -> None:
    a_course("Tides")
    sql("PRAGMA ignore_check_constraints=ON", "UPDATE courses SET created_at = 'yesterday'")
    with pytest.raises(moving.UnreadableRows, match="courses has values of the wrong type"):
        copied_to(elsewhere)
    assert _one(elsewhere, "SELECT count(*) FROM courses") == 0


@pytest.mark.usefixtures("context")
def test_a_row_that_refers_to_none_stops_it_and_the_target_stays_empty(
    database_url: str, elsewhere: str
) -> None:
    course, student = a_public_course("Tides"), a_student("Ada", email="ada@example.org")
    enrollment.enroll(student, course, by=None)
    with damaging(database_url) as damage:
        damage.run("DELETE FROM users")
    with pytest.raises(Refusal, match=r"refers to a missing one of users. Run `flask sync auto"):
        copied_to(elsewhere)
    assert _one(elsewhere, "SELECT count(*) FROM courses") == 0
    with portal(elsewhere):
        assert schema.missing() == []


def test_the_copy_has_every_index_and_rule(
    request: pytest.FixtureRequest, context: Flask, elsewhere: str
) -> None:
    a_public_course("Tides")
    copied_to(elsewhere)
    lender = request.getfixturevalue("sqlite" if "sqlite" in elsewhere else "postgresql")
    with lender.migrated() as new:
        assert _rules(elsewhere) == _rules(new)


def _rules(address: str) -> set[tuple[str, ...]]:
    statement = "SELECT type, name, tbl_name, sql FROM sqlite_master"
    if "sqlite" not in address:
        statement = """
            SELECT 'index', indexname, tablename, indexdef FROM pg_indexes UNION ALL
            SELECT contype::text, conname, conrelid::regclass::text, pg_get_constraintdef(oid)
            FROM pg_constraint UNION ALL
            SELECT tgenabled::text, tgname, tgrelid::regclass::text, pg_get_triggerdef(oid)
            FROM pg_trigger WHERE NOT tgisinternal"""
    engine = create_engine(_driver(address))
    with engine.connect() as connection:
        # What is made again is printed with other casts and brackets.
        found = {
            tuple(_CASTS.sub("", str(part)) for part in row)
            for row in connection.execute(text(statement))
        }
    engine.dispose()
    return found
