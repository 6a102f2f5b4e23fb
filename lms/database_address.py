"""The address of a database: whatever its spelling, everything that connects reads the same.

PostgreSQL's programs write several servers as `postgresql://h1:5432,h2:5432/db`, SQLAlchemy as
`postgresql:///db?host=h1:5432&host=h2:5432`; both become libpq's `host=h1,h2` and `port=5432,5432`.
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote

from psycopg.pq import Conninfo
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

POSTGRESQL_PORT = 5432
_POSTGRESQL = re.compile(r"(postgres(?:ql)?(?:\+\w+)?)://(.*)", re.DOTALL)
_ENDS_USER = re.compile(r"@(?=[^/?@]*(?:/(?:[^/?]*|[^?@]*))?(?:\?[\w.-]+=|\??\Z))")
"""The first @ after which all reads as hosts, a database and a query: a password may have any sign
as it is, even those that end it elsewhere.
"""
_IS_QUERY = re.compile(r"[^/?]*:\d*(?:,[^/?:]*)*(?:/[^?]*)?\?\w+=")
"""How an address goes on that has no user: an @ is part of its parameters."""
_PORT = re.compile(r"(.*?)(?::([^:\]]*))?", re.DOTALL)
_Query = dict[str, str | tuple[str, ...]]
_ONE_OF = {
    "target_session_attrs": {
        *("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
    },
    "sslmode": {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"},
    "load_balance_hosts": {"disable", "random"},
}
_NUMBERS = {
    *("connect_timeout", "tcp_user_timeout"),
    *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
}
_SECRETS = {"password", "sslpassword", "oauth_client_secret"}
_BEFORE_AT = re.compile(r"(?<=://)([^/?#:\s]*):.*@", re.DOTALL)
_IN_QUERY = re.compile(rf"(?<=[?&])({'|'.join(sorted(_SECRETS))})=[^&\s]*", re.IGNORECASE)


def parsed(written: str) -> URL:
    """Return what an address means; raises ValueError, which says what it is or must be."""
    try:
        found = _POSTGRESQL.fullmatch(written)
        return _server(*found.groups()) if found else make_url(written)
    except (ArgumentError, TypeError):
        raise ValueError("is not a database address") from None


def checked(written: str) -> URL:
    """Return what an address of a portal's database means; raises ValueError as `parsed` does."""
    url = parsed(written)
    if url.drivername not in {"sqlite", "postgresql+psycopg"}:
        raise ValueError("must start with sqlite:/// or postgresql://")
    if url.drivername == "sqlite" and url.database in {None, "", ":memory:"}:
        raise ValueError("must name a file: workers can't share an in-memory database")
    if url.drivername == "sqlite" and url.query:
        raise ValueError("must end with the SQLite file name")
    if url.drivername != "sqlite":
        _refuse_wrong_parameters(url.query)
    return url


def known_parameters() -> set[str]:
    """Return what may stand in the query of a PostgreSQL address: what libpq knows."""
    return {each.keyword.decode() for each in Conninfo.get_defaults()}


def written_out(url: URL) -> str:
    """Return the address with its password: for whatever connects, never to be shown."""
    return url.render_as_string(hide_password=False)


def shown(url: URL) -> str:
    """Return the address as people may read it: without any secret."""
    return masked(url.render_as_string(hide_password=True))


def masked(written: str) -> str:
    """Return an address, which may be none, without what may be a secret."""
    return _IN_QUERY.sub(r"\1=***", _BEFORE_AT.sub(r"\1:***@", written))


def _server(scheme: str, written: str) -> URL:
    user, password, after = _with_user(written)
    places = re.split(r"[/?]", after, maxsplit=1)[0]
    bare = make_url(f"{scheme}:///{after.removeprefix(places).removeprefix('/')}")
    if bare.drivername in {"postgresql", "postgres"}:
        bare = bare.set(drivername="postgresql+psycopg")
    bare = bare.set(username=user, password=password, database=bare.database or None)
    query: _Query = dict(bare.query)
    asked_hosts, asked_ports = query.pop("host", ()), query.pop("port", ())
    if not asked_hosts and "," not in places:
        host, port = _place(places)
        if not asked_ports and not host.startswith("%"):
            return bare.set(host=host.strip("[]") or None, port=int(port) if port else None)
    hosts = [_place(each) for each in _each(asked_hosts or places) or [""]]
    ports = [_port(each) for each in _each(asked_ports)]
    if len(ports) > 1 and len(ports) != len(hosts):
        raise ValueError(f"names {len(hosts)} hosts, but {len(ports)} ports")
    ports *= len(hosts) if len(ports) == 1 else 1
    given = zip(hosts, ports or [""] * len(hosts), strict=True)
    pairs = [(host, own or port) for (host, own), port in given]
    return bare.set(host=None, port=None, query=query | _listed(pairs))


def _with_user(written: str) -> tuple[str | None, str | None, str]:
    """Return user and password, and what follows them."""
    end = _ENDS_USER.search(written)
    if end is None:
        return None, None, written
    before, after = written[: end.start()], written[end.end() :]
    user, colon, password = before.partition(":")
    if "/" in user or "?" in user or _IS_QUERY.match(before):
        return None, None, written
    return unquote(user) if before else None, unquote(password) if colon else None, after


def _listed(pairs: list[tuple[str, str]]) -> _Query:
    """Return hosts and ports as libpq lists them."""
    hosts, ports = zip(*pairs, strict=True)
    listed = {"host": ",".join(unquote(host.strip("[]")) for host in hosts)}
    if len(pairs) > 1 or any(ports):
        listed["port"] = ",".join(port or str(POSTGRESQL_PORT) for port in ports)
    return {key: value for key, value in listed.items() if value}


def _each(listed: str | tuple[str, ...]) -> list[str]:
    """Return what stands between commas, or in several parameters of one name."""
    whole = listed if isinstance(listed, str) else ",".join(listed)
    return whole.split(",") if whole else []


def _place(written: str) -> tuple[str, str]:
    """Return host and port, either of which may be blank; the path of a socket has no port."""
    if written.startswith("/") or (written.count(":") > 1 and not written.startswith("[")):
        return written, ""
    found = _PORT.fullmatch(written)
    return (found[1], _port(found[2] or "")) if found else (written, "")


def _port(written: str) -> str:
    is_number = written.isascii() and written.isdigit() and len(written) < 6
    if written and not (is_number and 0 < int(written) < 65_536):
        raise ValueError("has a port that isn't a number from 1 to 65535")
    return written


def _refuse_wrong_parameters(query: Mapping[str, str | tuple[str, ...]]) -> None:
    if unknown := query.keys() - known_parameters():
        raise ValueError(f"has a parameter that PostgreSQL doesn't know: {min(unknown)}")
    for key, value in query.items():
        if isinstance(value, tuple):
            raise ValueError(f"has {key} more than once")  # noqa: TRY004 - about what it says
        if key in _ONE_OF and value not in _ONE_OF[key]:
            raise ValueError(f"must have {key} as one of {', '.join(sorted(_ONE_OF[key]))}")
        if key in _NUMBERS and not (value.isascii() and value.isdigit() and len(value) < 9):
            raise ValueError(f"must have {key} as a whole number")
