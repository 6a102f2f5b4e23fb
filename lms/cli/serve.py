"""`flask serve`: the whole portal in the foreground; `make run` is this."""

import click
from flask.cli import ScriptInfo, pass_script_info


@click.command()
@click.option("--end-with-parent", is_flag=True, help="Exit when the parent process exits (Linux).")
@pass_script_info
def serve(info: ScriptInfo, end_with_parent: bool) -> None:
    """Migrate, load the demo school into an empty database, and serve.

    The settings HOST, PORT, WORKERS and DEMO apply.
    """
    from lms import processes  # noqa: PLC0415 - other commands start sooner without it
    from lms.serve import run  # noqa: PLC0415 - as above

    if end_with_parent:
        processes.end_with_parent()
    raise SystemExit(run(info.load_app()))
