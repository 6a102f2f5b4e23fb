"""The status and code of each refusal: one table for pages and JSON.

A client's mistake gets a status, a code and what to do next, and changes nothing. Our own failure
is a 500: logged in full, shown without its cause. JSON clients get `application/problem+json`,
people get a page.
"""

from collections.abc import Mapping
from typing import Any

from flask import Flask, current_app, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from pydantic.alias_generators import to_camel
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFreeError
from werkzeug.exceptions import BadHost, BadRequest, HTTPException, SecurityError
from werkzeug.wrappers import Response

from lms import logs, metrics
from lms import refusals as r
from lms.outages import OutcomeUnknownError, has_no_room, is_failing, is_read_only, is_transient
from lms.postgresql import refuses_changes
from lms.web import interrupted, trace
from lms.web.session import (
    EndedAtOnce,
    FactorMissing,
    NotAuthenticated,
    factor_page,
    resuming_page,
    sign_in_page,
)

STATUS_AND_CODE: dict[type[r.Refusal], tuple[int, str]] = {
    r.NotFound: (404, "not_found"),
    r.AlreadyEnrolled: (409, "already_enrolled"),
    r.RequestPending: (409, "request_pending"),
    r.AlreadyReviewed: (409, "already_reviewed"),
    r.AlreadyUndone: (409, "already_undone"),
    r.TooLateToUndo: (409, "too_late"),
    r.NotEnrolled: (409, "not_enrolled"),
    r.CourseFull: (409, "course_full"),
    r.NotCompleted: (409, "not_completed"),
    r.RefundPending: (409, "refund_pending"),
    r.ReferenceUsed: (409, "reference_used"),
    r.KeyReused: (409, "key_reused"),
    r.SyncRunning: (409, "sync_running"),
    r.PaymentRequired: (402, "payment_required"),
    r.NotPublic: (403, "forbidden"),
    r.ApprovalRequired: (403, "forbidden"),
    r.OpenToAll: (403, "forbidden"),
    r.PaidFor: (403, "forbidden"),
    r.AddressNotConfirmed: (403, "forbidden"),
    r.Invalid: (422, "invalid"),
    r.NoRoom: (422, "no_room"),
    r.Unverified: (400, "bad_request"),
    r.RateLimited: (429, "rate_limited"),
    r.Busy: (503, "busy"),
    r.PaymentsUnavailable: (503, "payments_unavailable"),
}
_HTTP_CODES = {
    400: "bad_request",
    401: "not_authenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    412: "unsupported_version",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    429: "rate_limited",
    503: "unavailable",
}
_TITLES = {
    400: "The request couldn't be read",
    401: "Sign in to continue",
    402: "Payment required",
    403: "Not allowed",
    404: "Not found",
    405: "Not possible here",
    408: "That took too long",
    409: "Not possible right now",
    412: "Unsupported version",
    413: "Too large",
    415: "Unsupported format",
    422: "Check what you entered",
    429: "Too many attempts",
    503: "Not available right now",
}
_Unavailable = DBAPIError | OutcomeUnknownError | NoConnectionFreeError
RETRY_SECONDS = 5
"""When to ask again for what needs the database, while it is away."""
_DETAILS = {
    400: "The portal couldn't read what was sent. Go back and try again.",
    404: "This page doesn't exist. It may have been deleted, or the address may be misspelled.",
    405: "This address can't be used this way. Go back and try again.",
    408: "Your request didn't arrive in full. Check your connection and send it again.",
    413: "What you sent is larger than the portal accepts. Go back and make it smaller.",
}
"""The portal's own wording for what werkzeug words generically."""


class WrongAddress(BadRequest):
    """A visitor is at another host than the portal's own."""

    def __init__(self, public: str) -> None:
        super().__init__(
            f"Open the portal at {public}. If you run it, the proxy in front of it has to forward"
            " the Host header."
        )
        self.public = public


