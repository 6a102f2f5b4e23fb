"""`flask users`: accounts."""

from typing import cast, get_args

import click
from flask.cli import AppGroup
from sqlalchemy import select

from lms import accounts, enrollment
from lms.db import db
from lms.models import Role, User
from lms.refusals import UserNotFound

users = AppGroup("users", help="Create, list and deactivate accounts.")


@users.command()
@click.argument("email")
@click.option("--name", required=True, help="The person's name.")
@click.option("--role", type=click.Choice(get_args(Role)), default="student", show_default=True)
@click.password_option(help="Prompted for if omitted.")
def create(email: str, name: str, role: str, password: str) -> None:
    """Create an account and print its id."""
    user_id = accounts.create_account(
        email=email, name=name, password=password, role=cast("Role", role)
    )
    click.echo(user_id)


@users.command("list")
def list_() -> None:
    """Print every account: id, role, status, e-mail and name, separated by tabs."""
    for user in db.session.scalars(select(User).order_by(User.id)):
        state = "active" if user.is_active else "deactivated"
        click.echo("\t".join((str(user.id), user.role, state, user.email, user.name)))


@users.command()
@click.argument("email")
def deactivate(email: str) -> None:
    """Deactivate an account and end all its sessions; nothing is deleted."""
    user_id = db.session.scalar(select(User.id).where(User.email == email.strip().lower()))
    if user_id is None:
        raise UserNotFound
    enrollment.deactivate_user(user_id, by=None, reason="flask users deactivate")
