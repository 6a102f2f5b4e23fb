"""The mark of a browser that has signed in before: its tries at a password are its own.

It lets nobody in and is no session. So it stays after signing out, and when the password changes;
with the account it means nothing any more, since ids are never used again.
"""

import secrets

from flask import after_this_request, current_app, request
from itsdangerous import BadData
from werkzeug.wrappers import Response

from lms.web.signing import serializer

LONGEST = 400 * 86_400
"""In seconds; browsers keep no cookie longer."""
_PURPOSE = "known-browser"
_MOST_ACCOUNTS = 8
"""A computer that many share remembers the latest."""


def marks() -> dict[int, str]:
    """Return the marks of this browser by the accounts that have signed in with it."""
    try:
        held = serializer(_PURPOSE).loads(request.cookies.get(_cookie(), ""), max_age=LONGEST)
    except BadData:
        return {}
    return {int(user_id): str(mark) for user_id, mark in held}


def remember(user_id: int) -> None:
    """Mark this browser as one that the account has signed in with."""
    known = marks()
    mark = known.pop(user_id, None) or secrets.token_urlsafe(12)
    held = [*known.items(), (user_id, mark)][-_MOST_ACCOUNTS:]

    @after_this_request
    def keep(response: Response) -> Response:
        response.set_cookie(
            _cookie(),
            str(serializer(_PURPOSE).dumps(held)),
            max_age=LONGEST,
            secure=current_app.config["SESSION_COOKIE_SECURE"],
            path=current_app.config["SESSION_COOKIE_PATH"],
            httponly=True,
            samesite="Lax",
        )
        return response


def _cookie() -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}-browser"
