"""Headers of every answer, and who may keep it."""

from collections.abc import Iterable
from functools import cache
from typing import cast
from urllib.parse import urlsplit

from flask import Flask, current_app, g, request
from flask import Response as FlaskResponse
from flask_compress import Compress
from werkzeug.exceptions import BadRequest, RequestTimeout, UnsupportedMediaType
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response

from lms import logs
from lms.web import static
from lms.web.addresses import is_host_of
from lms.web.below import FOREIGN, Below
from lms.web.errors import WrongAddress, wants_json
from lms.web.sent_files import FileBody
from lms.web.session import was_signed_in

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",  # Bootstrap draws its form controls with data: images
        "font-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "form-action 'self' {checkout}",  # 'Buy' is a form that ends on Stripe's page
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
NOT_KEPT = "private, no-store"
"""For what one person is shown: on a shared computer the next one must not find it."""
CHECKOUT = "https://checkout.stripe.com"
LATE = "lms.late"
"""In the environment of a request whose body did not arrive in time."""
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host")
MAX_BODY = 1_000_000
WATCHED = {"/healthz", "/metrics", "/api/sync/health"}
"""Asked by monitors, which know a process by its own address; none redirects anywhere."""


def init_app(app: Flask) -> None:
    """Add the headers, and refuse bodies that no form of ours can have."""
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_BODY
    app.wsgi_app = Below(app.wsgi_app, app.config["PUBLIC_URL"])  # type: ignore[method-assign, assignment]
    if proxies := app.config["TRUSTED_PROXIES"]:
        # Only when configured: without a proxy in front, anyone can send these headers.
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # Flask's own way to wrap it
            app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies, x_prefix=proxies
        )
    elif app.config["LMS_ENV"] == "production":
        app.before_request(_warn_of_untrusted_proxy)

    app.before_request(_refuse_foreign_host)
    app.before_request(_refuse_late)
    app.before_request(_refuse_json_forms)

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in headers(app).items():
            response.headers.setdefault(name, value)
        _add_frames(response)
        _say_who_may_keep(response)
        return response

    _compress(app)

    @app.after_request
    def read_file(response: Response) -> Response:
        if request.endpoint == "static" and response.status_code == 200:
            response.direct_passthrough = False
            response.make_sequence()  # as a stream it would not be compressed for all, nor closed
        return response


def allow_frames(origins: Iterable[str]) -> None:
    """Let the page of this answer show players from these origins, and from no others."""
    g.frames = {*g.get("frames", ()), *origins}


def headers(app: Flask) -> dict[str, str]:
    """Return the headers that every answer carries."""
    is_production = app.config["LMS_ENV"] == "production"
    return _headers(app.config["STRIPE_API_BASE"] or CHECKOUT, is_production=is_production)


def _say_who_may_keep(response: Response) -> None:
    if request.endpoint == "static" and response.status_code < 400:
        response.headers["Cache-Control"] = static.cache_control()
    elif response.headers.get("Cache-Control") != static.FOR_GOOD:
        # Polls too: what they bring is kept by our own script, as long as its page is open.
        kept = NOT_KEPT if was_signed_in() or wants_json() else "private, no-cache"
        response.headers.setdefault("Cache-Control", kept)
        response.vary.add("Cookie")


def _add_frames(response: Response) -> None:
    if frames := g.get("frames"):
        response.headers["Content-Security-Policy"] += f"; frame-src {' '.join(sorted(frames))}"


@cache
def _headers(stripe: str, *, is_production: bool) -> dict[str, str]:
    base = urlsplit(stripe)
    # A stand-in for Stripe's interface may show Stripe's own page, or one beside itself.
    checkouts = dict.fromkeys((f"{base.scheme}://{base.netloc}", CHECKOUT))
    fixed = {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY.format(checkout=" ".join(checkouts)),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
    if is_production:
        fixed["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return fixed


def _compress(app: Flask) -> None:
    app.config["COMPRESS_LEVEL"] = 3  # half the time of 6, for a seventh more bytes
    app.config["COMPRESS_BR_LEVEL"] = 5
    app.config["COMPRESS_REGISTER"] = False
    pages = Compress(app)
    # What every page loads is a fifth smaller than by zstd, which is quicker, and sent once.
    app.config["COMPRESS_ALGORITHM"] = ["br", "zstd", "gzip", "deflate"]
    files = Compress(app)

    # These run in the opposite order: read, compress, then the headers of what is sent.
    @app.after_request
    def compress_answer(response: Response) -> Response:
        if isinstance(response.response, FileBody):  # it leaves from the disk, as it is
            return response
        compress = files if request.endpoint == "static" else pages
        return cast("Response", compress.after_request(cast("FlaskResponse", response)))


def _warn_of_untrusted_proxy() -> None:
    """Say once per process that a proxy seems to be in front of a portal that knows of none.

    All who come through it would be one address, and share its limits.
    """
    known = current_app.extensions
    if "untrusted_proxy" not in known and any(name in request.headers for name in _FORWARDED):
        known["untrusted_proxy"] = True
        logs.warn("a proxy seems to be in front of the portal: set TRUSTED_PROXIES")


def _refuse_foreign_host() -> None:
    """Refuse a Host that is not PUBLIC_URL's, before any redirect or link can name it."""
    public = current_app.config["PUBLIC_URL"]
    if FOREIGN in request.environ:
        at = f"This portal's address is {public}. " if public else ""
        raise BadRequest(f"{at}The proxy in front of the portal names another X-Forwarded-Prefix.")
    if public and request.path not in WATCHED and not is_host_of(public, request.host):
        raise WrongAddress(public)


def _refuse_late() -> None:
    if LATE in request.environ:
        raise RequestTimeout


def _refuse_json_forms() -> None:
    # FlaskForm takes JSON for a form, and fails on most shapes that JSON can have.
    if request.is_json and request.method == "POST" and not request.path.startswith("/api/"):
        raise UnsupportedMediaType("Pages accept forms. Send JSON to the addresses under /api/.")
