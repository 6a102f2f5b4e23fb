"""`flask worker`: repairs and e-mails in the background; `flask serve` starts one too."""

import click
from flask.cli import ScriptInfo, pass_script_info


@click.command()
@pass_script_info
def worker(info: ScriptInfo) -> None:
    """Run scheduled repairs and imports, and send e-mails, until stopped."""
    from lms import worker as background  # noqa: PLC0415 - other commands start sooner without it

    background.run(info.load_app())
