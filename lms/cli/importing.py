"""`flask import`: another school's database, and rosters."""

from pathlib import Path

import click
from flask.cli import AppGroup

from lms.cli.invitations import invite, invite_if_mailed
from lms.cli.output import json_option, print_json
from lms.cli.progress import progress_bar
from lms.importing import ImportReport, RosterReport, import_legacy, import_roster
from lms.texts import counted

importing = AppGroup(
    "import", help="Import a school from another system or a roster of enrollments."
)

_apply = click.option("--apply", is_flag=True, help="Apply the import; without it, only preview.")


@importing.command()
@click.argument("database_url")
@_apply
@json_option
def legacy(database_url: str, apply: bool, as_json: bool) -> None:
    """Import another school from SQLite or PostgreSQL, and report the outcome of all rows."""
    label = "Importing" if apply else "Reading"
    with progress_bar(label) as progress:
        report = import_legacy(
            database_url, apply=apply, invite=invite_if_mailed(), progress=progress
        )
    if as_json:
        print_json(ImportReport, report)
    else:
        _print_legacy(report)


@importing.command()
@click.argument("file", type=click.Path(path_type=Path))
@_apply
@json_option
def roster(file: Path, apply: bool, as_json: bool) -> None:
    """Enroll and unenroll from a CSV of email,name,course_id,action, and report every line."""
    with progress_bar("Importing" if apply else "Reading") as progress:
        report = import_roster(file, apply=apply, invite=invite(), progress=progress)
    if as_json:
        print_json(RosterReport, report)
    else:
        _print_roster(report)


def _print_legacy(report: ImportReport) -> None:
    for table in report.tables:
        click.echo(
            f"{table.table}: {table.read} read, {table.created} created, {table.merged} merged,"
            f" {table.repaired} repaired, {table.refused} refused"
        )
        for reason in table.reasons:
            click.echo(f"  {reason.outcome} {reason.count}: {reason.reason}")
            for row in reason.sample:
                click.echo(f"    {_shown(row)}")
    if report.not_read:
        click.echo(
            f"not imported, because the portal has no place for them: {', '.join(report.not_read)}"
        )
    if report.without_password:
        verb = "has" if report.without_password == 1 else "have"
        way_out = (
            "those that are active are invited by e-mail"
            if invite_if_mailed()
            else "use 'Forgot your password?' to set one"
        )
        click.echo(
            f"{counted(report.without_password, 'new account')} {verb} no password: {way_out}"
        )
    total = (
        f"{counted(report.read, 'row')}: {report.created} created, {report.merged} merged,"
        f" {report.repaired} repaired, {report.refused} refused"
    )
    click.echo(total if report.applied else f"{total} (preview: nothing was changed; add --apply)")


def _print_roster(report: RosterReport) -> None:
    for row in report.rows:
        is_effect = row.outcome not in {"nothing", "refused"}
        effect = "would be " if is_effect and not report.applied else ""
        effect = "refused: " if row.outcome == "refused" else effect
        click.echo(f"line {row.line}: {row.email or '(no e-mail)'}: {effect}{row.detail}")
    counts = report.counts
    total = (
        f"{counts['enroll'] + counts['create_and_enroll']} enrolled"
        f" ({counted(counts['create_and_enroll'], 'new account')}),"
        f" {counts['unenroll']} unenrolled, {counts['nothing']} with nothing to do,"
        f" {counts['refused']} refused"
    )
    if not report.applied:
        click.echo(f"{total} (preview: nothing was changed; add --apply)")
    elif report.run_id is None:
        click.echo(f"{total}: nothing was changed")
    else:
        click.echo(f"{total}; run {report.run_id}: `flask sync undo {report.run_id}` undoes it")


def _shown(row: dict[str, str | None]) -> str:
    return ", ".join(
        f"{name}={'null' if value is None else repr(value)}" for name, value in row.items()
    )
