"""Flask-Migrate from a folder of any name."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from flask import Flask, g
from flask_migrate import Config, Migrate
from flask_sqlalchemy import SQLAlchemy

MIGRATIONS = Path(__file__).parent / "migrations"


class Revisions(Migrate):
    """Finds the migrations wherever the portal was put."""

    def get_config(self, directory: Any = None, x_arg: Any = None, opts: Any = None) -> Any:
        """Return Alembic's configuration.

        Flask-Migrate hands the folder to a parser to which '%' begins a reference: doubled, it is
        one of the name.
        """
        folder = str(directory or self.directory)
        config: Any = Config(str(Path(folder) / "alembic.ini"))
        config.set_main_option("script_location", folder.replace("%", "%%"))
        given = [x_arg] if isinstance(x_arg, str) else list(x_arg or ())
        chosen: dict[str, Any] = dict.fromkeys(opts or [], True)
        config.cmd_opts = Namespace(**chosen, x=[*getattr(g, "x_arg", []), *given])
        return self.call_configure_callbacks(config)


def init_revisions(app: Flask, db: SQLAlchemy) -> None:
    """Give the app `flask db`."""
    Revisions(app, db, directory=str(MIGRATIONS))
