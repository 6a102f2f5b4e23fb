"""A lesson with a picture, a formula, a captioned film and a file, as a teacher writes one."""

from io import BytesIO

from playwright.sync_api import FilePayload, Page
from sqlalchemy import select

from lms import enrollment
from lms.db import db
from lms.enrollment import CourseFields, Picture
from lms.files.taking import take
from lms.models import User
from tests.browser import film
from tests.server import Portal

BODY = """\
Every green leaf is a small kitchen. It takes in water and carbon dioxide, and with the light of one
summer's day it makes sugar:

$$
6\\,CO_2 + 6\\,H_2O \\rightarrow C_6H_{12}O_6 + 6\\,O_2
$$

![The veins carry water to every part of the leaf](file:%(picture)d)

Watch a seed become a seedling. It lives on what the seed has stored, until its first leaves open:

![A seedling](file:%(film)d)

Print the plan and hang it beside your pots: [watering-plan.pdf](file:%(sheet)d)
"""


def lesson(portal: Portal, page: Page, email: str) -> str:
    """Add a course with such a lesson, let a student into it, and return where it is read."""
    recorded = film.film(page, seconds=2, size=(640, 360))
    return str(portal.call(_written, recorded, email))


def _written(recorded: FilePayload, email: str) -> str:
    fields = CourseFields(
        title="A garden from seed",
        description="From the seed to the first leaves, on any windowsill.",
        status="published",
        price_cents=4900,
        currency="eur",
        teacher="Imke Brandt",
        duration="4 weeks, 2 hours a week",
    )
    leaf, whole = film.picture(1_200, 500), film.picture(1_200, 675)
    cover = Picture(take(BytesIO(whole["buffer"])), "cover.png")
    course = enrollment.create_course(fields, picture=cover, by=None)
    seedling = _file(course, recorded)
    captions = _file(course, film.captions())
    enrollment.edit_file(
        course, captions, name="seedling.vtt", captions_of=seedling, language="en", by=None
    )
    named = {"picture": _file(course, leaf), "film": seedling, "sheet": _file(course, film.sheet())}
    titles = ("Choosing seeds", "What a leaf does", "The first week", "Into the garden")
    first, *_ = [
        enrollment.add_chapter(course, title=title, body=BODY % named, by=None) for title in titles
    ]
    student = db.session().scalars(select(User.id).where(User.email == email)).one()
    enrollment.enroll(student, course, by=None)
    enrollment.complete_chapter(student, first)
    return f"/student/courses/{course}"


def _file(course: int, given: FilePayload) -> int:
    content = take(BytesIO(given["buffer"]))
    return enrollment.add_file(course, content, name=given["name"], by=None)
