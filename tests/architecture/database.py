"""Statements are SQLAlchemy's, and run in the transaction of a verb."""

import ast
from collections.abc import Iterator

from tests.architecture.places import DEFINES_TABLES, STAND_IN
from tests.architecture.rule import rule
from tests.architecture.syntax import calls, imported_names, name_of


@rule(
    allowed=(*DEFINES_TABLES, STAND_IN),
    offenders=(
        ("lms/queries/made_up.py", "from sqlalchemy import text\nrows = text('SELECT 1')"),
        ("lms/made_up.py", "from sqlalchemy import text as t\nrows = t('SELECT 1')"),
        ("lms/made_up.py", "import sqlalchemy as sa\nrows = sa.text('SELECT 1')"),
    ),
)
def sql_as_text(tree: ast.Module) -> Iterator[ast.Call]:
    """Find SQL as text outside of the migrations."""
    return (
        call
        for call in calls(tree)
        if imported_names(tree).get(name_of(call.func), "")
        in {"sqlalchemy.text", "sqlalchemy.sql.text"}
        or ast.unparse(call.func) in {"sa.text", "sqlalchemy.text"}
    )


@rule(
    # These set the engine's own settings; an import fills a scratch file of its own, and tables
    # of its transaction.
    allowed=(
        *("lms.db", "lms.postgresql", "lms.carrying", "lms.importing.legacy.staging"),
        *(*DEFINES_TABLES, STAND_IN),
    ),
    offenders=(("lms/made_up.py", "connection.exec_driver_sql('SELECT 1')"),),
)
def sql_past_sqlalchemy(tree: ast.Module) -> Iterator[ast.Call]:
    """Find SQL that is given to the driver as it is."""
    return (call for call in calls(tree) if name_of(call.func) == "exec_driver_sql")


@rule(
    allowed=("lms.transaction", "lms.standby", *DEFINES_TABLES, STAND_IN),
    offenders=(
        ("lms/web/made_up.py", "db.session.commit()"),
        ("lms/made_up.py", "from sqlalchemy.orm import Session as S\ns = S()"),
        ("lms/made_up.py", "from lms.db import writer\nwriter(engine)"),
    ),
)
def transactions_opened_elsewhere(tree: ast.Module) -> Iterator[ast.Call]:
    """Find sessions, connections and commits beside lms.transaction."""
    return (
        call
        for call in calls(tree)
        if name_of(call.func) == "commit"
        or imported_names(tree).get(name_of(call.func))
        in {"sqlalchemy.orm.Session", "lms.db.writer"}
    )


@rule(
    allowed=("lms.database_address",),
    offenders=(
        ("lms/made_up.py", "from sqlalchemy import make_url\nurl = make_url(given)"),
        ("lms/made_up.py", "from sqlalchemy.engine import make_url as m\nurl = m(given)"),
        ("lms/made_up.py", "import psycopg\nconnection = psycopg.connect(given)"),
    ),
)
def addresses_read_elsewhere(tree: ast.Module) -> Iterator[ast.Call]:
    """Find what reads an address of a database, or gives one to the driver, for itself."""
    return (
        call
        for call in calls(tree)
        if imported_names(tree).get(name_of(call.func), "").endswith(".make_url")
        or ast.unparse(call.func) in {"sa.make_url", "sqlalchemy.make_url", "psycopg.connect"}
    )
