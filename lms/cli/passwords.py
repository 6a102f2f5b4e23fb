"""How a command gets a password, so that neither a history nor a list of processes shows it."""

import sys

import click

from lms.refusals import Invalid


def given_password() -> str:
    """Ask twice on a terminal, without showing it; else read one line of standard input."""
    if sys.stdin is not None and sys.stdin.isatty():
        # On stderr: what the command prints may be taken by another one.
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    line = b"" if sys.stdin is None else sys.stdin.buffer.readline()
    try:
        password = line.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise Invalid("password", "The password on standard input isn't UTF-8 text.") from None
    if not password:
        raise Invalid(
            "password",
            "No password was given. Type it on a terminal, or send it as one line of standard"
            " input.",
        )
    return password
