"""`flask users`: accounts."""

from typing import cast, get_args

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import select

from lms import accounts, enrollment
from lms.cli.invitations import invite
from lms.cli.output import json_option, print_json
from lms.cli.passwords import given_password
from lms.db import db
from lms.enrollment.people import normalize_email
from lms.models import Role, User
from lms.queries import people
from lms.refusals import UserNotFound
from lms.texts import counted, is_storable, one_line

users = AppGroup("users", help="Create, list, correct and deactivate accounts.")


@users.command()
@click.argument("email")
@click.option("--name", required=True, help="The person's name.")
@click.option("--role", type=click.Choice(get_args(Role)), default="student", show_default=True)
@click.option(
    "--password",
    help=(
        "Leave it out to be prompted: on the command line, other users of this machine can read it."
    ),
)
def create(email: str, name: str, role: str, password: str | None) -> None:
    """Create an account and print its id.

    Without --password, it asks on a terminal, or reads one line of standard input.
    """
    if password is None:
        password = given_password()
    user_id = accounts.create_account(
        email=email, name=name, password=password, role=cast("Role", role)
    )
    click.echo(user_id)


@users.command("set-password")
@click.argument("email")
def set_password(email: str) -> None:
    """Replace a person's password and end all their sessions.

    It asks on a terminal, or reads one line of standard input.
    """
    user_id = user_id_of(email)
    password = given_password()
    accounts.set_password(user_id, password, by=None, reason="flask users set-password")


@users.command("set-email")
@click.argument("old")
@click.argument("new")
def set_email(old: str, new: str) -> None:
    """Correct a person's address and end all their sessions; everything else is kept."""
    portal = current_app.config["PUBLIC_URL"]
    enrollment.set_email(
        *(user_id_of(old), new),
        by=None,
        reason="flask users set-email",
        portal=portal,
        invite=invite(),
    )


@users.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Print every account: id, role, status, e-mail and name, separated by tabs."""
    found = people.accounts()
    if as_json:
        print_json(people.Accounts, found)
        return
    for user in found.users:
        states = (
            "deactivated" if not user.is_active else "",
            "not confirmed" if not user.email_verified_at else "",
        )
        state = ", ".join(filter(None, states)) or "active"
        click.echo("\t".join((str(user.id), user.role, state, user.email, user.name)))


@users.command()
@click.argument("email")
def deactivate(email: str) -> None:
    """Deactivate an account and end all its sessions; nothing is deleted."""
    enrollment.deactivate_user(user_id_of(email), by=None, reason="flask users deactivate")


@users.command("reset-factor")
@click.argument("email")
def reset_factor(email: str) -> None:
    """Remove the second factors of a person who lost them, and end all their sessions."""
    removed = accounts.reset_factors(
        user_id_of(email),
        by=None,
        address=current_app.config["PUBLIC_URL"] or "",
        reason="flask users reset-factor",
    )
    click.echo(f"{counted(removed, 'second factor')} removed.")


def user_id_of(email: str) -> int:
    """Return the id of the account with this address, or raise UserNotFound."""
    address = normalize_email(email)
    if is_storable(address) and (
        user_id := db.session.scalar(select(User.id).where(User.email == address))
    ):
        return user_id
    raise UserNotFound(
        f"No account has the address {one_line(email)}. `flask users list` shows them all."
    )
