"""Addresses: of this portal, where to go next, and who is calling."""

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Any
from urllib.parse import unquote, urlsplit

from flask import Flask, current_app, has_request_context, request, url_for
from werkzeug.exceptions import ServiceUnavailable

from lms.config import sends_mail

_REMEMBERED = 4_096


def init_app(app: Flask) -> None:
    """Give templates addresses that are built once.

    An address follows from the routes and its values alone, and pages are full of them.
    """
    # Not while static files are being written: their addresses name their content.
    app.jinja_env.globals["url_for"] = _remembering(app, 0 if app.debug else _REMEMBERED)


def _remembering(app: Flask, most: int) -> Callable[..., str]:
    @lru_cache(most, typed=True)
    def build(_root: str, endpoint: str, **values: Any) -> str:
        return app.url_for(endpoint, **values)

    def address(endpoint: str, **values: Any) -> str:
        # A name that begins with a dot is one of the blueprint that answers.
        if not has_request_context() or endpoint.startswith(".") or "_external" in values:
            return app.url_for(endpoint, **values)
        return build(request.script_root, endpoint, **values)

    return address


def origin() -> str:
    """Return the address of this portal as people reach it."""
    return str(current_app.config["PUBLIC_URL"] or request.url_root.rstrip("/"))


def whole(endpoint: str, **values: Any) -> str:
    """Return the whole address of a page."""
    return f"{origin().removesuffix(request.script_root)}{url_for(endpoint, **values)}"


def this_page() -> str:
    """Return the address of this page within the host."""
    return request.script_root + request.full_path.rstrip("?")


def is_mail_sent() -> bool:
    """Return whether links can be sent by e-mail; a development machine prints them."""
    return sends_mail(current_app.config)


def portal_address(endpoint: str = "home.index", **values: Any) -> str:
    """Return the whole address of a page for an e-mail; blank where production knows none."""
    try:
        return mailed(endpoint, **values)
    except ServiceUnavailable:
        return ""


def mailed(endpoint: str, **values: Any) -> str:
    """Return the whole address of a page for an e-mail; ServiceUnavailable where none is sent."""
    if not is_mail_sent():
        # The Host header is the sender's to choose: the link could lead to their site.
        raise ServiceUnavailable(
            "The portal can't send links by e-mail yet. Ask an admin for help. If you're an"
            " admin, ask whoever runs the portal to set MAIL_URL and PUBLIC_URL."
        )
    return whole(endpoint, **values)


def mailed_link(endpoint: str, **values: Any) -> Callable[[str], str]:
    """Return what makes the address of a page for an e-mail from the token of its link."""
    return lambda token: mailed(endpoint, token=token, **values)


@lru_cache(maxsize=64)  # a sender can name any number of hosts
def is_host_of(address: str, host: str) -> bool:
    """Return whether a `Host` header names the host of an address, on whichever port."""
    try:
        expected = str(urlsplit(address).hostname).encode("idna").decode()
        return urlsplit(f"//{host}").hostname == expected
    except ValueError:
        return False


def inside(target: str | None) -> str | None:
    r"""Return the address if it leads to a page of the portal, else None.

    Browsers read a backslash as a slash and drop tabs and line ends, so `/\host` and `/<tab>/host`
    would lead to another site.
    """
    if not target or len(target) > 2000 or "\\" in target or not target.isprintable():
        return None
    try:
        parts = urlsplit(target)
    except ValueError:
        return None
    if parts.scheme or parts.netloc or not target.startswith("/") or target.startswith("//"):
        return None
    if not f"{parts.path}/".startswith(f"{request.script_root}/"):
        return None
    if {".", ".."} & set(unquote(parts.path).split("/")):  # browsers leave them out, %2e too
        return None
    path = parts.path.removeprefix(request.script_root)
    return None if path in _NOT_A_PAGE or path.startswith("/api/") else target


def next_page() -> str | None:
    """Return the page of the portal that the request names as `next`: where to go afterwards."""
    return inside(request.values.get("next"))


def caller() -> str:
    """Return the address to count attempts for; of IPv6, the part a household shares."""
    address = request.remote_addr or ""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> 64 << 64))


_NOT_A_PAGE = {"/login", "/logout", "/register"}
