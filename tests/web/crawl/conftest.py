"""The school that is crawled, and who crawls it."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from tests.conftest import Sql, raw
from tests.databases import Server
from tests.web.browser import Browser
from tests.web.crawl.people import come
from tests.web.crawl.school import School, a_school

Come = Callable[[str], Browser]

on_one_engine = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
"""For what is answered before anything is read but who asks; what opens is crawled on both."""


@pytest.fixture
def filled(server: Server) -> Iterator[tuple[str, School]]:
    """The address of a school that is built once for all crawls on this engine."""
    with server.filled(_school) as lent:
        yield lent


@pytest.fixture
def database_url(filled: tuple[str, School]) -> str:
    return filled[0]


@pytest.fixture
def school(app: Flask, filled: tuple[str, School]) -> School:
    return filled[1]


def _school(app: Flask) -> School:
    return a_school(raw(app))


@pytest.fixture
def caller(app: Flask, sql: Sql) -> Come:
    """Let somebody of `PEOPLE` come, by name."""
    return lambda who: come(app, sql, who)
