"""Whether the processor's time tells a known address from an unknown one, on the pages that ask.

`make bench ARGS=known`. The medians of both may differ by a tenth; beside them stands how long the
answer took, which a stranger can measure. Passwords are hashed as in production.
"""

import tempfile
import time
from collections.abc import Callable
from itertools import count
from statistics import median

import flask_migrate
from flask import Flask

from lms import accounts, create_app
from tests.databases import settings
from tests.web.browser import PASSWORD, Browser

ROUNDS = 30
MOST_APART = 0.10
_numbers = count(1)


def main() -> bool:
    """Print both medians of each page; return whether none tells anything."""
    with tempfile.TemporaryDirectory(prefix="lms-known-") as folder:
        as_in_production = {"LMS_CHEAP_HASHES": False, "LMS_LOGIN_LIMIT": "1000000 per minute"}
        app = create_app({**settings(f"sqlite:///{folder}/known.db"), **as_in_production})
        with app.app_context():
            flask_migrate.upgrade()
        apart = [_measured(app, page, form) for page, form in _PAGES.items()]
    return max(apart) <= MOST_APART


def _measured(app: Flask, page: str, form: Callable[[str], dict[str, str]]) -> float:
    processor: dict[bool, list[float]] = {True: [], False: []}
    clock: dict[bool, list[float]] = {True: [], False: []}
    for number in range(2 * ROUNDS + 4):
        is_known = bool(number % 2)
        email = f"person{next(_numbers)}@example.org"
        if is_known:
            with app.app_context():
                accounts.create_account(email=email, name="Kim", password=PASSWORD)
        browser = Browser(app)
        browser.environ_base["REMOTE_ADDR"] = f"10.0.{number}.1"  # each has a limit
        token = browser.csrf_token()
        began, used = time.perf_counter(), time.process_time()
        answer = browser.post(page, data={"csrf_token": token, **form(email)})
        if number >= 4:  # the first ones load what all others find loaded
            processor[is_known].append(time.process_time() - used)
            clock[is_known].append(time.perf_counter() - began)
        assert answer.status_code in {303, 422}, answer.status_code
    known, unknown = (median(processor[is_known]) for is_known in (True, False))
    apart = abs(known - unknown) / max(known, unknown)
    waits = [1000 * median(clock[is_known]) for is_known in (True, False)]
    print(
        f"{page:10} known {1000 * known:6.1f} ms, unknown {1000 * unknown:6.1f} ms of processor"
        f" ({100 * apart:.0f} % apart); answered after {waits[0]:.0f} and {waits[1]:.0f} ms"
    )
    return apart


_PAGES: dict[str, Callable[[str], dict[str, str]]] = {
    "/login": lambda email: {"email": email, "password": "not the right one"},
    "/register": lambda email: {"email": email, "name": "Kim", "password": PASSWORD},
    "/forgot": lambda email: {"email": email},
}
