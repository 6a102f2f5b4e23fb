"""`flask worker`: repairs and e-mails in the background; `flask serve` starts one too."""

import click
from flask.cli import ScriptInfo, pass_script_info

from lms import deployment


@click.command()
@pass_script_info
def worker(info: ScriptInfo) -> None:
    """Run scheduled repairs and imports, and send e-mails, until stopped."""
    from lms import worker as background  # noqa: PLC0415 - other commands start sooner without it

    app = info.load_app()
    with app.app_context():
        deployment.check()  # a wrong address ends it; the worker itself would wait
    background.run(app)