def status_and_code(refusal: type[r.Refusal]) -> tuple[int, str]:
    """Return the status and code of a refusal."""
    for known in refusal.__mro__:
        if known in STATUS_AND_CODE:
            return STATUS_AND_CODE[known]
    return 409, "conflict"


def init_app(app: Flask) -> None:
    """Answer every error in the form that the caller reads."""
    app.register_error_handler(r.Refusal, _refused)
    app.register_error_handler(NotAuthenticated, _signed_out)
    app.register_error_handler(EndedAtOnce, _ended_at_once)
    app.register_error_handler(FactorMissing, _factor_missing)
    app.register_error_handler(CSRFError, _expired_form)
    app.register_error_handler(WrongAddress, _elsewhere)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(DBAPIError, _unavailable)
    app.register_error_handler(OutcomeUnknownError, _unavailable)
    app.register_error_handler(NoConnectionFreeError, _unavailable)
    app.register_error_handler(Exception, _failed)


def wants_json() -> bool:
    """Return whether the caller is a JSON client, or sends an upload, rather than a person."""
    return f"{request.path}/".startswith("/api/") or "Tus-Resumable" in request.headers


def answer(
    status: int,
    code: str,
    detail: str,
    *,
    title: str = "",
    template: str = "error.html",
    shown: Mapping[str, Any] | None = None,
    **extra: Any,
) -> Response:
    """Return an error as problem+json or as a page, by who is asking.

    `shown` is what the template shows besides, or instead.
    """
    title = title or _TITLES.get(status, "Something went wrong")
    metrics.count_refusal(code)
    if wants_json():
        response = jsonify(title=title, status=status, detail=detail, code=code, **extra)
        response.mimetype = "application/problem+json"
    else:
        home = [("Go to the home page", f"{request.script_root}/")]
        told = {"status": status, "title": title, "detail": detail, "ways_out": home}
        # Who is asking is not asked of a database that may be what failed.
        render = _render_bare if status >= 500 else render_template
        response = current_app.make_response(render(template, **{**told, **(shown or {})}))
    response.status_code = status
    return response


def _render_bare(template: str, **shown: Any) -> str:
    """Return a page without what Flask's extensions add to all of them."""
    return current_app.jinja_env.get_template(template).render(**shown)


def expired() -> Response:
    """Answer a form whose token has expired, and which can't come back filled in."""
    detail = "Go back, reload the page and try again."
    return answer(400, "bad_request", detail, title="This form has expired")


def too_many(page: ResponseReturnValue, refusal: r.RateLimited) -> Response:
    """Answer with a page that says so, and when to try again."""
    trace.limited(refusal.limit)
    response = current_app.make_response(page)
    response.status_code = 429
    response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _refused(error: r.Refusal) -> Response:
    if isinstance(error, r.Unverified):
        trace.refused("signature")
    if isinstance(error, r.RateLimited):
        return too_many(answer(*status_and_code(type(error)), error.detail), error)
    status, code = status_and_code(type(error))
    extra: dict[str, Any] = {}
    if isinstance(error, r.Invalid):
        extra["errors"] = {to_camel(error.field): [error.detail]}
    if isinstance(error, r.AlreadyReviewed):
        extra |= {
            "decidedBy": error.decided_by,
            "decidedAt": error.decided_at.isoformat().replace("+00:00", "Z"),
            "decision": error.decision,
        }
    response = answer(status, code, error.detail, **extra)
    if isinstance(error, r.Busy):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _signed_out(_error: NotAuthenticated) -> Response:
    if wants_json():
        return answer(401, "not_authenticated", "Sign in first. Your session may have ended.")
    return sign_in_page()


def _ended_at_once(_error: EndedAtOnce) -> Response:
    flash("Your account has just changed, so you were signed out. Sign in again.", "warning")
    return redirect(url_for("auth.login"), 303)


