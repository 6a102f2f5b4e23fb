"""Signed-in people, thousands at once: sign-ins by SQL, cookies signed as the portal signs them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from flask import Flask, session
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import generate_csrf
from sqlalchemy import insert

from lms.accounts.sign_in import LIFETIME, new_token
from lms.db import db, now, writer
from lms.models import SignIn
from lms.queries.people import token_hash

_BROWSER = (
    "Host: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\nAccept-Language: en\r\n"
    "Accept-Encoding: gzip, deflate\r\n"
)
"""What browsers send over plain HTTP, as they would to a server behind a proxy that compresses."""


@dataclass(frozen=True)
class Visitor:
    """One person's browser, as bytes to send."""

    user_id: int
    cookie: str
    csrf_token: str

    def get(self, path: str, **headers: str) -> str:
        """Return the request for a page."""
        return self._request("GET", path, headers)

    def poll(self, path: str, etag: str) -> str:
        """Return the request of a live page for its news."""
        return self.get(path, **{"X-Live": "none=0", "If-None-Match": etag})

    def send(self, method: str, path: str, body: object) -> str:
        """Return a change by JSON."""
        content = json.dumps(body)
        headers = {
            "X-CSRFToken": self.csrf_token,
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
        }
        return self._request(method, path, headers) + content

    def _request(self, method: str, path: str, headers: dict[str, str]) -> str:
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{method} {path} HTTP/1.1\r\n{_BROWSER}Cookie: {self.cookie}\r\n{fields}\r\n"


def sign_in(app: Flask, user_ids: Sequence[int]) -> list[Visitor]:
    """Sign each of the people in, once for each time that they are listed."""
    tokens = [new_token() for _ in user_ids]
    began = now() - timedelta(minutes=1)
    rows = [
        {
            "token_hash": token_hash(token),
            "user_id": user_id,
            "created_at": began,
            "last_seen_at": now(),
            "expires_at": began + LIFETIME,
        }
        for token, user_id in zip(tokens, user_ids, strict=True)
    ]
    with app.test_request_context():
        with writer(db.engine).begin() as connection:
            connection.execute(insert(SignIn), rows)
        csrf_token = generate_csrf()
        held = {**session, "_fresh": True, "_permanent": True}
        assert isinstance(app.session_interface, SecureCookieSessionInterface)
        sign = app.session_interface.get_signing_serializer(app)
        assert sign is not None
        name = app.config["SESSION_COOKIE_NAME"]
        return [
            Visitor(user_id, f"{name}={sign.dumps({**held, '_user_id': token})}", csrf_token)
            for token, user_id in zip(tokens, user_ids, strict=True)
        ]
