"""What lines of the log have in common within a request, and the refusals among them."""

import re
import secrets
from ipaddress import IPv6Address, ip_address, ip_network

from flask import Flask, g, has_request_context, request
from werkzeug.wrappers import Response

from lms import logs

HEADER = "X-Request-ID"
_WELL_FORMED = re.compile(r"[A-Za-z0-9._=:/+-]{1,128}")
_REASONS = {403: "forbidden", 429: "too many"}


def init_app(app: Flask) -> None:
    """Name every request, and write a line about each that is refused."""
    app.jinja_env.globals["request_id"] = request_id

    @app.after_request
    def trace(response: Response) -> Response:
        response.headers[HEADER] = request_id()
        reason = g.get("refused_because") or _REASONS.get(response.status_code)
        # A sign-in that met the limit has a line of its own already.
        if reason and (request.endpoint, reason) != ("auth.login", _REASONS[429]):
            logs.tell(
                "refused",
                status=response.status_code,
                reason=reason,
                method=request.method,
                # Not the address: the links in e-mails are secrets.
                route=request.url_rule.rule if request.url_rule else "",
                **({"limit": g.limit} if g.get("limit") else {}),
            )
        return response


def refused(reason: str) -> None:
    """Note why this request is refused, where its status does not say so."""
    g.refused_because = reason


def limited(limit: str) -> None:
    """Note that this request is refused by a limit, and by which."""
    refused(_REASONS[429])
    g.limit = limit


def request_id() -> str:
    """Return the id of this request: the one it came with, or a new one."""
    if "request_id" not in g:
        g.request_id = identify(request.headers.get(HEADER))
    return str(g.request_id)


def identify(given: str | None) -> str:
    """Return the given id if it is well-formed, else a new one."""
    return given if given and _WELL_FORMED.fullmatch(given) else secrets.token_hex(8)


def about() -> dict[str, object]:
    """Return what every line written in a request says of it."""
    if not has_request_context():
        return {}
    known: dict[str, object] = {"request_id": request_id(), "address": network(request.remote_addr)}
    if "signed_in_as" in g:  # never asked for: a line must not cost a statement
        known["actor"] = g.signed_in_as
    return known


def network(address: str | None) -> str:
    """Return the part of an address that many share: /24, or /48 of IPv6."""
    try:
        parsed = ip_address((address or "").partition("%")[0])
    except ValueError:
        return ""
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ip_network((parsed, 48), strict=False))
        parsed = parsed.ipv4_mapped
    return str(ip_network((parsed, 24), strict=False))
