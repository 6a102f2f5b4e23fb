"""Who is asking: Flask-Login over sign-ins that the server can end."""

from collections.abc import Callable
from copy import deepcopy
from functools import lru_cache
from secrets import token_hex
from time import monotonic
from typing import Any, cast

from flask import Flask, Request, current_app, flash, g, redirect, request, session, url_for
from flask import Response as FlaskResponse
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFProtect
from itsdangerous import BadSignature
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response

from lms import accounts
from lms.accounts.sessions import NOTED_EACH
from lms.accounts.sign_in import LIFETIME
from lms.config import signing_keys
from lms.db import db, now
from lms.live import Topic, version
from lms.models import Role
from lms.queries.people import SignedIn, signed_in
from lms.signatures import is_good
from lms.web import browsers, interrupted
from lms.web.addresses import this_page
from lms.web.below import prefix_of

_VIEWED = "viewed"
"""In the session: the student as whom an admin looks last, until the admin stops looking."""
_PERSON = "person"
"""In the session: whose it is, for what they send after their sign-in has ended."""
csrf = CSRFProtect()
_login = LoginManager()
_topics: dict[Any, tuple[Topic, ...]] = {}
_REMEMBERED = 1_000
"""Cookies whose signature is known to be good; whether their sign-ins still stand is read."""


class SessionUser(UserMixin):
    """The signed-in person, as Flask-Login and templates see them."""

    def __init__(self, token: str, person: SignedIn, topics: tuple[Topic, ...]) -> None:
        self._token = token
        self.id = person.id
        self.email = person.email
        self.name = person.name
        self.role = person.role
        self.version = person.version
        self.time_zone = person.time_zone
        self.topics = topics
        self.topics_version = int(person.topics_version)  # PostgreSQL sums up to a numeric
        self.unread_notices = person.unread_notices
        self.sign_in_id = person.sign_in_id
        self.viewer_id = person.viewer_id
        self.lacks_factor = person.lacks_factor
        self.calendar = person.calendar

    def get_id(self) -> str:
        """Return what the cookie holds: the token of this sign-in, not the person's id."""
        return self._token


class _Sessions(SecureCookieSessionInterface):
    """Cookies that hold a sign-in's token, for every answer but static files.

    Those are the same for all: with `Vary: Cookie` each sign-in would have them loaded again.
    """

    def __init__(self) -> None:
        self._known = lru_cache(_REMEMBERED)(self._verified)

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession:
        """Open what the cookie holds; its signature is verified once, its age each time."""
        cookie = request.cookies.get(self.get_cookie_name(app), "")
        try:
            held, signed_at = self.verified(app, cookie)
        except BadSignature:
            return self.session_class()
        if not is_good(signed_at, LIFETIME.total_seconds()):
            return self.session_class()
        return self.session_class(deepcopy(held))  # a request may change even what is in a list

    def verified(self, app: Flask, cookie: str) -> tuple[dict[str, Any], float]:
        """Return what a cookie of ours holds, and when it was signed, in seconds since 1970.

        Raises BadSignature.
        """
        return self._known(app, cookie, *signing_keys(app.config))

    def _verified(self, app: Flask, cookie: str, *_keys: str) -> tuple[dict[str, Any], float]:
        signer = self.get_signing_serializer(app)
        if signer is None:
            raise BadSignature("no SECRET_KEY")
        held, signed_at = signer.loads(cookie, return_timestamp=True)
        return held, signed_at.timestamp()

    def save_session(self, app: Flask, session: SessionMixin, response: FlaskResponse) -> None:
        if request.endpoint != "static" or response.status_code >= 400:
            super().save_session(app, session, response)


class NotAuthenticated(Exception):  # noqa: N818 - the name of its problem code
    """The caller has not signed in, or the sign-in has ended."""


class EndedAtOnce(Exception):  # noqa: N818 - somebody's doing elsewhere, and no fault
    """A sign-in has ended, by a new password, an admin or the like, in the moment it began."""


class FactorMissing(Exception):  # noqa: N818 - a person's state, and no fault
    """A second factor is required of this person, who has none: first of all it is set up."""


