"""How a command fails: one line on stderr, no traceback."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click
from sqlalchemy.exc import DBAPIError, OperationalError

from lms.config import ConfigError
from lms.importing import NoOldSchool, NoRoster
from lms.moving import BadBackup, BadExport
from lms.postgresql import NO_PRIMARY
from lms.refusals import Refusal
from lms.texts import cleaned_line

P = ParamSpec("P")
R = TypeVar("R")

_NOT_READ = (BadBackup, BadExport, NoOldSchool, NoRoster)
"""What was given is no such thing: exit 2, as for an option that can't be understood."""
_NO_SUCH_TABLE = ("no such table", "no such column", "UndefinedTable", "UndefinedColumn")


def tell_failures(command: click.Command) -> None:
    """Make a command, or every command of a group, end in one line when it fails."""
    if hasattr(command, "tells_failures"):  # `flask db` is shared by all apps
        return
    command.tells_failures = True  # type: ignore[attr-defined]
    command.make_context = _in_one_line(command.make_context)  # type: ignore[method-assign]
    if isinstance(command, click.Group):
        command.invoke = _in_one_line(command.invoke)  # type: ignore[method-assign]
        for inner in command.commands.values():
            tell_failures(inner)
    elif command.callback is not None:
        command.callback = _reporting_errors(command.callback)


def message_of(error: Exception) -> str:
    """Return one line: what went wrong and, where known, what to do."""
    if isinstance(error, Refusal):
        return error.detail
    if isinstance(error, DBAPIError):
        return _about_database(error)
    if isinstance(error, (OSError, ConfigError)):
        return _one_line(error)
    return f"Unexpected {type(error).__name__}: {_one_line(error)}"


def _about_database(error: DBAPIError) -> str:
    cause = f"{type(error.orig).__name__}: {error.orig}"
    if any(sign in cause for sign in _NO_SUCH_TABLE):
        return "The database is not up to date. Run `flask db upgrade` first."
    if any(sign in cause for sign in NO_PRIMARY):
        return (
            "No server in DATABASE_URL accepts changes: those that answer are standbys."
            " Promote one, or start the primary."
        )
    if isinstance(error, OperationalError) or error.statement is None:
        return f"The database in DATABASE_URL can't be used: {_one_line(error.orig)}"
    return f"The database refused the change: {_one_line(error.orig)}"


def _reporting_errors(callback: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(callback)
    def reported(*args: Any, **kwargs: Any) -> Any:
        try:
            return callback(*args, **kwargs)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # noqa: BLE001 - the last place that can report it in words
            click.echo(f"Error: {cleaned_line(message_of(error))}", err=True)
            sys.exit(2 if isinstance(error, _NOT_READ) else 1)

    return reported


def _in_one_line(parse: Callable[P, R]) -> Callable[P, R]:
    """Leave out the usage text that click prints before the error."""

    @wraps(parse)
    def parsed(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return parse(*args, **kwargs)
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:
            if error.ctx is None:
                raise
            way_out = f"Try `{error.ctx.command_path} --help`."
            raise click.UsageError(f"{_one_line(error.format_message())} {way_out}") from None

    return parsed


def _one_line(error: object) -> str:
    return " ".join(str(error).split())
