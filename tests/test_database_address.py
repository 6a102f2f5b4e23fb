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
    ("written", "user", "password"),
    [
        ("user:pa/ss@host/lms", "user", "pa/ss"),
        ("user:pa?ss@host:5433/lms", "user", "pa?ss"),
        ("user:p@ss@host/lms?sslmode=require", "user", "p@ss"),
        ("user:p@ss@one,two/lms", "user", "p@ss"),
        ("user:/a@@[::1]:5433/lms", "user", "/a@"),
        ("user:1/2@host/lms", "user", "1/2"),
        ("user:p@s/s@host/lms", "user", "p@s/s"),
        ("user:p@s/s?@host:5433/lms?sslmode=require", "user", "p@s/s?"),
        ("user:a?b=c@host/lms", "user", "a?b=c"),
        ("user:a:b#c d@host/lms", "user", "a:b#c d"),
        ("user:p%40s+s%25@host/lms", "user", "p@s+s%"),
        ("user@tenant:word@host/lms", "user@tenant", "word"),
        ("user@tenant@host/lms", "user@tenant", None),
        ("user:word@host/lms?options=-c%20a=b@c", "user", "word"),
        ("user@host:5433/lms?options=-c%20a=b@c", "user", None),
        ("host:5433/lms?user=user@tenant&password=p@ss", "user@tenant", "p@ss"),
        ("one:5433,two/lms?user=user&password=p@ss", "user", "p@ss"),
        ("/lms?host=one&user=user&password=p@ss", "user", "p@ss"),
        ("?host=one&dbname=lms&user=user&password=p@ss", "user", "p@ss"),
    ],
)
def test_user_and_password_are_what_stands_before_the_host(
    written: str, user: str, password: str | None
) -> None:
    found = _arguments(f"postgresql://{written}")
    assert (found["user"], found.get("password")) == (user, password)
    assert found["dbname"] == "lms"
    again = checked(written_out(checked(f"postgresql://{written}")))
    assert again == checked(f"postgresql://{written}")


@pytest.mark.parametrize(
    "written",
    [
        "postgresql://u:hidden@host/lms",
        "postgresql://u@tenant:hidden@host:port/lms",
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


def test_a_database_may_have_any_sign_in_its_name() -> None:
    assert _arguments("postgresql://u:p@host/lms@home")["dbname"] == "lms@home"
    assert _arguments("postgresql://u:p@host/lms/home?sslmode=require")["dbname"] == "lms/home"


def _arguments(written: str) -> dict[str, object]:
    """Return what the driver is given."""
    engine = create_engine(checked(written))
    _, arguments = engine.dialect.create_connect_args(engine.url)
    return {key: value for key, value in arguments.items() if key != "context"}
