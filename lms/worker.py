"""The background worker: repairs, validation, e-mails, imports, and reconciliation with Stripe.

Huey keeps the queue, beside the database on SQLite and in it on PostgreSQL. Any number of workers
may run on any number of machines: the database lets each interval have one repair.
"""

import json
import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

import psycopg
from flask import Flask
from huey import Huey, PostgresHuey, SqliteHuey
from huey.consumer import Consumer, Scheduler
from huey.registry import Message
from huey.serializer import Serializer
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from lms import accounts, deployment, enrollment, logs, payments, schema, school, sync
from lms.cli.invitations import invite, invite_if_mailed
from lms.config import signing_keys
from lms.db import db, direct, end_reading, now
from lms.files import copies, store
from lms.importing import runs as runs_of_imports
from lms.importing import uploads
from lms.messages.delivery import deliver
from lms.messages.layout import Sender
from lms.messages.outbox import is_any_due
from lms.outages import is_transient
from lms.payments.gateway import connect
from lms.postgresql import own_connection
from lms.private_files import create_private_file
from lms.processes import GRACE_SECONDS
from lms.queries import files
from lms.queries.sync import runs
from lms.refusals import Refusal, StorageAway
from lms.texts import one_line

R = TypeVar("R")

_RECONCILE_SECONDS = 600
"""A webhook that was down for a day needs no action: reconciliation fetches what it missed."""
_CLOSE_SECONDS = 5
"""Until then a checkout takes money for what was just taken off sale."""
_FOLD_SECONDS = 60
"""Until then each change leaves rows of its own, which every page that shows a sum adds up."""
_ZONE_SECONDS = 5
"""Until then analytics have the days of the former zone, and say so."""
_WRITE_WORDS_SECONDS = 60
"""Until then searches compare the names of new people one by one."""
_END_VIEWS_SECONDS = 60
"""Views end by themselves; until then the trail doesn't say so."""
_FORGET_SECONDS = 86_400
_SEAL_SECONDS = 60
"""A process that still has the former key alone may add some meanwhile."""
_SEATS_SECONDS = 5
"""An offer that has expired is nobody's from that moment on; whoever waits learns of it by this."""
_DIGEST_SECONDS = 60
"""Requests of the same minute come in one e-mail, and a request canceled at once in none."""
_FORGET_ALLOWANCES_SECONDS = 60
"""Whoever guesses passwords leaves many: until then they lie there and count nothing."""
_SWEEP_SECONDS = 3_600
_START_AGAIN_SECONDS = 1
_LOCK = 7233003
"""Two workers that start at once would each make the same tables of the queue."""
_log = logging.getLogger(__name__)


class _EverySecond(Scheduler):  # type: ignore[misc]  # huey has no types
    """Looks each second for what is due; Huey's own looks each minute."""

    periodic_task_seconds = 1


class _Consumer(Consumer):  # type: ignore[misc]  # huey has no types
    scheduler_class = _EverySecond


def _is_news(record: logging.LogRecord) -> bool:
    """Keep what Huey logs, but for a database that is away: a line says so, without a traceback."""
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, Exception) and _passes(error, "the queue"))


class _Text(Serializer):  # type: ignore[misc]  # huey has no types
    """Tasks as JSON, not as pickles: who can write to the queue must not have code run here."""

    def _serialize(self, data: Message) -> bytes:
        return json.dumps(data._asdict(), default=_plain).encode()

    def _deserialize(self, data: bytes) -> Message:
        fields = json.loads(bytes(data), object_hook=_restored)
        return Message(**{**fields, "args": tuple(fields["args"])})


def _plain(value: object) -> dict[str, object]:
    if isinstance(value, datetime):
        return {"at": value.isoformat()}
    if isinstance(value, timedelta):
        return {"seconds": value.total_seconds()}
    raise TypeError(f"a task can't hold {value!r}")


def _restored(found: dict[str, Any]) -> object:
    if found.keys() == {"at"}:
        return datetime.fromisoformat(found["at"])
    return timedelta(seconds=found["seconds"]) if found.keys() == {"seconds"} else found


def run(app: Flask) -> None:
    """Work until SIGTERM; a repair that is cut off then has left complete steps."""
    logs.configure(app.config["LMS_ENV"], about=lambda: {"process": "worker"})
    for reader in ("Worker", "Scheduler"):  # which ask for tasks several times a second
        logging.getLogger(f"huey.consumer.{reader}").addFilter(_is_news)
    queue, started_at = _once_there(partial(_queue_of_checked, app)), now()
    repair_at_start = add_repairs(app, queue)
    _add_rounds(app, queue)
    _add_sealing(app, queue)
    if repair_at_start is not None:
        repair_at_start(started_at)
    _Consumer(
        queue,
        workers=3,  # a long repair keeps neither a validation nor e-mails waiting
        max_delay=0.5,
        graceful_signal="TERM",
        shutdown_timeout=GRACE_SECONDS - 3,
    ).run()


