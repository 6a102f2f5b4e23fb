"""Polls that show nothing new: answered from the cookie and one read of the database."""

from functools import lru_cache

from flask import Flask
from itsdangerous import BadSignature

from lms.accounts.sign_in import LIFETIME
from lms.queries.people import token_hash
from lms.signatures import is_good
from lms.web import live, security
from lms.web.below import prefix_of
from lms.web.front.reading import reader
from lms.web.front.rsgi import Scope
from lms.web.session import signed_token

_REMEMBERED = 20_000
"""Cookies whose signature is known to be good; whether their sign-ins still stand is read."""


class Polls:
    """Knows which polls Flask would answer with 304."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._cookie_name = f"{app.config['SESSION_COOKIE_NAME']}="
        self._api = ("/api/", f"{prefix_of(app.config['PUBLIC_URL'])}/api/")
        self._headers = [*security.headers(app).items(), *live.HEADERS.items()]
        self._reader = reader(app)
        self._known = lru_cache(_REMEMBERED)(self._verified)

    def close(self) -> None:
        """Close the connection to the database."""
        self._reader.close()

    async def unchanged(self, scope: Scope) -> list[tuple[str, str]] | None:
        """Return the headers of the 304, or None if Flask has to answer."""
        headers = scope.headers
        given = headers.get("if-none-match")
        if given is None or not ("x-live" in headers or scope.path.startswith(self._api)):
            return None
        if (topics := live.topics_of(given)) is None:
            return None
        if (token := self._token(headers.get("cookie", ""))) is None:
            return None
        state = await self._reader.state(token)
        if state is None:
            return None
        tag = live.tag_of(self._app, topics, state.user, sum(map(state.version, topics)))
        if f'"{tag}"' != given.removeprefix("W/"):
            return None
        return [*self._headers, ("ETag", f'W/"{tag}"')]

    async def is_admin(self, scope: Scope) -> bool:
        """Return whether an admin asks; False, too, if the database does not answer."""
        token = self._token(scope.headers.get("cookie", ""))
        state = await self._reader.state(token) if token else None
        return state is not None and state.user.role == "admin"

    def _token(self, cookies: str) -> str | None:
        """Return the hash of the one token that the browser sends, if we have signed it."""
        given = [each for each in cookies.split("; ") if each.startswith(self._cookie_name)]
        if len(given) != 1:
            return None
        try:
            token, signed_at = self._known(given[0].removeprefix(self._cookie_name))
        except BadSignature:
            return None
        return token if is_good(signed_at, LIFETIME.total_seconds()) else None

    def _verified(self, cookie: str) -> tuple[str | None, float]:
        token, signed_at = signed_token(self._app, cookie)
        return token and token_hash(token), signed_at
