"""A browser without a screen: keeps cookies, sends forms and JSON with the CSRF token."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PASSWORD = "a long enough password"


class Browser(FlaskClient):
    """One person's browser; `user_id` once somebody has signed in."""

    user_id: int

    def __init__(self, app: Flask) -> None:
        super().__init__(app, app.response_class)

    def csrf_token(self) -> str:
        """Return the token that forms and JSON changes carry."""
        session = self.get("/api/session").get_json()
        return str(session["csrfToken"])

    def send_form(self, address: str, /, **fields: Any) -> TestResponse:
        """Send a form as the page does, without following where the answer leads."""
        return self.post(address, data={"csrf_token": self.csrf_token(), **fields})

    def send_file(self, address: str, content: bytes, name: str) -> TestResponse:
        """Send a form with a file, put together here: Werkzeug's leaves a large one open."""
        edge, line = b"--edge-of-the-parts", b"\r\n"
        parts = {
            b'name="csrf_token"': self.csrf_token().encode(),
            f'name="file"; filename="{name}"'.encode(): content,
        }
        body = b"".join(
            line.join((edge, b"Content-Disposition: form-data; " + named, b"", value, b""))
            for named, value in parts.items()
        )
        kind = f"multipart/form-data; boundary={edge[2:].decode()}"
        return self.post(address, data=body + edge + b"--" + line, content_type=kind)

    def send_json(self, method: str, address: str, body: object = None) -> TestResponse:
        """Send a change to the JSON interface."""
        headers = {"X-CSRFToken": self.csrf_token()}
        return self.open(address, method=method, json=body, headers=headers)

    def stays_signed_in(self) -> bool:
        """Return whether the session outlasts this browser."""
        cookie = self.get_cookie("portal")
        assert cookie is not None
        return cookie.expires is not None

    def sign_in(self, email: str, password: str = PASSWORD) -> TestResponse:
        """Sign in by the form."""
        answer = self.send_form("/login", email=email, password=password)
        user = self.get("/api/session").get_json()["user"]
        if user is not None:
            self.user_id = user["id"]
        return answer
