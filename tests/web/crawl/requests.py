"""The requests of the URL map, and what each changes of the database."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy import text
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from lms.db import Base, db
from tests.web.browser import Browser

SAFE = {"GET", "HEAD", "OPTIONS"}


@dataclass(frozen=True)
class Asked:
    """One request: a rule, one of its methods, and an address that exists."""

    method: str
    rule: str
    address: str

    @property
    def is_safe(self) -> bool:
        return self.method in SAFE

    @property
    def is_json(self) -> bool:
        return self.rule.startswith("/api/")

    def send(self, browser: Browser, **sent: Any) -> TestResponse:
        return browser.open(self.address, method=self.method, buffered=True, **sent)

    def send_with_token(self, browser: Browser, token: str) -> TestResponse:
        """Send it as the portal's own page or program would, with nothing filled in."""
        headers = {"X-CSRFToken": token}
        if self.is_json:
            return self.send(browser, json={}, headers=headers)
        return self.send(browser, data={"csrf_token": token})


def served(app: Flask) -> set[tuple[str, str]]:
    """Return every method and rule, of its parameters only the names."""
    return {
        (method, _named(rule))
        for rule in app.url_map.iter_rules()
        for method in set(rule.methods or ()) - {"HEAD", "OPTIONS"}
    }


def asked(app: Flask, ids: dict[str, object]) -> Iterator[Asked]:
    """Return a request of every method and rule, the deleting ones last."""
    adapter = app.url_map.bind("localhost")
    rules = sorted(app.url_map.iter_rules(), key=lambda rule: (_deletes(rule), rule.rule))
    for rule in rules:
        # Tokens fit one page each; else a name means the same everywhere.
        values = {name: ids[rule.rule if name == "token" else name] for name in rule.arguments}
        for method in sorted(set(rule.methods or ()) - {"HEAD", "OPTIONS"}):
            address = adapter.build(rule.endpoint, values, method=method)
            yield Asked(method, _named(rule), address)


def _deletes(rule: Rule) -> bool:
    return "delete" in rule.rule or "erasures" in rule.rule


def _named(rule: Rule) -> str:
    return re.sub(r"<[^>]*:(\w+)>", r"<\1>", rule.rule)


def rows(app: Flask) -> dict[str, list[Any]]:
    """Return all that is kept, by table."""
    with app.app_context(), db.engine.connect() as connection:
        return {
            table: sorted(connection.execute(statement).all(), key=repr)
            for table, statement in _ALL.items()
        }


_ALL = {table.name: text(f"SELECT * FROM {table.name}") for table in Base.metadata.sorted_tables}