def _queue_of_checked(app: Flask) -> Huey:
    with app.app_context():
        deployment.check()
    return queue_of(app)


def _once_there(start: Callable[[], R]) -> R:
    """Start as soon as the database lets it: a supervisor ends all for a process that can't start.

    Raises any error but that of a database that is away or busy for the moment.
    """
    while True:
        try:
            return start()
        except Exception as error:
            if not _passes(error, "the start"):
                raise
        time.sleep(_START_AGAIN_SECONDS)


def repair_at_start(app: Flask, started_at: datetime) -> None:
    """Repair once when a worker starts, as the run of the present interval if it has had none."""
    with app.app_context():
        slot = _slot(app.config["LMS_AUTO_FIX_SECONDS"])
        if _repair("startup", slot=slot):
            return
        # The interval has had its run. By a worker that started along with this one, or before
        # whatever happened while the portal was down?
        latest = runs(limit=1, with_previews=False)
        if not latest or latest[0].started_at < started_at:
            _repair("startup")


def repair_on_time(app: Flask, slot: int) -> None:
    """Repair for one interval, unless another worker has."""
    with app.app_context():
        _repair("scheduled", slot=slot)


def _repair(trigger: Literal["startup", "scheduled"], *, slot: int | None = None) -> bool:
    """Repair the rows, then what should have refused them; False if it was another's turn."""
    if sync.auto_fix_by_itself(trigger, slot=slot) is None:
        return False
    try:
        if schema.missing():
            _log.warning("restored in the database: %s", ", ".join(schema.restore()))
    except Refusal as gap:  # health says so, and the sync page shows the rows in the way
        _log.warning("%s", gap.detail)
    finally:
        db.session.rollback()
    return True


def queue_of(app: Flask) -> Huey:
    """Return the queue that all workers on this database share."""
    with app.app_context():
        engine = direct()
    if engine.dialect.name == "sqlite":
        database = Path(str(engine.url.database))
        path = (Path(app.instance_path) / database).with_suffix(".queue")  # as SQLAlchemy reads it
        create_private_file(path)
        return SqliteHuey("portal", filename=str(path), results=False, serializer=_Text())
    with engine.connect() as connection:
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        return PostgresHuey(
            "portal",
            connection=partial(own_connection, engine),
            results=False,
            serializer=_Text(),
        )


def add_repairs(app: Flask, queue: Huey) -> Callable[[datetime], object] | None:
    """Have the queue repair on time; return what has it repair at the start, if it ever does."""
    seconds: int = app.config["LMS_AUTO_FIX_SECONDS"]

    def repair() -> None:
        if seconds:
            repair_on_time(app, _slot(seconds))

    # Known if it never repairs too: a worker that did may have left some in the queue.
    is_due = _OncePer(seconds) if seconds else _never
    _add(app, queue, is_due, repair, name="repair", seconds=seconds or 60)

    @queue.task(name="repair_at_start", expires=timedelta(seconds=60))  # type: ignore[untyped-decorator]  # huey has no types
    def at_start(started_at: datetime) -> None:
        if seconds:
            _try(partial(repair_at_start, app, started_at), "repair")

    start: Callable[[datetime], object] = at_start
    return start if seconds else None


def _add(
    app: Flask,
    queue: Huey,
    is_due: Callable[[datetime], bool],
    do: Callable[[], object],
    *,
    name: str,
    seconds: int = 60,
) -> None:
    """Have the queue do something in the portal whenever it is due; not if it comes so late."""

    @queue.periodic_task(is_due, name=name, expires=timedelta(seconds=seconds))  # type: ignore[untyped-decorator]  # huey has no types
    def work() -> None:
        with app.app_context():
            _try(do, name)


def _try(do: Callable[[], object], about: str) -> None:
    """Do something unless the database refuses it for the moment; raises all other errors."""
    try:
        do()
    except StorageAway:
        _log.warning("%s: the storage of files is away, so this waits", about)
    except DBAPIError as error:
        if not _passes(error, about):
            raise


def _passes(error: Exception, about: str) -> bool:
    """Say in one line what the database refuses for the moment; False for any other error."""
    reason: BaseException | None = error
    if isinstance(error, DBAPIError):
        passes, reason = is_transient(error), error.orig
    else:  # of a connection that the queue has to itself
        passes = isinstance(error, psycopg.OperationalError)
    if passes:
        said = one_line(str(reason))
        _log.warning("%s: the database is away or busy, so this waits (%s)", about, said)
    return passes


