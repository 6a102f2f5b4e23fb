"""`flask db`, with what Flask-Migrate does not know of."""

import click
from flask.cli import with_appcontext
from flask_migrate.cli import db as migrations

from lms import schema

__all__ = ["migrations"]


@click.command("repair-constraints")
@with_appcontext
def repair_constraints() -> None:
    """Put back constraints, indexes and triggers that a restored dump has lost."""
    names = schema.put_back()
    for name in names:
        click.echo(f"put back: {name}")
    click.echo(f"{len(names)} put back" if names else "Nothing was missing.")


migrations.add_command(repair_constraints)
