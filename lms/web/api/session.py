"""GET /api/session: who is asking, and the token that changes need."""

from flask_login import current_user
from flask_wtf.csrf import generate_csrf

from lms.web.api.operation import Answer, Operations
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


def register(operations: Operations) -> None:
    """Add the calls of this module."""

    @operations.add("GET", "/session", role="anybody", answers={200: Session})
    def session() -> Session:
        """Return who is signed in, and the token for the X-CSRFToken header."""
        user = None
        if current_user.is_authenticated:
            me = person()
            user = SessionPerson(id=me.id, email=me.email, name=me.name, role=me.role)
        return Session(user=user, csrf_token=generate_csrf())
