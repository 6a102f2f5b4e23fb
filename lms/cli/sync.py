"""`flask sync`: find violations, repair them, undo a repair, explain access."""

import sys
from typing import NoReturn

import click
from flask.cli import AppGroup
from sqlalchemy import select

import lms.sync
from lms import schema, school, standby
from lms.cli.failures import message_of
from lms.cli.output import json_option, print_json
from lms.cli.progress import progress_bar
from lms.db import LARGEST_ID, db
from lms.ledger.clocks import of_command
from lms.models import User
from lms.queries.past import as_of
from lms.refusals import StorageAway, StudentNotFound
from lms.sync import Scope, noting_unchecked
from lms.texts import counted, one_line

sync = AppGroup("sync", help="Find violations, repair them, undo a repair, and explain access.")

_student = click.option("--student", metavar="EMAIL", help="Only this student.")
_course = click.option(
    "--course", metavar="ID", type=click.IntRange(1, LARGEST_ID), help="Only this course."
)


@sync.command()
@json_option
@_student
@_course
def validate(as_json: bool, student: str | None, course: int | None) -> None:
    """Check every rule; exit 0 when all hold, 1 with violations, 2 when it could not check."""
    try:
        with noting_unchecked() as unchecked, of_command(), progress_bar("Checking") as progress:
            scope = _scope(student, course)
            report = standby.read_on(
                lambda connection: lms.sync.validate(
                    scope, progress=progress, connection=connection
                )
            )
    except Exception as error:  # noqa: BLE001 - for whatever reason, it could not check
        _fail(error, status=2)
    if as_json:
        print_json(lms.sync.Report, report)
    else:
        _print_violations(report)
    _warn_of_lost_rules()
    _warn_of_unchecked(unchecked)
    sys.exit(2 if unchecked else 0 if report.ok else 1)


@sync.command("auto-fix")
@click.option("--dry-run", is_flag=True, help="Show what would change without changing it.")
@json_option
@_student
@_course
def auto_fix(dry_run: bool, as_json: bool, student: str | None, course: int | None) -> None:
    """Repair what can be repaired without guessing; exit 0 when nothing remains, else 1.

    After a dry run, everything found still remains.
    """
    with noting_unchecked() as unchecked, of_command(), progress_bar("Repairing") as progress:
        result = lms.sync.auto_fix(
            _scope(student, course), by=None, dry_run=dry_run, progress=progress
        )
    if as_json:
        print_json(lms.sync.AutoFixResult, result)
    else:
        if result.restored:
            click.echo(f"ID counters and defaults restored: {result.restored}")
        verb = "would be repaired" if result.dry_run else "repaired"
        for kind, number in result.fixed.items():
            if number:
                click.echo(f"{kind}: {number} {verb}")
        click.echo(f"{result.total} {verb} in run {result.run_id}")
        left = {kind: number for kind, number in result.remaining.items() if number}
        if left:
            click.echo(f"{'would remain' if dry_run else 'remaining'}: {_listed(left)}")
    _warn_of_lost_rules()
    is_sound = not any(result.remaining.values()) and not (dry_run and result.total)
    _warn_of_unchecked(unchecked)
    sys.exit(0 if is_sound and not unchecked else 1)


@sync.command()
@click.argument("run_id", type=click.IntRange(1, LARGEST_ID))
@json_option
def undo(run_id: int, as_json: bool) -> None:
    """Reverse what an auto-fix run changed."""
    with progress_bar("Undoing") as progress:
        result = lms.sync.undo(run_id, by=None, progress=progress)
    if as_json:
        print_json(lms.sync.UndoResult, result)
        return
    click.echo(f"{counted(result.undone, 'row')} of run {run_id} restored")
    for row in result.kept:
        click.echo(f"left unchanged: {row.table} {row.id} ({row.kind}): {row.reason}")


@sync.command()
@click.argument("email")
@click.argument("course_id", type=click.IntRange(1, LARGEST_ID))
@click.option(
    "--at",
    "at",
    metavar="DATE",
    help="A date (as of the end of that day in the school's time zone) or a time.",
)
@json_option
def explain(email: str, course_id: int, at: str | None, as_json: bool) -> None:
    """Explain why a student has or lacks access to a course, and what would change it."""
    zone = school.of(db.session()).time_zone
    moment = as_of(at, zone) if at is not None else None
    explanation = lms.sync.explain(_student_id(email), course_id, moment, zone=zone)
    if as_json:
        print_json(lms.sync.Explanation, explanation)
        return
    click.echo(explanation.verdict)
    for line in explanation.lines(zone):
        click.echo(f"  {line}")
    if explanation.action:
        click.echo(explanation.action)


def _scope(student: str | None, course: int | None) -> Scope:
    return Scope(student_id=_student_id(student) if student else None, course_id=course)


def _student_id(email: str) -> int:
    user_id = db.session.scalar(select(User.id).where(User.email == email.strip().lower()))
    if user_id is None:
        raise StudentNotFound(
            f"No account has the address {one_line(email)}. `flask users list` shows them all."
        )
    return user_id


def _print_violations(report: lms.sync.Report) -> None:
    for check in report.checks:
        if check.count:
            click.echo(f"{check.kind}: {check.count}")
            for row in check.sample[:3]:
                who = " in ".join(filter(None, (row.student_name, row.course_title)))
                click.echo(
                    f"  {row.entity} {row.id}{f' ({who})' if who else ''}:"
                    f" expected {row.expected}, found {row.actual}"
                )
    click.echo("No violations found." if report.ok else counted(report.total, "violation"))


def _warn_of_unchecked(unchecked: list[StorageAway]) -> None:
    """Say so where it couldn't be checked what is in files."""
    if unchecked:
        click.echo(f"{unchecked[0].detail} Files and the logo weren't checked.", err=True)


def _warn_of_lost_rules() -> None:
    """Warn when the database lacks constraints that prevent violations."""
    try:
        schema.check()
    except schema.SchemaIncomplete as gap:
        click.echo(f"Warning: {gap.detail}", err=True)


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{kind} {number}" for kind, number in counts.items())


def _fail(error: Exception, *, status: int) -> NoReturn:
    click.echo(f"Error: {message_of(error)}", err=True)
    sys.exit(status)