class ViewEnded(Exception):  # noqa: N818 - its time has come, and no fault
    """An admin asks for a student's page whose view as a student has ended by itself."""

    def __init__(self, student_id: int) -> None:
        self.student_id = student_id


class ProofNeeded(Exception):  # noqa: N818 - a request to the person, and no fault
    """What is asked for needs a fresh proof that it is still this person who asks."""


def person() -> SessionUser:
    """Return the signed-in person; only behind `require`."""
    return cast("SessionUser", current_user)


def require(role: str) -> Callable[[], None]:
    """Return a `before_request` that lets only this role in."""

    def check() -> None:
        require_anybody()
        if person().role != role:
            if role == "student" and _VIEWED in session:
                raise ViewEnded(session[_VIEWED])
            raise Forbidden(f"This page is for {role}s. Sign in with a different account.")

    return check


def require_anybody() -> None:
    """Allow anyone who is signed in, whatever their role."""
    require_signed_in()
    if person().lacks_factor:
        raise FactorMissing


def require_signed_in() -> None:
    """Allow whoever is signed in what sets up a second factor, even where one is missing."""
    if not current_user.is_authenticated:
        raise NotAuthenticated


def require_proof() -> None:
    """Allow whoever has shown lately that it is still them; raises ProofNeeded."""
    if not accounts.is_fresh(person().sign_in_id):
        raise ProofNeeded


def is_admin() -> bool:
    """Return whether an admin asks who may see what admins see."""
    if not current_user.is_authenticated:
        return False
    return person().role == "admin" and not person().lacks_factor


def read_together(view: Callable[..., Any], topics: tuple[Topic, ...]) -> None:
    """Have the statement that finds who is asking for this view read the topics' version, too."""
    _topics[view] = with_settings(topics)


def with_settings(topics: tuple[Topic, ...]) -> tuple[Topic, ...]:
    """Return the topics with that of the school's settings, of which every page shows something."""
    return (*topics, "school")


def version_of(topics: tuple[Topic, ...]) -> int:
    """Return the topics' version, as it was when the person was found."""
    user = person()
    return user.topics_version if user.topics == topics else version(db.session(), topics)


def was_signed_in() -> bool:
    """Return whether the answer may show what only the person behind a sign-in may see."""
    return "signed_in_as" in g


def begin(token: str, *, remember: bool = False) -> None:
    """Make this browser the one that the sign-in belongs to, in a session of a new identity.

    It ends with the browser, unless the person asked to be remembered. Raises EndedAtOnce.
    """
    end()
    if (user := _load(token)) is None:
        raise EndedAtOnce
    session.permanent = remember
    login_user(user)
    browsers.remember(person().id)
    session[_PERSON] = person().id
    # A form says by its token whose page it was on: see lms/web/interrupted.
    session["csrf_token"] = f"{person().id}.{token_hex(20)}"
    g.pop("csrf_token", None)


def note_view(student_id: int | None) -> None:
    """Note as whom an admin looks in this browser; None once the admin has stopped."""
    session.pop(_VIEWED, None)
    if student_id is not None:
        session[_VIEWED] = student_id


def end() -> None:
    """End the sign-in on the server, and forget all that the cookie held."""
    if current_user.is_authenticated:
        accounts.sign_out(person().get_id())
    logout_user()
    session.clear()


def sign_out() -> Response:
    """End this browser's sign-in, have it forget what it has cached, and lead to the sign-in page.

    What it is shown is not kept; what a release before that has left, goes now.
    """
    end()
    flash("You're signed out.", "success")
    answer = redirect(url_for("auth.login"), 303)
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


def signed_token(app: Flask, cookie: str) -> tuple[str | None, float]:
    """Return the token in a session's cookie, and when the cookie was signed.

    In seconds since 1970; raises BadSignature.
    """
    held, signed_at = cast("_Sessions", app.session_interface).verified(app, cookie)
    return held.get("_user_id"), signed_at


