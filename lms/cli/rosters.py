"""`flask import roster`: people and courses as a spreadsheet or another system lists them."""

import sys
from pathlib import Path

import click
from flask.cli import with_appcontext

from lms.cli.invitations import invite
from lms.cli.output import json_option, print_json
from lms.cli.progress import progress_bar
from lms.importing import CourseLoss, DecidedLine, RosterReport, import_roster
from lms.texts import cleaned_line, counted

_SHOWN = 20
"""So many of those who lose a course are named at the top; the lines below name all."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--apply", is_flag=True, help="Apply the import. Without this option, it's only previewed."
)
@click.option(
    "--allow-unenroll",
    type=click.IntRange(0),
    metavar="N",
    help="Let this many enrollments end: the number that the preview gives.",
)
@json_option
@with_appcontext
def roster(file: Path, *, apply: bool, allow_unenroll: int | None, as_json: bool) -> None:
    """Enroll and unenroll as a roster says, and report every line.

    FILE is a CSV of email,name,course_id,action; a folder or ZIP of OneRoster or Canvas SIS; or a
    CSV for Moodle's 'Upload users'. Exits with 1 if a line was refused, or if more
    would lose access than is allowed; with 2 if the file isn't a roster.
    """
    with progress_bar("Importing" if apply else "Reading") as progress:
        report = import_roster(
            file,
            apply=apply,
            allow_unenroll=allow_unenroll,
            invite=invite(),
            progress=progress,
        )
    if as_json:
        print_json(RosterReport, report)
    else:
        _print(report, is_preview=not apply)
    if apply and report.allow_unenroll is not None:
        click.echo(f"Error: nothing was changed. {_to_allow(report.allow_unenroll)}", err=True)
    if report.counts["refused"] or (apply and not report.applied):
        sys.exit(1)


def _print(report: RosterReport, *, is_preview: bool) -> None:
    for loss in report.losing:
        click.echo(_lost(loss, is_done=report.applied))
    if report.allow_unenroll is not None and report.losing:
        click.echo(_to_allow(report.allow_unenroll))
    for warning in report.warnings:
        click.echo(f"Warning: {warning}")
    if report.format != "CSV":
        click.echo(f"This is {report.format}.")
    for row in report.rows:
        # What the file says may hold signs that steer a terminal.
        click.echo(cleaned_line(_row(row, is_done=report.applied)))
    counts = report.counts
    total = (
        f"{counts['enroll'] + counts['create_and_enroll']} enrolled"
        f" ({counted(counts['create_and_enroll'], 'new account')}),"
        f" {counts['unenroll']} unenrolled, {counts['nothing']} with nothing to do,"
        f" {counts['refused']} refused"
    )
    if is_preview:
        click.echo(f"{total} (preview: nothing was changed; add --apply)")
    elif not report.applied or report.run_id is None:
        click.echo(f"{total}: nothing was changed")
    else:
        click.echo(f"{total}; run {report.run_id}: `flask sync undo {report.run_id}` undoes it")


def _lost(loss: CourseLoss, *, is_done: bool) -> str:
    lose = "lost" if is_done else "would lose"
    named = ", ".join(loss.emails[:_SHOWN])
    more = loss.leaving - _SHOWN
    and_more = f" and {more} more, named below" if more > 0 else ""
    return f"{loss.leaving} of {loss.enrolled} {lose} access to {loss.title}: {named}{and_more}"


def _to_allow(number: int) -> str:
    return (
        f"{counted(number, 'enrollment')} would end. If that is right, add"
        f" --allow-unenroll {number}."
    )


def _row(row: DecidedLine, *, is_done: bool) -> str:
    place = f"{row.file}, line {row.line}" if row.file else f"line {row.line}"
    place = place if row.line else "missing from the roster"
    is_effect = row.outcome not in {"nothing", "refused"}
    effect = "would be " if is_effect and not is_done else ""
    effect = "refused: " if row.outcome == "refused" else effect
    return f"{place}: {row.email or '(no e-mail)'}: {effect}{row.detail}"
