"""The database: engine settings for SQLite and PostgreSQL, naming convention, write guard."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import URL, Connection, DateTime, Dialect, Engine, Integer, MetaData, String, event
from sqlalchemy import Boolean as SqlBoolean
from sqlalchemy.engine.base import OptionEngine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, ORMExecuteState, Session
from sqlalchemy.pool import Pool, PoolProxiedConnection
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from lms import database_address, postgresql
from lms.private_files import create_private_file

_UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)
WAIT_SECONDS = 10
"""How long a statement waits for another's lock before it gives up and the verb is retried; and how
long a request waits for a connection that no other is using.
"""
_moment: ContextVar[datetime | None] = ContextVar("moment", default=None)


LARGEST_ID = 2**31 - 1
"""The largest number that a column holds; beyond it no id can exist."""


class WholeNumber(Integer):
    """A whole number, read tolerantly: restored by SQLite, a column may hold a fraction or a text.

    Until sync has repaired it, a fraction is rounded down and a text reads as 0, or both read as
    what is given `instead`. Ids need none of this: SQLite takes no other there.
    """

    def __init__(self, instead: int | None = None) -> None:
        self.instead = instead

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        if dialect.name != "sqlite":
            return None
        instead = self.instead

        def read(value: Any) -> Any:
            if value is None or type(value) is int:
                return value
            return _rounded_down(value) if instead is None else instead

        return read


def _rounded_down(value: object) -> int:
    return int(value) if isinstance(value, float) and isfinite(value) else 0


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


Base.registry.update_type_annotation_map({int: WholeNumber})
db = SQLAlchemy(model_class=Base, disable_autonaming=True)


_LENGTH = len("2000-01-01 00:00:00.000000")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time: `timestamptz` on PostgreSQL, ISO text that sorts by time on SQLite.

    Reading is tolerant of other ISO forms, since restored dumps hold them. What is no time at all
    reads as 1970, until sync has repaired it: one bad row must not take a page away.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(32))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} names no time zone: whose time is it?")
        if value.tzinfo is not UTC:
            value = value.astimezone(UTC)
        if dialect.name == "sqlite":
            return _spelled(value)
        return value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if isinstance(value, datetime) else _read(value) or _UNKNOWN


class unreadable(FunctionElement[bool]):  # noqa: N801 - used like a function of SQL
    """Whether a column for times holds none: a text such as 'garbage', PostgreSQL's infinity.

    Nor may it hold NULL where the table demands a time, or on SQLite a form such as 20261031T2330,
    which no other program of ours writes and which is found in no search for times.
    """

    name = "unreadable"
    type = SqlBoolean()
    inherit_cache = True


@compiles(unreadable, "sqlite")
def _on_sqlite(element: unreadable, compiler: SQLCompiler, **options: Any) -> str:
    time = compiler.process(element.clauses, **options)
    # Asking Python about each would take seconds: what is spelled as we spell it is passed, unless
    # its day is one that not every month has.
    return (
        f"CASE WHEN {time} IS NULL THEN {int(_is_demanded(element))}"
        f" WHEN julianday({time}) IS NOT NULL AND {time} > '0001'"
        f" AND length({time}) IN (19, 26) AND substr({time}, 11, 1) = ' '"
        f" AND substr({time}, 9, 2) < '29' AND substr({time}, 12, 2) < '24'"
        f" AND substr({time}, 20, 1) IN ('', '.') THEN 0 ELSE NOT is_time({time}) END"
    )


class readable(FunctionElement[datetime]):  # noqa: N801 - used like a function of SQL
    """What a time reads as on SQLite, in our spelling, however it is spelled; else NULL."""

    name = "readable"
    type = UtcDateTime()
    inherit_cache = True


@compiles(readable, "sqlite")
def _read_on_sqlite(element: readable, compiler: SQLCompiler, **options: Any) -> str:
    return f"utc_time({compiler.process(element.clauses, **options)})"


@compiles(readable, "postgresql")
def _read_on_postgresql(_element: readable, _compiler: SQLCompiler, **_options: Any) -> str:
    return "CAST(NULL AS timestamptz)"


@compiles(unreadable, "postgresql")
def _on_postgresql(element: unreadable, compiler: SQLCompiler, **options: Any) -> str:
    time = compiler.process(element.clauses, **options)
    is_none = f"{time} NOT BETWEEN '0001-01-02' AND '9999-12-30'"
    return f"({time} IS NULL OR {is_none})" if _is_demanded(element) else f"({is_none})"


def _is_demanded(element: unreadable) -> bool:
    [column] = element.clauses
    return not getattr(column, "nullable", True)


class wrong_type(FunctionElement[bool]):  # noqa: N801 - used like a function of SQL
    """Whether a column for whole numbers or truths holds neither them nor NULL: only on SQLite."""

    name = "wrong_type"
    type = SqlBoolean()
    inherit_cache = True


@compiles(wrong_type, "sqlite")
def _by_storage(element: wrong_type, compiler: SQLCompiler, **options: Any) -> str:
    [column] = element.clauses
    value = compiler.process(column, **options)
    if isinstance(column.type, SqlBoolean):
        return f"({value} IS NOT NULL AND {value} NOT IN (0, 1))"
    return f"(typeof({value}) NOT IN ('integer', 'null'))"


@compiles(wrong_type, "postgresql")
def _by_type(_element: wrong_type, _compiler: SQLCompiler, **_options: Any) -> str:
    return "false"


def _read(value: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(str(value))
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _is_time(value: object) -> bool:
    # Without dashes, or by weeks, it reads, but sorts after all times of its year.
    return _read(value) is not None and str(value)[4:8:3] == "--"


def _spelled(time: datetime) -> str:
    return time.isoformat(" ", "microseconds")[:_LENGTH]  # without the offset


def _respelled(value: object) -> str | None:
    time = _read(value)
    return None if time is None else _spelled(time)


def now() -> datetime:
    """Return the present time, aware and in UTC."""
    return _moment.get() or datetime.now(UTC)


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let verbs act at an earlier moment: for the history of the demo school, and for tests."""
    token = _moment.set(moment)
    try:
        yield
    finally:
        _moment.reset(token)


