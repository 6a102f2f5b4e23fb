"""`flask serve` in a process that has been forked; imports nothing that changes the portal."""

import os
import sys

from flask.cli import main


def serve(folder: str, environment: dict[str, str], log: str) -> None:
    """Become `flask serve`, started in a folder, with a session, a log and an environment."""
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    with open(os.devnull, "rb") as nothing, open(log, "ab") as said:  # noqa: PTH123 - for dup2
        for number, file in enumerate((nothing, said, said)):
            os.dup2(file.fileno(), number)
    sys.argv[:] = ["flask", "serve"]
    main()
