"""The school that is crawled, and who crawls it."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.crawl.people import come
from tests.web.crawl.school import School, a_school

Come = Callable[[str], Browser]

on_one_engine = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
"""For what is answered before anything is read but who asks; what opens is crawled on both."""


@pytest.fixture
def school(app: Flask, sql: Sql) -> School:
    with app.app_context():
        return a_school(sql)


@pytest.fixture
def caller(app: Flask, sql: Sql) -> Come:
    """Let somebody of `PEOPLE` come, by name."""
    return lambda who: come(app, sql, who)
