"""`flask serve`: the whole portal in the foreground; `make run` is this."""

import click
from flask.cli import ScriptInfo, pass_script_info


@click.command()
@pass_script_info
def serve(info: ScriptInfo) -> None:
    """Migrate, load the demo school into an empty database, and serve.

    Reads HOST (127.0.0.1), PORT (8000), WORKERS (2) and DEMO (1) from the environment.
    """
    from lms import serve as portal  # noqa: PLC0415 - other commands start sooner without it

    raise SystemExit(portal.run(info.load_app()))
