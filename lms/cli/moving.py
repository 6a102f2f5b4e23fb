"""`flask db copy`, `backup`, `restore`, `export school`, `import school`: the school as a whole."""

from collections.abc import Mapping
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import Engine

from lms import database_address, moving
from lms.cli.export import export as exports
from lms.cli.importing import importing
from lms.cli.migrations import migrations
from lms.cli.progress import progress_bar
from lms.config import SETTINGS
from lms.db import direct
from lms.files import store
from lms.refusals import StorageAway
from lms.sync import validate
from lms.texts import counted, one_line

_FILES = "files"
"""In the folder of an export: what is in the files of courses."""
_file = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


@click.command("copy")
@click.argument("database_url")
@click.option("--without-sign-ins", is_flag=True, help="Everyone has to sign in again.")
@with_appcontext
def copy(database_url: str, without_sign_ins: bool) -> None:
    """Copy the school into an empty database at DATABASE_URL, SQLite or PostgreSQL.

    Stop the portal first: what changes after the copy has begun is not in it. If it was
    interrupted, the same command finishes it. Files of courses stay where they are, in LMS_FILES or
    LMS_FILES_BUCKET.
    """
    address = _address(database_url)
    with (
        progress_bar("Copying") as progress,
        direct().connect() as source,
        moving.emptied(address) as target,
    ):
        report = moving.copy(
            moving.Database(source), target, with_sign_ins=not without_sign_ins, progress=progress
        )
        violations = _violations(target)
    _print_tables(report.tables)
    _print_resumed(report)
    click.echo(f"{_rows(report.tables)} copied and verified: they match the original.")
    _print_violations(violations)
    shown = database_address.shown(database_address.parsed(address))
    click.echo(f"Now set DATABASE_URL to {shown}, and start the portal again.")


migrations.add_command(copy)


@click.command()
@_file
@click.option("--check", is_flag=True, help="Check a backup instead of making one.")
@with_appcontext
def backup(file: Path, check: bool) -> None:
    """Write the whole school to a new FILE while the portal runs; --check reads one again.

    Settings and secrets in the instance folder are not in it.
    """
    if check:
        files = moving.contents.beside(file)
        # What validation looks for lies there.
        current_app.config.update(LMS_FILES=str(files), LMS_FILES_BUCKET=None)
        with progress_bar("Checking"), moving.opened(file) as (found, engine):
            with engine.connect() as connection:
                whole = moving.contents.check(connection, files)
            violations = _violations(engine)
        click.echo(f"{_shown(file)} is a complete backup of {found.made_at:%Y-%m-%d %H:%M} UTC.")
        _print_contents(whole, files)
        click.echo(f"The backup has {_rows(found.tables)}.")
        if violations:
            click.echo(
                f"Violations in the backup: {violations}. Once it is restored,"
                " `flask sync validate` lists them."
            )
        return
    with progress_bar("Backing up") as progress, direct().connect() as source:
        made = moving.back_up(source, file, progress=progress)
    moving.note_backup(Path(current_app.instance_path))
    click.echo(f"{_shown(file)}: {_rows(made.tables)}.")
    _print_beside(moving.contents.beside(file))
    _print_missing(made.missing)
    click.echo(f"Check it with `flask backup --check {_shown(file)}`; keep it elsewhere.")
    if made.missing:
        raise SystemExit(1)


@click.command()
@_file
@with_appcontext
def restore(file: Path) -> None:
    """Write a backup into the empty database in DATABASE_URL, SQLite or PostgreSQL."""
    store.reach()
    with progress_bar("Restoring") as progress, moving.opened(file) as (found, source_engine):
        address = database_address.written_out(direct().url)
        with moving.emptied(address) as target, source_engine.connect() as source:
            report = moving.copy(moving.Database(source), target, progress=progress)
            missing = moving.contents.copy_in(source, moving.contents.beside(file))
            violations = _violations(target)
    _print_resumed(report)
    _print_missing(missing)
    click.echo(
        f"{_rows(report.tables)} restored from the backup of {found.made_at:%Y-%m-%d %H:%M} UTC."
    )
    _print_violations(violations)
    if missing:
        raise SystemExit(1)


@exports.command()
@click.argument("folder", type=click.Path(path_type=Path))
def school(folder: Path) -> None:
    """Write the whole school to a new FOLDER: JSON Lines for each table, and their JSON Schema."""
    store.reach()
    with progress_bar("Exporting") as progress, direct().connect() as source:
        report = moving.export(source, folder, progress=progress)
        try:
            missing = moving.contents.copy_out(source, folder / _FILES)
        except StorageAway:
            click.echo(f"{_shown(folder)} is incomplete: delete it, and export again.", err=True)
            raise
    click.echo(f"{_shown(folder)}: {_rows(report.tables)} in {len(report.tables)} files.")
    _print_missing(missing)
    click.echo(f"`flask import school {_shown(folder)}` reads them into an empty database.")
    if missing:
        raise SystemExit(1)


@importing.command("school")
@click.argument("folder", type=click.Path(path_type=Path))
def import_school(folder: Path) -> None:
    """Read what `flask export school` wrote into the empty database in DATABASE_URL."""
    store.reach()
    exported = moving.Folder(folder)
    address = database_address.written_out(direct().url)
    with progress_bar("Importing") as progress, moving.emptied(address) as target:
        report = moving.copy(exported, target, progress=progress)
        with target.connect() as connection:
            missing = moving.contents.copy_in(connection, folder / _FILES)
        violations = _violations(target)
    _print_resumed(report)
    _print_missing(missing)
    click.echo(f"{_rows(report.tables)} imported and verified: they match the export.")
    _print_violations(violations)
    if missing:
        raise SystemExit(1)


def _address(written: str) -> str:
    try:
        return str(SETTINGS["DATABASE_URL"].parse(written))
    except ValueError as error:
        shown = one_line(database_address.masked(written))
        raise click.UsageError(f"{shown} {error}.") from None


def _violations(engine: Engine) -> int:
    with engine.connect() as connection:
        return sum(validate(connection=connection).counts.values())


def _print_tables(tables: Mapping[str, int]) -> None:
    for name, rows in tables.items():
        if rows:
            click.echo(f"{name}: {rows}")


def _print_resumed(report: moving.CopyReport) -> None:
    if report.kept:
        click.echo(
            f"Kept from the copy that was interrupted: {counted(len(report.kept), 'table')}."
        )
    elif report.was_interrupted:
        click.echo(
            "The original has changed since the copy was interrupted, so everything was copied"
            " again."
        )


def _print_contents(whole: int, files: Path) -> None:
    if whole:
        click.echo(f"{counted(whole, 'file')} in {_shown(files)} verified.")


def _print_beside(files: Path) -> None:
    if files.is_dir():
        click.echo(f"{_shown(files)}: the uploaded files. Keep both together.")


def _print_missing(missing: int) -> None:
    if missing:
        click.echo(
            f"The content of {counted(missing, 'file')} is missing or damaged:"
            " `flask sync validate` lists what is missing.",
            err=True,
        )


def _print_violations(violations: int) -> None:
    if violations:
        click.echo(
            f"Violations: {violations}, as in the original. `flask sync validate` lists them."
        )


def _rows(tables: Mapping[str, int]) -> str:
    return counted(sum(tables.values()), "row")


def _shown(file: Path) -> str:
    return one_line(str(file))
