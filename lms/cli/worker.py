"""`flask worker`: repairs and e-mails in the background; `flask serve` starts one by itself."""

import click
from flask.cli import ScriptInfo, pass_script_info

from lms import worker as background


@click.command()
@pass_script_info
def worker(info: ScriptInfo) -> None:
    """Repair the school at intervals and send e-mails, until SIGTERM."""
    background.run(info.load_app())