def has_ended() -> bool:
    """Return whether somebody was signed in here whose sign-in has ended without signing out."""
    return session.get(_PERSON) is not None and not current_user.is_authenticated


def home() -> str:
    """Return the address of the signed-in person's first page."""
    return url_for("admin.requests" if person().role == "admin" else "student.dashboard")


def sign_in_page() -> Response:
    """Redirect to the sign-in page and back; a live poll makes the whole page go there."""
    return leading_to(url_for("auth.login", next=_way_back(session.get(_PERSON))), 401)


def factor_page() -> Response:
    """Redirect to where a second factor is set up, and back."""
    return leading_to(url_for("auth.second_factor", next=_way_back(person().id)), 403)


def resuming_page() -> Response | None:
    """Return the way to what a page of an earlier sign-in has sent; None if nothing was typed."""
    address = interrupted.keep(person().id)
    return leading_to(address, 401) if address else None


def _way_back(user_id: int | None) -> str | None:
    """Return where to go on afterwards: to the page asked for, or to what was sent."""
    if request.method == "GET":
        return this_page()
    return interrupted.way_back(user_id)


def leading_to(address: str, status: int) -> Response:
    """Redirect to a page; a live poll, or htmx, makes the whole page go there."""
    if request.headers.get("X-Live") or request.headers.get("HX-Request"):
        return current_app.response_class(status=status, headers={"HX-Redirect": address})
    return redirect(address, 303)


def init_app(app: Flask) -> None:
    """Attach sessions and CSRF protection."""
    production = app.config["LMS_ENV"] == "production"
    prefix = prefix_of(app.config["PUBLIC_URL"])
    app.config.update(
        # `__Host-` is for whole hosts; two portals below one must not have the same cookie.
        SESSION_COOKIE_NAME=f"{('__Secure-' if prefix else '__Host-') if production else ''}portal",
        SESSION_COOKIE_PATH=prefix or "/",
        SESSION_COOKIE_SECURE=production,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=LIFETIME,
        SESSION_REFRESH_EACH_REQUEST=False,  # a cookie with each answer would void their caching
        # Programs and careful browsers send no Referer; the token is the proof, and `__Host-` keeps
        # others from planting the cookie that it belongs to.
        WTF_CSRF_SSL_STRICT=False,
        # Flask has its cookies verified by a rotated key, too; Flask-WTF has to be told.
        WTF_CSRF_SECRET_KEY=signing_keys(app.config),
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a page left open overnight still works
    )
    app.session_interface = _Sessions()
    _login.init_app(app)
    _login.session_protection = None  # a train ride changes the address; the token is the proof
    _login.user_loader(_load)
    csrf.init_app(app)

    @app.after_request
    def note_use(response: Response) -> Response:
        found = g.get("seen")
        if found and found.seen_at <= now() - NOTED_EACH and not _is_poll():
            _note_use(app, found)
        return response


def _is_poll() -> bool:
    """Return whether the request was sent by an open page or a program, and not by a person."""
    if request.headers.get("X-Live") or request.path == "/api/sync/connection":
        return True
    return request.path.startswith("/api/") and "If-None-Match" in request.headers


def _note_use(app: Flask, found: SignedIn) -> None:
    # Where nothing can be written, pages can still be read, and must not wait for that each time.
    if monotonic() < app.extensions.get("unwritable_until", 0):
        return
    role: Role = "admin" if found.viewer_id else cast("Role", found.role)
    if not accounts.note_use(found.sign_in_id, began_at=found.began_at, role=role):
        app.extensions["unwritable_until"] = monotonic() + NOTED_EACH.total_seconds()


def _load(token: str) -> SessionUser | None:
    topics = _topics.get(current_app.view_functions.get(request.endpoint or ""), ())
    required_of = current_app.config["LMS_SECOND_FACTOR"]
    found = signed_in(token, topics, factor_required_of=required_of)
    if found:
        g.signed_in_as = found.viewer_id or found.id  # even if the request ends the sign-in
        g.seen = found
        g.school_version = int(found.school_version)
        g.own_zone = found.time_zone
    return SessionUser(token, found, topics) if found else None
