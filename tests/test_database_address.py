"""Addresses of databases: one meaning in every spelling, and no password in what is said."""

import pytest
from sqlalchemy import create_engine

from lms.database_address import checked, masked, shown, written_out

TWO = {"host": "one,two", "port": "5433,5434", "dbname": "lms"}


@pytest.mark.parametrize(
    "written",
    [
        "postgresql://one:5433,two:5434/lms",
        "postgres://one:5433,two:5434/lms",
        "postgresql+psycopg://one:5433,two:5434/lms",
        "postgresql:///lms?host=one:5433&host=two:5434",
        "postgresql+psycopg://@/lms?host=one:5433,two:5434",
        "postgresql:///lms?host=one,two&port=5433,5434",
        "postgresql:///lms?host=one&host=two&port=5433&port=5434",
    ],
)
def test_several_servers_are_the_same_in_every_spelling(written: str) -> None:
    assert _arguments(written) == TWO
    assert checked(written_out(checked(written))) == checked(written)


@pytest.mark.parametrize(
    ("written", "hosts", "ports"),
    [
        ("postgresql://one,two/lms", "one,two", "5432,5432"),
        ("postgresql://one,two:5433/lms", "one,two", "5432,5433"),  # as PostgreSQL's programs do
        ("postgresql://[::1]:5433,[fe80::2]/lms", "::1,fe80::2", "5433,5432"),
        ("postgresql:///lms?host=one,two&port=5433", "one,two", "5433,5433"),
        ("postgresql:///lms?host=/run/one&port=5433", "/run/one", "5433"),
        ("postgresql://%2Frun%2Fone/lms", "/run/one", None),
        ("postgresql://other/lms?host=one,two", "one,two", "5432,5432"),
        ("postgresql:///lms?host=one:5433", "one", "5433"),
    ],
)
def test_hosts_and_ports_are_those_of_libpq(written: str, hosts: str, ports: str | None) -> None:
    found = _arguments(written)
    assert (found["host"], found.get("port")) == (hosts, ports)


def test_the_parameters_of_an_address_reach_the_driver() -> None:
    found = _arguments("postgresql://u:p%40ss@one,two/lms?target_session_attrs=read-write")
    assert found["target_session_attrs"] == "read-write"
    assert (found["user"], found["password"]) == ("u", "p@ss")


@pytest.mark.parametrize(
    "written",
    [
        "postgresql://u:hidden@host/lms",
        "postgresql://u:hidden@one,two/lms",
        "postgresql://u@host/lms?password=hidden",
        "postgresql://u@host/lms?sslmode=require&sslpassword=hidden",
        "mysql://u:hidden@host/lms",
        "postgresql://u:hid/den@host:port/lms",
        "postgresql://u:hidden:hidden@hidden@host:port/lms",
    ],
)
def test_no_password_is_shown(written: str) -> None:
    assert not {"hid", "den", "hidden"} & set(masked(written).replace("/", ":").split(":"))
    assert "hidden" not in masked(written)


def test_no_password_is_shown_of_an_address_that_is_understood() -> None:
    for written in ("u:hidden@host/lms", "u:hidden@one,two/lms", "u@host/lms?password=hidden"):
        assert "hidden" not in shown(checked(f"postgresql://{written}"))


def _arguments(written: str) -> dict[str, object]:
    """Return what the driver is given."""
    engine = create_engine(checked(written))
    _, arguments = engine.dialect.create_connect_args(engine.url)
    return {key: value for key, value in arguments.items() if key != "context"}
