"""The stand-in's data, in one SQLite file: killing it loses nothing."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    select,
)
from sqlalchemy.dialects.sqlite import insert

Body = dict[str, Any]

_METADATA = MetaData()
OBJECTS = Table(
    "objects",
    _METADATA,
    Column("number", Integer, primary_key=True),
    Column("id", String, nullable=False, unique=True),
    Column("kind", String, nullable=False, index=True),
    Column("created", Integer, nullable=False),
    Column("body", JSON, nullable=False),
    Column("private", JSON, nullable=False),  # what Stripe knows but does not put into the object
    sqlite_autoincrement=True,
)
DELIVERIES = Table(
    "deliveries",
    _METADATA,
    Column("number", Integer, primary_key=True),
    Column("event_id", String, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_at", Float, nullable=False, index=True),
    Column("last_answer", String),
    Column("delivered_at", Float),
    sqlite_autoincrement=True,
)
ANSWERS = Table(
    "answers",
    _METADATA,
    Column("key", String, primary_key=True),
    Column("asked", String, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", JSON, nullable=False),
    Column("request_id", String, nullable=False),
)
DUE = Table(
    "due",
    _METADATA,
    Column("id", String, primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("outcome", String, nullable=False),
)
SWITCHES = Table("switches", _METADATA, Column("name", String, primary_key=True))


class Ledger:
    """All objects, inside one transaction."""

    def __init__(self, connection: Connection, *, request_id: str | None, key: str | None) -> None:
        self.connection = connection
        self.request_id = request_id
        self.key = key

    def add(self, body: Body, private: Body | None = None) -> Body:
        """Remember a new object."""
        self.connection.execute(
            OBJECTS.insert().values(
                id=body["id"],
                kind=body["object"],
                created=body["created"],
                body=body,
                private=private or {},
            )
        )
        return body

    def change(self, body: Body, **changes: Any) -> Body:
        """Change fields of an object; return what they were."""
        before = {key: deepcopy(body[key]) for key in changes if body[key] != changes[key]}
        body.update(changes)
        self.connection.execute(
            OBJECTS.update().where(OBJECTS.c.id == body["id"]).values(body=body)
        )
        return before

    def find(self, identifier: str | None, kind: str | None = None) -> Body | None:
        """Return an object, or None."""
        query = OBJECTS.select().where(OBJECTS.c.id == identifier)
        row = self.connection.execute(query).first()
        if row is None or kind not in {None, row.kind}:
            return None
        body: Body = row.body
        return body

    def one(self, identifier: str) -> Body:
        """Return an object that another one refers to."""
        found = self.find(identifier)
        if found is None:
            raise LookupError(identifier)
        return found

    def private(self, identifier: str) -> Body:
        """Return what an object does not show."""
        query = OBJECTS.select().where(OBJECTS.c.id == identifier)
        private: Body = self.connection.execute(query).one().private
        return private

    def every(
        self, kind: str, *, newest_first: bool = True, beyond: str | None = None
    ) -> Iterator[Body]:
        """Yield all objects of a kind, in the order of creation or against it."""
        query = OBJECTS.select().where(OBJECTS.c.kind == kind)
        if beyond is not None:
            start = self.connection.execute(OBJECTS.select().where(OBJECTS.c.id == beyond)).one()
            number = OBJECTS.c.number
            query = query.where(number < start.number if newest_first else number > start.number)
        order = OBJECTS.c.number.desc() if newest_first else OBJECTS.c.number.asc()
        with self.connection.execute(query.order_by(order)) as rows:
            for row in rows.yield_per(100):
                yield row.body

    def schedule(self, identifier: str, *, at: float, outcome: str) -> None:
        """Let something happen to an object at a time; it replaces what was to happen."""
        plan = {"at": at, "outcome": outcome}
        upsert = insert(DUE).values(id=identifier, **plan)
        self.connection.execute(upsert.on_conflict_do_update(index_elements=["id"], set_=plan))

    def unschedule(self, identifier: str) -> None:
        """Stop everything that happens on its own."""
        self.connection.execute(DUE.delete().where(DUE.c.id == identifier))

    def due(self) -> list[tuple[str, str]]:
        """Return ids and outcomes whose time has come."""
        query = DUE.select().where(DUE.c.at <= time.time()).order_by(DUE.c.at)
        return [(row.id, row.outcome) for row in self.connection.execute(query)]


class Store:
    """The file; changes are made one after the other."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._engine: Engine = create_engine(
            f"sqlite:///{folder / 'stripe.db'}",
            connect_args={"timeout": 30, "check_same_thread": False},
        )
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "begin", _begin)
        with self._engine.begin() as connection:
            _METADATA.create_all(connection)

    @contextmanager
    def changing(
        self, *, request_id: str | None = None, key: str | None = None
    ) -> Iterator[Ledger]:
        """Give all objects for changes that are kept together or not at all.

        Nobody else changes anything meanwhile: of two requests with one idempotency key, the
        second waits here and then finds the answer of the first.
        """
        with self._engine.begin() as connection:
            yield Ledger(connection, request_id=request_id, key=key)

    def take_over(self, other: "Store") -> None:
        """Remember from now on what another store does, all of it in its order, and nothing else.

        What was here is of a school whose database is gone. The portal's endpoint stays: it may be
        that of a portal that runs.
        """
        with other.changing() as theirs, self.changing() as ours:
            ours.connection.execute(OBJECTS.delete().where(OBJECTS.c.kind != "webhook_endpoint"))
            for table in (DELIVERIES, ANSWERS, DUE):
                ours.connection.execute(table.delete())
            for table in (OBJECTS, DELIVERIES, ANSWERS, DUE):
                columns = [column for column in table.c if column.name != "number"]
                order = table.c.number if "number" in table.c else table.primary_key.columns[0]
                for row in theirs.connection.execute(select(*columns).order_by(order)):
                    ours.connection.execute(table.insert().values(row._asdict()))

    def close(self) -> None:
        """Give the file back."""
        self._engine.dispose()


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver itself cannot begin IMMEDIATE
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
