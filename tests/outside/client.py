"""A client of the running portal: its own connection, a cookie, and the token for changes."""

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from threading import Barrier
from typing import Any

import requests
from requests import Response

from lms import accounts
from lms.models import Role
from tests.patience import PATIENCE
from tests.server import Portal

PASSWORD = "correct horse 9"


class Client:
    """One browser or program, signed in or not."""

    user_id: int

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.http = requests.Session()
        self.token = ""

    def twin(self) -> "Client":
        """Return a client with the same cookies on a connection of its own, which is open."""
        other = Client(self.portal)
        other.http.cookies.update(self.http.cookies)
        other.token = self.token
        other.get("/healthz")
        return other

    def get(self, address: str, **headers: str) -> Response:
        return self.send("GET", address, headers=headers)

    def call(self, method: str, address: str, body: object = None) -> Response:
        """Send a change to the JSON interface."""
        return self.send(method, address, json=body, headers={"X-CSRFToken": self.token})

    def form(self, address: str, **fields: object) -> Response:
        """Send a form, with the token of the page it is on."""
        return self.send("POST", address, data={"csrf_token": self.token, **fields})

    def send(self, method: str, address: str, **sent: Any) -> Response:
        url = f"{self.portal.url}{address}"
        return self.http.request(method, url, allow_redirects=False, timeout=PATIENCE, **sent)

    def refresh_token(self) -> None:
        self.token = self.get("/api/session").json()["csrfToken"]

    def sign_in(self, email: str, password: str = PASSWORD) -> Response:
        self.token = token_of(self.get("/login"))
        answer = self.form("/login", email=email, password=password)
        session = self.get("/api/session").json()
        self.token = session["csrfToken"]
        self.user_id = session["user"]["id"]
        return answer


def token_of(page: Response) -> str:
    """Return the CSRF token in a page's form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, "the page has no form with a token"
    return unescape(found[1])


def newcomer(portal: Portal, email: str, *, role: Role = "student", name: str = "Sam") -> Client:
    """Return the signed-in client of a new person."""
    portal.call(accounts.create_account, email=email, name=name, password=PASSWORD, role=role)
    client = Client(portal)
    client.sign_in(email)
    return client


def at_once(calls: Sequence[Callable[[], Response]]) -> list[Response]:
    """Make all calls at the same moment, each in a thread; their answers in the same order."""
    ready = Barrier(len(calls))

    def make(call: Callable[[], Response]) -> Response:
        ready.wait(PATIENCE)
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(make, calls))
