"""A form that arrives after its sign-in has ended: where to go, with nothing typed lost."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from urllib.parse import urlsplit

from flask import current_app, g, request, url_for
from flask_wtf import FlaskForm
from itsdangerous import BadData
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from wtforms import HiddenField
from wtforms.fields.core import UnboundField

from lms import accounts
from lms.web.addresses import inside, this_page
from lms.web.signing import serializer

PROOF = "proof-"
"""What the names of the fields of the page begin with that asks for a proof."""
ACTION = f"{PROOF}action"
"""... and of them, where the form goes that waits for it."""
_SECRET = re.compile(r"password|secret|token|card|otp|credential|^setup$")
"""Names of fields that are kept nowhere, nor what was sent beside them."""
_SENT_ALONG = {
    "action",
    "again",
    "approve",
    "back",
    "completed",
    "confirmed",
    "cover_shown",
    "ids",
    "key",
    "notice",
    "picture_kept",
    "query",
    "reject",
    "seen",
    "undo",
    "wish",
}
"""Fields that pages and their buttons send by themselves."""
_NUMBERS = {"course_id", "cover", "refund_id"}
"""Fields whose values are numbers of things, which say nothing to whoever chose them by name."""


def way_back(user_id: int | None) -> str | None:
    """Return where a form leads that can't be taken now, once its person has signed in.

    To what was typed, kept for this person; else to the page that it was on.
    """
    return keep(user_id) or _page() or None


def keep(user_id: int | None) -> str | None:
    """Keep what a form has sent for a person, and return its page; None if nothing was typed."""
    form = _sent()
    if user_id is None or _sender() != user_id or not typed(form.fields) or not _is_own():
        return None
    key = accounts.keep_form(user_id, form)
    return url_for("resuming.show", key=key) if key else None


def unsent() -> accounts.SentForm | None:
    """Return a form of ours that couldn't be taken, to be sent again; None if it can't be.

    Secrets are kept nowhere, and files have to be chosen again.
    """
    form = _sent()
    # A browser sends a file field that was left empty, too: as a file without a name.
    has_file = any(file.filename for file in request.files.values())
    is_whole = not has_file and not _holds_secret(form.fields) and not _is_proof_alone()
    is_form = request.method == "POST" and bool(request.form)
    return form if is_form and is_whole and _is_own() else None


def typed(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return what of it a person has typed; nothing where a secret is among it."""
    if _holds_secret(fields):
        return []
    return [(name, value) for name, value in fields if name not in _SENT_ALONG and value.strip()]


def sent_fields() -> list[tuple[str, str]]:
    """Return what to send again later: all but the token, and what a page between has asked for."""
    sent = request.form.items(multi=True)
    return [
        (name, value) for name, value in sent if name != "csrf_token" and not name.startswith(PROOF)
    ]


def labelled(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return what a person has typed as their form labels it, but for numbers of things."""
    labels = _labels()
    return [
        (labels.get(name) or name.replace("_", " ").capitalize(), value)
        for name, value in typed(fields)
        if name not in _NUMBERS
    ]


@cache
def _labels() -> dict[str, str]:
    """Return what forms call the fields of a name: where they differ, what most of them do."""
    said: dict[str, Counter[str]] = defaultdict(Counter)
    for form in _descendants(FlaskForm):
        for name, field in vars(form).items():
            if isinstance(field, UnboundField) and not issubclass(field.field_class, HiddenField):
                said[name][str(field.args[0])] += 1
    return {name: labels.most_common(1)[0][0] for name, labels in said.items()}


def _descendants(form: type[FlaskForm]) -> Iterator[type[FlaskForm]]:
    for child in form.__subclasses__():
        yield child
        yield from _descendants(child)


def _sent() -> accounts.SentForm:
    """Return the form that was sent: where it came with a proof, the one that waited for that."""
    return accounts.SentForm(_waiting() or this_page(), _page(), sent_fields())


def _waiting() -> str | None:
    return inside(request.form.get(ACTION))


def _is_proof_alone() -> bool:
    """Return whether a proof was sent for which no form waits: nothing of it is kept."""
    return _waiting() is None and any(name.startswith(PROOF) for name in request.form)


def _holds_secret(fields: list[tuple[str, str]]) -> bool:
    return any(_SECRET.search(name) for name, _ in fields)


def _sender() -> int | None:
    """Return whose page the form was on, by its token; None where that can't be told.

    Another person may have signed in in this browser since the page was opened.
    """
    token = request.form.get("csrf_token") or request.headers.get("X-CSRFToken", "")
    try:
        person, _, rest = str(serializer("wtf-csrf-token").loads(token)).partition(".")
    except BadData:
        return None
    return int(person) if rest and person.isdecimal() else None


def _is_own() -> bool:
    """Return whether a page of this portal sent the form: its token fits, or the browser says so.

    Nobody else's page can have its words shown here as if the person had typed them.
    """
    return g.get("csrf_valid", False) or request.headers.get("Sec-Fetch-Site") == "same-origin"


def _page() -> str:
    """Return the page that the form was on, if it can be opened again."""
    came_from = urlsplit(request.referrer or "")
    page = inside(f"{came_from.path}?{came_from.query}".rstrip("?"))
    adapter = current_app.create_url_adapter(request)
    if page is None or adapter is None or came_from.netloc != request.host:
        return ""
    try:
        adapter.match(came_from.path.removeprefix(request.script_root), method="GET")
    except (HTTPException, RequestRedirect):
        return ""
    return page
