"""Browsers: of nobody, of a student and of an admin, each on both database engines."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from lms import accounts
from lms.db import db
from lms.demo.stripe import StripeStandIn
from lms.models import Role
from tests.authenticator import Passkey
from tests.builders import a_course
from tests.statements import Statement, sent_to
from tests.web.browser import PASSWORD, Browser
from tests.web.factors import HOST

STRIPE_SECRET = "whsec_of_the_tests"
_numbers = count(1)

AddPerson = Callable[..., int]
Act = Callable[..., Any]
Statements = Callable[[], AbstractContextManager[list[Statement]]]


@pytest.fixture
def add_person(app: Flask) -> AddPerson:
    """Open an account as `flask users create` does, and return its id."""

    def add(email: str, *, name: str = "Somebody", role: Role = "student") -> int:
        with app.app_context():
            return accounts.create_account(email=email, name=name, password=PASSWORD, role=role)

    return add


@pytest.fixture
def browser(app: Flask) -> Browser:
    """A browser in which nobody has signed in."""
    return Browser(app)


@pytest.fixture
def student(app: Flask, add_person: AddPerson) -> Browser:
    """The browser of Sam Student, sam@example.org."""
    add_person("sam@example.org", name="Sam Student")
    browser = Browser(app)
    browser.sign_in("sam@example.org")
    return browser


@pytest.fixture
def admin(app: Flask, add_person: AddPerson) -> Browser:
    """The browser of Ada Admin, ada@example.org."""
    add_person("ada@example.org", name="Ada Admin", role="admin")
    browser = Browser(app)
    browser.sign_in("ada@example.org")
    return browser


@pytest.fixture
def act(app: Flask) -> Act:
    """Call a verb, a query or a builder as something that happens elsewhere meanwhile."""

    def call(what: Callable[..., Any], *args: Any, **values: Any) -> Any:
        with app.app_context():
            return what(*args, **values)

    return call


@pytest.fixture
def statements(app: Flask) -> Statements:
    """List the SQL statements that are sent while a block runs."""

    with app.app_context():
        engine = db.engine
    return lambda: sent_to(engine)


@pytest.fixture
def cost(student: Browser, statements: Statements) -> Callable[[], int]:
    """Return how many statements a page of the student's takes."""

    def counted() -> int:
        with statements() as sent:
            student.get("/student/notices")
        return len(sent)

    return counted


def account_of_its_own(role: Role = "student") -> str:
    """Open an account that no other test has, and return its address."""
    email = f"person{next(_numbers)}@example.org"
    accounts.create_account(email=email, name="Somebody", password=PASSWORD, role=role)
    return email


@pytest.fixture
def passkey() -> Passkey:
    """A key at the address that tests use."""
    return Passkey(rp_id=HOST, origin=f"http://{HOST}")


@pytest.fixture
def stripe(app: Flask, tmp_path: Path) -> Iterator[StripeStandIn]:
    """Stripe, as the portal's settings name it."""
    with StripeStandIn(tmp_path / "stripe", webhook_secret=STRIPE_SECRET) as stand_in:
        app.config["STRIPE_SECRET_KEY"] = stand_in.key
        app.config["STRIPE_API_BASE"] = stand_in.url
        app.config["STRIPE_WEBHOOK_SECRET"] = STRIPE_SECRET
        yield stand_in


@pytest.fixture
def course(act: Act) -> int:
    """A course that is for sale."""
    course: int = act(a_course, "Bread & Butter", price_cents=4900)
    return course
