"""Connections to PostgreSQL: to the server itself, or through a pooler in transaction mode.

A pooler lends a server's connection for one transaction, so nothing may be left to its session: not
settings, not prepared statements, not locks. What needs a session goes to the server itself.
"""

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, CursorResult, Engine, event, func, select
from sqlalchemy.engine import ExceptionContext

from lms.config import ConfigError

NO_PRIMARY = ("during recovery", "session is read-only", "server is in hot standby mode")
"""Words of a standby: its own to a change, and the driver's where it wants a server to change."""
_READ_ONLY = "25006"
_NOT_SUPPORTED = "0A000"
"""What a standby says to a transaction that begins as a change; of anything else, a fault of ours.
"""
_AWAY = frozenset({"57P01", "57P02", "57P03", "57P05"})
"""The server shuts down, crashes, starts or has ended a session; what begins with 08, too."""
_LOST: dict[str, int] = {
    "tcp_user_timeout": 10_000,  # ms without an answer to what was sent
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
"""When a server counts as gone that says nothing, not even that it isn't there; sockets of the same
machine know nothing of it. The system's own limits are a quarter of an hour, and two hours.
"""
FEW_CONNECTIONS: dict[str, Any] = {"max_overflow": 0, "pool_timeout": 0.2}
"""For a standby, whose reads the primary can do as well if nobody gives one back soon."""
_PAGE_HEADER = 40
"""Bytes that begin a page of the log; no record is as short."""
_STANDING = """
SELECT pg_is_in_recovery() AS is_standby,
    ARRAY[system_identifier::text, current_database(), current_schema()] AS place,
    CASE WHEN pg_is_in_recovery() THEN greatest(timeline_id, min_recovery_end_timeline)
        ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int
        END AS timeline,
    (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
        ELSE pg_current_wal_insert_lsn() END - '0/0')::bigint AS written,
    current_setting('wal_block_size')::int AS page_size,
    clock_timestamp() AS at,
    pg_last_xact_replay_timestamp() AS replayed_at
FROM pg_control_system(), pg_control_checkpoint(), pg_control_recovery()
"""
_STARTUP = "unsupported startup parameter"
"""What a pooler says to settings that come with the connection."""


@dataclass(frozen=True)
class Standing:
    """Where a server is in the history of its database."""

    is_standby: bool
    place: tuple[str, ...]
    """The same for a primary and its standbys: their cluster, database and schema."""
    timeline: int
    """Another one with each promotion: what is later in two of them has nothing in common."""
    written: int
    """Up to which byte of its log all is done."""
    at: datetime
    replayed_at: datetime | None
    """When the last change was made that a standby has repeated."""


def standing(connection: Connection) -> Standing:
    """Return where a server is; what is visible on a primary by then is behind that byte."""
    return _told(connection.exec_driver_sql(_STANDING))


def begin_behind(connection: Connection) -> Standing:
    """Begin to read a standby; return where it was before, so that all of that is in what is read.

    One message asks and begins: so a pooler can't let two servers answer. Asked after the BEGIN, it
    would tell what has come since the snapshot.
    """
    connection.execution_options(tells_standing=True)
    connection.begin()
    found: Standing = connection.info.pop("standing")
    return found


def _told(result: CursorResult[Any]) -> Standing:
    row = result.one()
    offset = row.written % row.page_size
    return Standing(
        is_standby=row.is_standby,
        place=tuple(row.place),
        timeline=row.timeline,
        # A primary that begins a page is behind its header, while a standby is before it.
        written=row.written - (offset if offset <= _PAGE_HEADER else 0),
        at=row.at.astimezone(UTC),
        replayed_at=row.replayed_at and row.replayed_at.astimezone(UTC),
    )


def options(url: URL, *, pooled: bool, wait_seconds: int, statements: int) -> dict[str, Any]:
    """Return the settings of an engine; what the address itself says of a connection stands."""
    chosen: dict[str, Any] = {
        "hide_parameters": True,  # what an error says is written to the log
        "query_cache_size": statements,
        "isolation_level": "REPEATABLE READ",
        "pool_pre_ping": True,
        "pool_size": 5,
        "max_overflow": 20,
        "pool_timeout": wait_seconds,
    }
    wanted: dict[str, Any] = {"connect_timeout": 5, **_LOST}
    arguments = {key: value for key, value in wanted.items() if key not in url.query}
    if pooled:
        arguments["prepare_threshold"] = None
    else:
        given = f"{url.query.get('options', '')} -c timezone=UTC -c lock_timeout={wait_seconds}s"
        arguments["options"] = given.strip()
    return {**chosen, "connect_args": arguments}


def prepare(engine: Engine, *, key: str, pooled: bool, wait_seconds: int) -> None:
    """Have an engine begin its transactions as the portal needs them.

    `key`: the setting that has its address, to be named where it leads to a pooler unawares.
    """
    event.listen(engine, "handle_error", _discard_if_away)
    if not pooled:
        event.listen(engine, "begin", _set_access)
        _refuse_poolers(engine, key)
        return
    local = f"SET LOCAL TimeZone = 'UTC'; SET LOCAL lock_timeout = '{wait_seconds}s'"

    @event.listens_for(engine, "begin")
    def begin_with_settings(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        level = driver.isolation_level.name.replace("_", " ")
        access = "READ WRITE" if writes(connection) else "READ ONLY"
        driver.autocommit = True  # else it would send a BEGIN of its own, in a message more
        begin = f"BEGIN ISOLATION LEVEL {level} {access}; {local}"
        if not connection.get_execution_options().get("tells_standing", False):
            connection.exec_driver_sql(begin)
            return
        # What is told belongs to a transaction of its own, which BEGIN and COMMIT end in silence.
        told = connection.exec_driver_sql(f"{_STANDING}; BEGIN; COMMIT; {begin}")
        connection.info["standing"] = _told(told)


def own_connection(engine: Engine) -> Any:
    """Return a driver's connection that commits by itself, is made like all others and not lent."""
    pooled = engine.raw_connection()
    driver: Any = pooled.driver_connection
    pooled.detach()
    driver.isolation_level = None
    driver.autocommit = True
    return driver


def identity(connection: Connection) -> tuple[object, ...]:
    """Return what a server says of itself and its database: one has many addresses."""
    return tuple(
        connection.execute(
            select(func.pg_postmaster_start_time(), func.current_database(), func.current_schema())
        ).one()
    )


def is_standby(connection: Connection) -> bool:
    """Return whether a server repeats what another does, and lets nothing be changed."""
    return bool(connection.execute(select(func.pg_is_in_recovery())).scalar())


def pooler_between(key: str) -> ConfigError:
    """Return what to say of the setting whose address leads to a pooler unawares."""
    if key == "DATABASE_DIRECT_URL":
        way_out = "it must be the address of the PostgreSQL server itself"
    else:
        way_out = "set DATABASE_DIRECT_URL to the address of the PostgreSQL server itself, too"
    return ConfigError(f"{key} leads to a connection pooler: {way_out}")


def keeps_sessions(engine: Engine) -> bool:
    """Return whether a connection is one session, and not lent by a pooler for each transaction.

    What is between has told a number of its own, by which to cancel a statement. It may be a mere
    relay: then what one sets for its session is still there while another is at work.
    """
    serving = "SELECT pg_backend_pid()"
    with closing(own_connection(engine)) as first, closing(own_connection(engine)) as second:
        if first.execute(serving).fetchone() == (first.info.backend_pid,):
            return True
        first.execute("SELECT set_config('lms.session', 'kept', false)")
        with second.transaction():
            second.execute(serving)
            found = first.execute("SELECT current_setting('lms.session', true)").fetchone()
    return bool(found == ("kept",))


def writes(connection: Connection) -> bool:
    """Return whether a connection may change anything."""
    return bool(connection.get_execution_options().get("writer", False))


def refuses_changes(error: BaseException | None) -> bool:
    """Return whether a server has said that it can be read, but not be changed."""
    if not isinstance(error, psycopg.Error) or error.sqlstate != _NOT_SUPPORTED:
        return getattr(error, "sqlstate", None) == _READ_ONLY
    return any(words in (error.diag.message_primary or "") for words in NO_PRIMARY)


def _discard_if_away(context: ExceptionContext) -> None:
    """Treat a server that is not there, or can't be changed, as a lost connection.

    What asks for the change finds another server then, as soon as there is one.
    """
    error = context.original_exception
    state = getattr(error, "sqlstate", None)
    if state is None:
        is_away = isinstance(error, psycopg.OperationalError)  # no server was reached at all
    elif refuses_changes(error):  # of a reader's connection, it is a fault of ours
        is_away = context.connection is not None and writes(context.connection)
    else:
        is_away = state in _AWAY or state.startswith("08")
    if is_away:
        context.is_disconnect = True


def _set_access(connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    if driver.read_only is writes(connection) or driver.read_only is None:
        driver.read_only = not writes(connection)  # goes out with the driver's own BEGIN


def _refuse_poolers(engine: Engine, key: str) -> None:
    @event.listens_for(engine, "handle_error")
    def explain(context: ExceptionContext) -> None:
        is_connecting = context.connection is None
        if is_connecting and _STARTUP in str(context.original_exception):
            raise pooler_between(key) from None

    @event.listens_for(engine, "first_connect")
    def compare(driver: Any, _record: object) -> None:
        # A pooler may have been told to take settings without a word, and to lose them.
        set_by = "SELECT source FROM pg_settings WHERE name = 'lock_timeout'"
        [(source,)] = driver.execute(set_by).fetchall()
        driver.rollback()
        if source != "client":
            driver.close()
            raise pooler_between(key)


def keep_from_changes(connection: Connection, table: str) -> None:
    """Wait until nobody is changing a table, and let nobody until the transaction ends.

    Whoever reads it neither waits nor is waited for.
    """
    connection.exec_driver_sql(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
