"""GET /api/session: who is asking, and the token that changes need."""

from typing import Annotated

from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from pydantic import StringConstraints

from lms import accounts
from lms.refusals import Invalid, RateLimited
from lms.web.api.operation import Answer, Body, Operations
from lms.web.asking import limit
from lms.web.session import person


class SessionPerson(Answer):
    """The signed-in person."""

    id: int
    email: str
    name: str
    role: str


class Session(Answer):
    """A client's session."""

    user: SessionPerson | None
    csrf_token: str


class Proof(Body):
    """The password of whoever is signed in."""

    password: Annotated[str, StringConstraints(min_length=1, max_length=1000)]


def register(operations: Operations) -> None:
    """Add the calls of this module."""

    @operations.add(
        "POST",
        "/session/proof",
        role="signed_in",
        body=Proof,
        answers={204: None},
        refusals=[Invalid, RateLimited],
    )
    def prove(body: Proof) -> None:
        """Confirm that it's you, for ten minutes: refunds, among others, need it."""
        me = person()
        accounts.prove_by_password(me.id, me.sign_in_id, body.password, limit=limit())

    @operations.add("GET", "/session", role="anybody", answers={200: Session})
    def session() -> Session:
        """Return who is signed in, and the token for the X-CSRFToken header."""
        user = None
        if current_user.is_authenticated:
            me = person()
            user = SessionPerson(id=me.id, email=me.email, name=me.name, role=me.role)
        return Session(user=user, csrf_token=generate_csrf())
