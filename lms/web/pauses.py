"""Answers that leave later than they are ready; meanwhile they wait in the server's loop.

No thread waits with them: there are few, and whoever guesses passwords would hold them all. A
server of another kind sends them at once.
"""

from flask import request

PAUSE = "lms.pause"
"""In the environment of a request: for how many seconds the front keeps its answer back."""


def slow_down(seconds: float) -> None:
    """Have this request's answer leave so much later."""
    request.environ[PAUSE] = seconds
