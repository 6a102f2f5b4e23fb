"""Flask's command in a process that has been forked; imports nothing that changes the portal."""

import os
import sys

from flask.cli import main


def run(folder: str, environment: dict[str, str], log: str, *command: str) -> None:
    """Become `flask COMMAND` as if started in a folder, with a session of its own."""
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    with open(os.devnull, "rb") as nothing, open(log, "ab") as said:  # noqa: PTH123 - for dup2
        for number, file in enumerate((nothing, said, said)):
            os.dup2(file.fileno(), number)
    sys.argv[:] = ["flask", *command]
    main()
