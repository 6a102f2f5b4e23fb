"""`flask import`: another school's database, and rosters."""

import sys

import click
from flask.cli import AppGroup

from lms.cli.importing_report import print_legacy
from lms.cli.invitations import invite_if_mailed
from lms.cli.output import json_option, print_json
from lms.cli.progress import progress_bar
from lms.cli.rosters import roster
from lms.importing import ImportReport, answers, import_legacy

importing = AppGroup(
    "import", help="Import a school from another system or a roster of enrollments."
)

_apply = click.option(
    "--apply", is_flag=True, help="Apply the import. Without this option, it's only previewed."
)


@importing.command()
@click.argument("database_url")
@_apply
@json_option
@click.option(
    *("--prices", "prices"),
    multiple=True,
    metavar="decimal|minor",
    help="Whether an amount of 20 is 20.00 (decimal) or 0.20 (minor), if the data doesn't say."
    " For one table: payments=minor.",
)
@click.option(
    *("--timezone", "timezone"),
    multiple=True,
    metavar="ZONE",
    help="The time zone of times that don't name one, such as America/New_York; UTC by default."
    " For one column: enrollments.createdAt=ZONE.",
)
@click.option(
    *("--map", "maps"),
    multiple=True,
    metavar="OURS=THEIRS",
    help="What is named differently in the earlier system: a table (users=people), a column"
    " (courses.price=fee) or a word (enrollments.status.vip=active). To leave a table out:"
    " none=logs.",
)
def legacy(
    database_url: str,
    *,
    apply: bool,
    as_json: bool,
    prices: tuple[str, ...],
    timezone: tuple[str, ...],
    maps: tuple[str, ...],
) -> None:
    """Import another school from SQLite or PostgreSQL, and report the outcome of all rows.

    DATABASE_URL may be written as in the earlier system's .env, or be the path of an SQLite file.
    Exits with 1 if a question is open, with 2 if no school was found.
    """
    said = answers(prices=prices, timezone=timezone, maps=maps)
    with progress_bar("Importing" if apply else "Reading") as progress:
        report = import_legacy(
            database_url, apply=apply, said=said, invite=invite_if_mailed(), progress=progress
        )
    if as_json:
        print_json(ImportReport, report)
    else:
        print_legacy(report)
    if report.questions:
        sys.exit(1)


importing.add_command(roster)
