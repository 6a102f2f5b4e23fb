"""Serving the portal below a path, such as https://school.example/portal."""

from collections.abc import Iterable
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from lms.setting_values import is_clean

FOREIGN = "lms.foreign_prefix"
"""In the environment of a request whose proxy names another path than PUBLIC_URL."""


def prefix_of(public: str | None) -> str:
    """Return the path below which the portal is reached; blank for a host of its own."""
    return urlsplit(public or "").path.rstrip("/")


class Below:
    """Tells Flask below which path it is asked: PUBLIC_URL's, else the one that a proxy names.

    A proxy may have taken it off the address, or left it on.
    """

    def __init__(self, app: WSGIApplication, public: str | None) -> None:
        self._app = app
        self._public = public
        self._prefix = prefix_of(public)

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        named = environ.get("SCRIPT_NAME", "").rstrip("/")
        if not is_clean(named) or (named and self._public and named != self._prefix):
            environ[FOREIGN] = True
            named = ""
        prefix = self._prefix or named
        path = environ.get("PATH_INFO", "")
        if prefix and f"{path}/".startswith(f"{prefix}/"):
            environ["PATH_INFO"] = path[len(prefix) :] or "/"
        environ["SCRIPT_NAME"] = prefix
        return self._app(environ, start)