def init_app(app: Flask) -> None:
    """Attach the database without touching it: workers start while it is down."""
    url = database_address.parsed(app.config["DATABASE_URL"])
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    if url.drivername != "sqlite":
        _init_postgresql(app, url)
        return
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = _SQLITE_OPTIONS
    db.init_app(app)
    with app.app_context():
        event.listen(db.engine, "do_connect", _create_sqlite)
        event.listen(db.engine, "connect", _prepare_sqlite)
        event.listen(db.engine, "begin", _begin_sqlite)
        event.listen(db.engine.pool, "checkin", _roll_back_refused_commit)
        event.listen(db.engine, "engine_disposed", _separate_writers)
        _separate_writers(db.engine)


def direct() -> Engine:
    """Return the engine for what needs a session: past a pooler, if there is one."""
    return db.engines.get(_DIRECT) or db.engine


def behind() -> Engine | None:
    """Return the engine of the standby, which only `lms.standby` may read, if there is one."""
    return db.engines.get(_READ)


def engines() -> dict[str, Engine]:
    """Return all engines, by the setting that says where each reads and writes."""
    others = {key: name for key, (name, _) in _OTHERS.items() if name in db.engines}
    return {"DATABASE_URL": db.engine, **{key: db.engines[name] for key, name in others.items()}}


def end_reading() -> None:
    """End what this request has read: what it waits for now must hold no snapshot."""
    db.session.close()


def let_go() -> None:
    """Close all connections: processes to come cannot share them."""
    for engine in db.engines.values():
        engine.dispose()


def _init_postgresql(app: Flask, url: URL) -> None:
    # To say where the server itself is, is to say that a pooler is between.
    is_pooled = bool(app.config.get("DATABASE_DIRECT_URL"))
    limits: dict[str, int] = {"wait_seconds": WAIT_SECONDS}
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = postgresql.options(
        url, pooled=is_pooled, statements=_STATEMENTS, **limits
    )
    binds: dict[str, dict[str, Any]] = {}
    others = {key: bind for key, bind in _OTHERS.items() if app.config.get(key)}
    for key, (name, pooled) in others.items():
        server = database_address.parsed(app.config[key])
        options = postgresql.options(server, pooled=pooled, statements=_STATEMENTS, **limits)
        binds[name] = {"url": server, **options}
    if _READ in binds:
        binds[_READ] |= postgresql.FEW_CONNECTIONS
    app.config["SQLALCHEMY_BINDS"] = binds
    db.init_app(app)
    app.teardown_appcontext(_end_session)
    with app.app_context():
        postgresql.prepare(db.engine, key="DATABASE_URL", pooled=is_pooled, **limits)
        for key, (name, pooled) in others.items():
            postgresql.prepare(db.engines[name], key=key, pooled=pooled, **limits)