def _factor_missing(_error: FactorMissing) -> Response:
    trace.refused("second factor missing")
    if wants_json():
        detail = "This school requires a second factor. Set one up at /profile/second-factor first."
        return answer(403, "forbidden", detail)
    return factor_page()


def _expired_form(_error: CSRFError) -> Response:
    trace.refused("csrf")
    if wants_json():
        detail = "Send the csrfToken from GET /api/session in the X-CSRFToken header."
        return answer(403, "forbidden", detail)
    if not current_user.is_authenticated:  # the token has gone with the session
        return sign_in_page()
    # The person has signed in anew, in another tab, since the page was opened.
    return resuming_page() or expired()


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    if error.response is not None or status < 400:  # a redirect, or an answer made elsewhere
        return error.get_response()
    if isinstance(error, (BadHost, SecurityError)) and not wants_json():
        return error.get_response()  # the Host is no host: no page of ours could link to anything
    code = _HTTP_CODES.get(status, "internal_error" if status >= 500 else "bad_request")
    own_words = error.description != type(error).description
    detail = error.description if own_words else _DETAILS.get(status, error.description)
    response = answer(status, code, detail or "")
    for name, value in error.get_headers():
        if name not in {"Content-Type", "Content-Length"}:
            response.headers.setdefault(name, value)
    return response


def _elsewhere(error: WrongAddress) -> Response:
    # The home page would be that of the same wrong host.
    shown = {"ways_out": [("Go to the portal", error.public)]}
    title = "This isn't the portal's address"
    return answer(400, "bad_request", error.description or "", title=title, shown=shown)


def _unavailable(error: _Unavailable) -> Response:
    """Answer that the database can't be reached, or not be changed, with what was typed kept."""
    if isinstance(error, DBAPIError) and not _is_outage(error):
        return _failed(error)
    logs.warn("the database can't be used", error=type(error).__name__)
    if isinstance(error, NoConnectionFreeError):
        metrics.count_full(request.url_rule.rule if request.url_rule else "none")
    form = None if wants_json() else interrupted.unsent()
    detail = _state_of(error, kept=form is not None)
    shown = {"form": form, "typed": interrupted.labelled(form.fields) if form else []}
    response = answer(503, "unavailable", detail, template="unavailable.html", shown=shown)
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _is_outage(error: DBAPIError) -> bool:
    if has_no_room(error) or is_failing(error) or is_read_only(error):
        # Somebody has to look into it; what the database says of its disk holds nobody's data.
        current_app.logger.error("the database's disk: %s", error.orig)
        return True
    return is_transient(error)


def _state_of(error: _Unavailable, *, kept: bool) -> str:
    if isinstance(error, OutcomeUnknownError):
        return (
            "The connection to the database was lost while your change was being saved. Check"
            " whether it was saved before you send it again."
        )
    if isinstance(error, NoConnectionFreeError):
        state = "The portal is overloaded right now."
    elif has_no_room(error):
        again = (
            "What you sent is kept below: send it again"
            if kept
            else "Tell whoever runs the portal, and try again"
        )
        return (
            "The portal is read-only for now: its disk is full, so nothing can be saved."
            f" {again} once there is room."
        )
    elif is_failing(error):
        state = "The portal can't reach its data right now."
    elif refuses_changes(error.orig) or is_read_only(error):
        state = "The portal is read-only for now: nothing can be changed."
    else:
        state = "The portal can't reach its database right now."
    again = "What you sent is kept below: send it again" if kept else "Try again"
    return f"{state} {again} in a few seconds."


def _failed(error: Exception) -> Response:
    current_app.logger.error("unhandled error", exc_info=error)
    # Many a verb commits step by step, and what Stripe was asked for may have happened.
    wrote = request.method not in {"GET", "HEAD"}
    next_step = "check what was saved before you try again" if wrote else "try again"
    detail = f"Something went wrong on our end. Please {next_step}."
    return answer(500, "internal_error", detail)
