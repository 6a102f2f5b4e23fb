"""Short ways to arrange a school; each calls the verb that the portal itself would call."""

from datetime import timedelta
from io import BytesIO
from itertools import count
from typing import Any

from flask import current_app
from PIL import Image
from sqlalchemy import insert

from lms import accounts, enrollment
from lms.accounts.links import active_account, sign
from lms.db import db, now, writer
from lms.enrollment import CourseFields, Cover
from lms.files import store
from lms.files.content import Content
from lms.files.taking import take_logo
from lms.ledger.limits import LIMITS, Action, key_of
from lms.models import Allowance, Course

_numbers = count(1)


def a_student(name: str = "Ada", *, email: str | None = None) -> int:
    """Add a student and return the id."""
    return _a_user(name, email=email, role="student")


def an_admin(name: str = "Grace", *, email: str | None = None) -> int:
    """Add an admin and return the id."""
    return _a_user(name, email=email, role="admin")


def verification(email: str) -> str:
    """Return the path that is mailed to whoever has registered; a worker may have sent it."""
    account = active_account(email)
    token = sign(account, "verify-address", secret=current_app.config["SECRET_KEY"])
    return f"/verify/{token}"


def an_invitation(email: str) -> str:
    """Add a student who has no password, and return the path that sets one."""
    invite = accounts.inviting("/invitation/{}".format, secret=current_app.config["SECRET_KEY"])
    person = enrollment.add_user(email=email, name="Iris Invited", password_hash="")
    return invite(person, email)


def a_course(title: str = "Algebra", *, chapters: int = 0, **fields: Any) -> int:
    """Add a published course that is requested, unless fields say otherwise; return the id."""
    course_id = enrollment.create_course(
        CourseFields(**{"title": title, "status": "published", **fields}), by=None
    )
    for _ in range(chapters):
        a_chapter(course_id)
    return course_id


def a_public_course(title: str = "Botany", *, chapters: int = 0, **fields: Any) -> int:
    """Add a course that every student may join directly; return the id."""
    return a_course(title, chapters=chapters, **{"is_public": True, **fields})


def a_course_open_to_all(title: str = "Welcome", *, chapters: int = 0, **fields: Any) -> int:
    """Add a course that is default-unlocked; return the id."""
    return a_course(title, chapters=chapters, **{"is_default_unlocked": True, **fields})


def a_chapter(course_id: int, title: str | None = None, body: str = "Read this.") -> int:
    """Append a chapter and return its id."""
    title = title or f"Chapter {next(_numbers)}"
    return enrollment.add_chapter(course_id, title=title, body=body, by=None)


def a_file(course_id: int, name: str = "cell.png", content: bytes = b"cell", **what: Any) -> int:
    """Add a file to a course, a picture unless told otherwise, and return its id."""
    kept = store.keep(BytesIO(content))
    of_a_picture = {"kind": "picture", "media_type": "image/png"}
    is_content = Content(kept.digest, kept.bytes, **{**of_a_picture, **what})
    return enrollment.add_file(course_id, is_content, name=name, by=None)


def a_cover(course_id: int, file_id: int | None) -> None:
    """Make a file the picture of its course, which stays as it is otherwise."""
    fields = CourseFields.of(db.session().get_one(Course, course_id))
    db.session().rollback()
    enrollment.edit_course(course_id, fields, picture=Cover(file_id), by=None)


def a_logo(*, by: int, side: int = 64) -> str:
    """Give the school a green logo, and return under which digest it lies."""
    kept = BytesIO()
    Image.new("RGBA", (side, side // 2), "green").save(kept, "PNG")
    content = take_logo(kept)
    enrollment.choose_logo(content, by=by)
    return content.digest


def a_request(student_id: int, course_id: int, message: str = "Please let me in.") -> int:
    """Put a student in the queue and return the request's id."""
    return enrollment.request_access(student_id, course_id, message=message).id


def without_limit(action: Action, *people: int) -> None:
    """Let people do something as often as random calls or a benchmark want."""
    later = now() + timedelta(days=1)
    rows = [
        {"key": key_of(action, limit, person), "used": -1_000_000_000, "expires_at": later}
        for limit in LIMITS[action]
        for person in people
    ]
    with writer(db.engine).begin() as connection:
        connection.execute(insert(Allowance), rows)


def _a_user(name: str, *, email: str | None, role: Any) -> int:
    email = email or f"{name.split(maxsplit=1)[0].lower()}{next(_numbers)}@example.org"
    return enrollment.add_user(email=email, name=name, password_hash="unusable", role=role)
