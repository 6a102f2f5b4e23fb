"""Everybody who may ask, each in a browser that is where such a person can get at most."""

from flask import Flask

from lms import accounts
from tests.conftest import Sql
from tests.web.browser import PASSWORD, Browser
from tests.web.crawl.declared import WHO_MAY, Who
from tests.web.crawl.requests import Asked
from tests.web.crawl.school import OWNER

PEOPLE: dict[str, frozenset[Who]] = {
    "nobody": frozenset({"anybody"}),
    "unproven": frozenset({"anybody"}),
    "student": frozenset({"anybody", "without factor", "signed in", "student"}),
    "owner": frozenset({"anybody", "without factor", "signed in", "student"}),
    "admin": frozenset({"anybody", "without factor", "signed in", "admin"}),
    "admin without factor": frozenset({"anybody", "without factor"}),
}
"""What each may send."""


def come(app: Flask, sql: Sql, who: str) -> Browser:
    """Return the browser of such a person, who is new here."""
    browser = Browser(app)
    if who == "nobody":
        return browser
    if who == "owner":  # of the rows that the addresses name
        browser.sign_in(OWNER)
        return browser
    email = f"{who.replace(' ', '-')}@example.org"
    with app.app_context():
        accounts.create_account(
            email=email,
            name="Robin Caller",
            password=PASSWORD,
            role="admin" if who.startswith("admin") else "student",
        )
    browser.sign_in(email)
    if who == "admin without factor":
        app.config["LMS_SECOND_FACTOR"] = "admins"
    if who == "unproven":
        # No way leads here; whoever has a session all the same gets nothing by it.
        sql("UPDATE users SET email_verified_at = NULL WHERE email = :email", email=email)
    return browser


def may(who: str, request: Asked) -> bool:
    """Return whether the request is declared to be for somebody like that."""
    return WHO_MAY[request.method, request.rule] in PEOPLE[who]
