"""An old school to bring in, as a file, and what the portal has of it."""

from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

from tests.importing.old import PEOPLE, make

COURSES = [{"id": 1, "title": "Algebra", "price_cents": 0, "status": "published", "is_public": 1}]
ENROLLED = [{"id": 1, "userId": 1, "courseId": 1}, {"id": 2, "userId": 2, "courseId": 1}]
SCHOOL: dict[str, Any] = {"users": PEOPLE, "courses": COURSES, "enrollments": ENROLLED}
ASKING: dict[str, Any] = {
    **SCHOOL,
    "users": [*PEOPLE, {"id": 6, "email": "U1@x.org", "name": "U1 again"}],
    "courses": [{"id": 1, "title": "Algebra", "price": 20, "status": "published"}],
    "enrollments": [{**ENROLLED[0], "status": "vip"}, {**ENROLLED[1], "status": "active"}],
}
"""Its price and a status need an answer, and one person is there twice."""


def a_file(folder: Path, tables: dict[str, Any] | None = None) -> BytesIO:
    """Return an old school's database as an upload has it."""
    path = folder / "old.db"
    path.unlink(missing_ok=True)
    make(f"sqlite:///{path}", SCHOOL if tables is None else tables)
    with closing(path.open("rb")) as file:
        return BytesIO(file.read())
