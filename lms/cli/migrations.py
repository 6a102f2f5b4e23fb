"""`flask db`, with a progress bar and a command that Flask-Migrate lacks."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from flask.cli import with_appcontext
from flask_migrate.cli import db as migrations

from lms import schema, sync
from lms.cli.progress import progress_bar

__all__ = ["migrations"]


@click.command("repair-constraints")
@with_appcontext
def repair_constraints() -> None:
    """Restore constraints, indexes and triggers that a restored dump has lost."""
    with progress_bar("Repairing the constraints"):
        names = schema.restore()
    for name in names:
        click.echo(f"restored: {name}")
    click.echo(f"{len(names)} restored" if names else "Nothing was missing.")


migrations.add_command(repair_constraints)


def _with_bar(callback: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(callback)
    def migrate(*args: Any, **kwargs: Any) -> Any:
        with progress_bar("Migrating"):
            callback(*args, **kwargs)
            if kwargs.get("revision") == "head" and not kwargs.get("sql"):
                sync.follow_zone_at_start(of_portal=False)

    return migrate


for _command in (migrations.commands["upgrade"], migrations.commands["downgrade"]):
    assert _command.callback is not None  # noqa: S101 - narrows the type
    _command.callback = _with_bar(_command.callback)
