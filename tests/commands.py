"""Commands as a shell runs them."""

from click.testing import Result
from flask import Flask


def run(app: Flask, *arguments: str, given: str | bytes = "") -> Result:
    """Run a command that is given this as its standard input."""
    return app.test_cli_runner().invoke(args=arguments, input=given)


def error_line(result: Result, *, code: int = 1) -> str:
    """Return the one line that a failed command printed."""
    assert result.exit_code == code
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    return line
