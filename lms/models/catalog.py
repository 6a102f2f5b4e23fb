"""Courses and their chapters."""

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from sqlalchemy import CheckConstraint, ColumnElement, Index, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, WholeNumber
from lms.models.columns import AUTOINCREMENT, CourseId, CreatedAt, Id, Title, constants, one_of
from lms.money import DEFAULT_CURRENCY, MAX_PRICE

CourseStatus = Literal["draft", "published", "active", "archived"]
VISIBLE_STATUSES: tuple[str, ...] = ("published", "active")
LONGEST_CODE = 64
LONGEST_FACT = 120
"""Of what its card says besides: who teaches it, and how long it takes."""


@dataclass(frozen=True, kw_only=True)
class CourseFields:
    """The fields of a course that an admin sets; the price in minor units.

    Whatever creates, edits, lists or shows a course takes its fields from here, under the names of
    their columns.
    """

    title: str
    description: str = ""
    teacher: str = ""
    duration: str = ""
    status: str = "draft"
    is_public: bool = False
    is_default_unlocked: bool = False
    price_cents: int = 0
    currency: str = DEFAULT_CURRENCY
    allows_promotion_codes: bool = False
    requires_approval: bool = False
    capacity: int | None = None
    code: str | None = None

    @staticmethod
    def of(course: object) -> "CourseFields":
        """Return the fields of a course from a row, a read model or a form's object."""
        return CourseFields(**{name: getattr(course, name) for name in COURSE_FIELDS})

    @property
    def is_joined_freely(self) -> bool:
        """Whether students join the course by themselves, without money or approval."""
        return self.is_public and not self.price_cents and not self.requires_approval


COURSE_FIELDS = tuple(field.name for field in fields(CourseFields))


class Course(Base):
    """A course; its flags, price and capacity decide how a student gets access."""

    __tablename__ = "courses"

    id: Mapped[Id]
    title: Mapped[Title]
    description: Mapped[str] = mapped_column(Text, server_default="")
    teacher: Mapped[str] = mapped_column(String(LONGEST_FACT), server_default="")
    duration: Mapped[str] = mapped_column(String(LONGEST_FACT), server_default="")
    """As people write it, such as 6 weeks, 3 hours a week."""
    status: Mapped[str] = mapped_column(String(16), server_default="draft")
    is_public: Mapped[bool] = mapped_column(server_default=false())
    is_default_unlocked: Mapped[bool] = mapped_column(server_default=false())
    price_cents: Mapped[int] = mapped_column(WholeNumber(instead=MAX_PRICE), server_default="0")
    """A value that isn't a number (from a restored dump) never makes a course free."""
    currency: Mapped[str] = mapped_column(String(3), server_default=DEFAULT_CURRENCY)
    allows_promotion_codes: Mapped[bool] = mapped_column(server_default=false())
    """Whether Stripe's page takes the school's promotion codes for it."""
    code: Mapped[str | None] = mapped_column(String(LONGEST_CODE))
    """What the school calls it elsewhere, such as MATH-101."""
    requires_approval: Mapped[bool] = mapped_column(server_default=false())
    """Whether only those can buy it whose request was approved; nobody can join directly then."""
    capacity: Mapped[int | None]
    """Seats; None is unlimited."""
    created_at: Mapped[CreatedAt]

    __table_args__ = (
        one_of("status", *get_args(CourseStatus)),
        CheckConstraint(f"price_cents BETWEEN 0 AND {MAX_PRICE}", name="price_cents"),
        CheckConstraint("length(currency) = 3 AND currency = lower(currency)", name="currency"),
        CheckConstraint("capacity IS NULL OR capacity >= 0", name="capacity"),
        # A course open to all can't have a limited capacity: some students would be left out.
        CheckConstraint("NOT is_default_unlocked OR capacity IS NULL", name="default_has_no_limit"),
        Index("uq_courses_code", "code", unique=True),
        Index("ix_courses_status_title", "status", "title", "id"),
        AUTOINCREMENT,
    )

    @property
    def is_visible(self) -> bool:
        """Whether students who are not enrolled see the course."""
        return self.status in VISIBLE_STATUSES

    @property
    def is_on_sale(self) -> bool:
        """Whether students who are not enrolled can buy the course, while there are seats."""
        return self.is_visible and self.price_cents > 0

    @property
    def is_sold_by_offer(self) -> bool:
        """Whether an approval makes an offer to buy, instead of giving access."""
        return self.requires_approval and self.price_cents > 0

    @property
    def is_waived_by_approval(self) -> bool:
        """Whether an approval gives access without the price being paid."""
        return self.price_cents > 0 and not self.is_sold_by_offer


def is_open_to_students() -> ColumnElement[bool]:
    """Return the SQL of whether students who are not enrolled see a course."""
    return Course.status.in_(constants(*VISIBLE_STATUSES))


def course_columns() -> list[Any]:
    """Return the columns that hold a course's fields, to select them."""
    return [getattr(Course, name) for name in COURSE_FIELDS]


class Chapter(Base):
    """A chapter of a course; the body is Markdown."""

    __tablename__ = "chapters"

    id: Mapped[Id]
    course_id: Mapped[CourseId]
    title: Mapped[Title]
    position: Mapped[int] = mapped_column(server_default="0")
    body: Mapped[str] = mapped_column(Text, server_default="")

    __table_args__ = (
        Index("ix_chapters_course_id_position", "course_id", "position", "id"),
        AUTOINCREMENT,
    )
