"""`flask export`: what the portal keeps, as files."""

from contextlib import suppress
from pathlib import Path

import click
from flask.cli import AppGroup

from lms import accounts, school
from lms.cli.progress import progress_bar
from lms.cli.users import user_id_of
from lms.db import db
from lms.private_files import new_private_file
from lms.queries.own_data import write_archive
from lms.texts import one_line

export = AppGroup("export", help="Write stored data to files.")


@export.command()
@click.argument("email")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.zip")
def person(email: str, file: Path) -> None:
    """Write everything that is kept about a person to a ZIP of JSON and CSV, readable only by you.

    An existing file is never overwritten.
    """
    user_id = user_id_of(email)
    try:
        archive = new_private_file(file)
    except FileExistsError:
        raise click.ClickException(
            f"{one_line(str(file))} already exists. Choose another name, or delete it first."
        ) from None
    try:
        with archive, progress_bar("Exporting") as progress:
            name = school.of(db.session()).name
            write_archive(archive, user_id, school=name, progress=progress)
        accounts.note_export(user_id, by=None)
    except BaseException:
        with suppress(OSError):
            file.unlink()
        raise