def _add_rounds(app: Flask, queue: Huey) -> None:
    add, asks = partial(_add, app, queue), partial(_asks, app)
    add(asks(sync.is_validation_due, "the validation"), sync.validate_when_due, name="validate")
    add(asks(is_any_due, "the outbox"), partial(_send, app), name="mail")
    add(_OncePer(_RECONCILE_SECONDS), partial(_reconcile, app), name="reconcile", seconds=3_600)
    add(_OncePer(_CLOSE_SECONDS), partial(_close, app), name="close")
    add(_OncePer(_FOLD_SECONDS), sync.fold_sums, name="fold")
    add(_OncePer(_ZONE_SECONDS), partial(_follow, sync.ZoneFollower()), name="zone")
    add(_OncePer(_WRITE_WORDS_SECONDS), enrollment.write_search_words, name="words")
    add(_OncePer(_END_VIEWS_SECONDS), accounts.end_due_views, name="views")
    add(_OncePer(_DIGEST_SECONDS), enrollment.send_request_digest, name="digest")
    add(_OncePer(_SEATS_SECONDS), enrollment.fill_free_seats, name="seats")
    add(_OncePer(_FORGET_SECONDS), partial(forget_expired, app), name="forget", seconds=3_600)
    add(_OncePer(_FORGET_ALLOWANCES_SECONDS), accounts.forget_allowances, name="limits")
    add(_OncePer(_SWEEP_SECONDS), partial(sweep_files, app), name="sweep", seconds=600)
    add(asks(runs_of_imports.is_work_due, "the imports"), _import, name="import")
    add(asks(uploads.is_work_due, "the rosters"), _apply_rosters, name="roster")


def _add_sealing(app: Flask, queue: Huey) -> None:
    """While SECRET_KEY is rotated, bring the secrets of second factors under the new key."""
    keys = signing_keys(app.config)
    # Known without a rotation too: a worker that had both keys may have left one in the queue.
    is_due = _OncePer(_SEAL_SECONDS) if len(keys) > 1 else _never
    _add(app, queue, is_due, partial(accounts.reseal, keys), name="seal")


def _send(app: Flask) -> None:
    config = app.config
    sender = Sender(school.of(db.session()).name, config["MAIL_FROM"], config["PUBLIC_URL"])
    deliver(config["MAIL_URL"], sender, config["LMS_ENV"], copies=Path(app.instance_path))


def _reconcile(app: Flask) -> None:
    if (gateway := connect(app.config)) is not None:
        for failure in payments.reconcile(gateway).failures:
            _log.error("reconciliation failed at %s", failure)


def _close(app: Flask) -> None:
    if (gateway := connect(app.config)) is not None:
        payments.close_checkouts(gateway)


def _follow(follower: sync.ZoneFollower) -> None:
    if follower.follow():
        logs.tell("days_counted_anew", zone=school.of(db.session()).time_zone)


def _import() -> None:
    runs_of_imports.work_when_due(invite_if_mailed())


def _apply_rosters() -> None:
    uploads.work_when_due(invite())


def sweep_files(app: Flask) -> int:
    """Delete contents that no row names any more, and return how many there were."""
    with app.app_context():
        copies.sweep(_named)
        is_empty = not files.is_any_course()
        end_reading()
        return store.sweep(_named, is_empty=is_empty)


def _named(digests: list[str]) -> set[str]:
    found = files.named(digests)
    end_reading()  # what follows may wait for a bucket
    return found


def forget_expired(app: Flask) -> None:
    """Delete what has had its time, and say in the log how much, if there was any."""
    with app.app_context():
        gone = {kind: rows for kind, rows in accounts.forget_expired().items() if rows}
        if gone:
            logs.tell("forgotten", **gone)


def _asks(app: Flask, question: Callable[[], bool], about: str) -> Callable[[datetime], bool]:
    """Return what asks the database each second whether something is due."""

    def is_due(_time: datetime) -> bool:
        with app.app_context():
            try:
                return question()
            except Exception as error:  # noqa: BLE001 - whatever it is, the worker stays
                if not _passes(error, about):
                    _log.exception("%s couldn't be read", about)
                return False
            finally:
                db.session.remove()

    return is_due


def _never(_time: datetime) -> bool:
    return False


class _OncePer:
    """Is due when a new interval has begun since it was last asked."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._last: int | None = None

    def __call__(self, _time: datetime) -> bool:
        slot = _slot(self._seconds)
        is_due = slot != self._last
        self._last = slot
        return is_due


def _slot(seconds: int) -> int:
    """Return the number of the present interval, the same on every machine."""
    return int(time.time()) // seconds