def _end_session(_error: object) -> None:
    """End what a request has read, before Flask-SQLAlchemy does: its answer is made, and stands.

    Whatever becomes of the connection meanwhile.
    """
    try:
        db.session.remove()
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        db.session.registry.clear()


_DIRECT, _READ = "direct", "read"
_OTHERS = {"DATABASE_DIRECT_URL": (_DIRECT, False), "DATABASE_READ_URL": (_READ, True)}
"""Other addresses, what their engines are called, and whether a pooler may be between."""


def writer(engine: Engine, *, checks_references: bool = True) -> Engine:
    """Return the same engine for changes: BEGIN IMMEDIATE on SQLite, READ COMMITTED on PostgreSQL.

    Readers use REPEATABLE READ, so that every statement of a page sees one moment; a verb must see
    what others committed while it waited for a lock. The database refuses changes by readers.

    Repairs go without SQLite's foreign keys: in a restored database that lost its unique indexes
    it refuses every change of the tables concerned ("foreign key mismatch").
    """
    if engine.dialect.name == "sqlite":
        return _Writer(engine, {"writer": True, "checks_references": checks_references})
    return engine.execution_options(writer=True, isolation_level="READ COMMITTED")


class _Writer(OptionEngine):
    """The same engine, with connections that only writers use.

    On SQLite what a connection may do is a PRAGMA, after whose change it compiles every statement
    anew: if readers used the same connections, that would be a third of a verb's time.
    """

    def raw_connection(self) -> PoolProxiedConnection:
        pool: Pool = self.get_execution_options()["writers"]
        return pool.connect()


def _separate_writers(engine: Engine) -> None:
    if isinstance(used := engine.get_execution_options().get("writers"), Pool):
        used.dispose()
    engine.update_execution_options(writers=engine.pool.recreate())


_STATEMENTS = 4000
"""How many compiled statements an engine remembers: all, and compiling one costs several times as
much as running it. Of SQLAlchemy's 500 those of sync take most: the pages' would be displaced.
"""

_SQLITE_OPTIONS: dict[str, Any] = {
    "hide_parameters": True,  # what an error says is written to the log
    "query_cache_size": _STATEMENTS,
    "connect_args": {"timeout": WAIT_SECONDS, "check_same_thread": False},
    "pool_size": 20,
    "max_overflow": 20,
    "pool_timeout": WAIT_SECONDS,
}


def _create_sqlite(_dialect: object, _record: object, arguments: list[Any], _: object) -> None:
    # SQLite gives the files that it adds beside it the same mode.
    with suppress(OSError):  # ... and says itself what is wrong with the path
        create_private_file(Path(arguments[0]))


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver's own transaction handling begins late and cannot begin IMMEDIATE: switch it off.
    connection.isolation_level = None
    connection.create_function("is_time", 1, _is_time)
    connection.create_function("utc_time", 1, _respelled)
    cursor = connection.cursor()
    # Without recursive triggers, INSERT OR REPLACE would remove rows that are kept for good.
    for pragma in (
        "foreign_keys=ON",
        "recursive_triggers=ON",
        "journal_mode=WAL",
        "synchronous=FULL",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = postgresql.writes(connection)
    if connection.info.get("writes") != writes:
        connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
        connection.info["writes"] = writes
    # A writer that began deferred fails at once when another wrote in between: no timeout helps.
    if not connection.get_execution_options().get("checks_references", True):
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.info["has_references_off"] = True
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _roll_back_refused_commit(connection: Any, record: Any) -> None:
    # A COMMIT refused by a deferred key leaves SQLite inside the transaction, with the write lock.
    if connection is None:
        return
    if connection.in_transaction:
        connection.rollback()
    if record.info.pop("has_references_off", False):
        connection.execute("PRAGMA foreign_keys=ON")


class UnguardedWriteError(RuntimeError):
    """Something tried to change the database outside `transactional`."""


@event.listens_for(Session, "before_flush")
def _guard_flush(session: Session, *_: object) -> None:
    if (session.new or session.dirty or session.deleted) and "writable" not in session.info:
        raise UnguardedWriteError("change the database only in a @transactional verb")


@event.listens_for(Session, "do_orm_execute")
def _guard_execute(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        guard_change(state.session)


def guard_change(session: Session) -> None:
    """Refuse a change outside of a verb."""
    if "writable" not in session.info:
        raise UnguardedWriteError("change the database only in a @transactional verb")
