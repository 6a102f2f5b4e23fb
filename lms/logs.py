"""What happened, a line per event: readable in development, JSON in production.

A line says who (by id), from which network and in which request; never what somebody typed, was
sent or was shown. What is told of a change is written once it has been committed.
"""

import logging
import re
import sys
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

Facts = Callable[[], dict[str, object]]

_NAME = "lms"
_log = structlog.stdlib.get_logger(_NAME)
_about: Facts = dict
_TOLD = "told"


def configure(environment: str, *, about: Facts = dict) -> None:
    """Have this process write its lines, and those of `logging`, to standard error.

    `about` is asked with each line for what it has in common with others: a request's id, say.
    """
    global _about  # noqa: PLW0603 - one log per process, set at start-up
    _about = about
    structlog.configure(
        processors=[*_FIRST, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = _Stderr()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *_FIRST],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _without_rows,
                _renderer(environment),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler, *(each for each in root.handlers if not isinstance(each, _Stderr))]
    logging.getLogger(_NAME).setLevel(logging.INFO)  # of libraries, only what they warn of


def tell(event: str, **facts: object) -> None:
    """Write one line."""
    _log.info(event, **facts)


def warn(event: str, **facts: object) -> None:
    """Write one line about what somebody should look into."""
    _log.warning(event, **facts)


def tell_once_committed(info: MutableMapping[Any, Any], event: str, **facts: object) -> None:
    """Keep a line in a session's `info` until its transaction is committed."""
    info.setdefault(_TOLD, []).append((event, facts))


def committed(info: MutableMapping[Any, Any]) -> None:
    """Write what was kept."""
    for event, facts in info.pop(_TOLD, ()):
        tell(event, **facts)


def never_mind(info: MutableMapping[Any, Any]) -> None:
    """Forget what was kept: it was undone, or is news of long ago."""
    info.pop(_TOLD, None)


def _with_what_is_common(_logger: object, _method: str, line: EventDict) -> EventDict:
    return {**_about(), **line}


_FIRST: list[Processor] = [
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso"),
    _with_what_is_common,
]


def _without_rows(_logger: object, _method: str, line: EventDict) -> EventDict:
    """Leave out of a traceback the row that PostgreSQL shows when it refuses one."""
    if "exception" in line:
        line["exception"] = _DETAIL.sub("DETAIL: left out", str(line["exception"]))
    return line


_DETAIL = re.compile(r"DETAIL: .*?(?=\n\[SQL:|\n\n|\Z)", re.DOTALL)


def _renderer(environment: str) -> Processor:
    if environment == "production":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(),
        # The one of `rich`, where that is installed, shows local variables: passwords, too.
        exception_formatter=structlog.dev.plain_traceback,
        pad_event_to=0,
    )


class _Stderr(logging.Handler):
    """Writes to what standard error is at the moment: tests and commands redirect it."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001 - as in all handlers of `logging`
            self.handleError(record)
