"""The files of courses: pictures, video, audio, captions and documents that lessons name."""

from typing import Literal, get_args

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    UniqueConstraint,
    false,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base
from lms.models.columns import AUTOINCREMENT, CourseId, CreatedAt, Id, one_of, partial_index

FileKind = Literal["picture", "video", "audio", "captions", "document"]
LONGEST_FILE_NAME = 200
LONGEST_ALT = 1_000
LONGEST_LANGUAGE = 35
"""As long as the tag of any language is (RFC 5646, 4.4.1)."""


class CourseFile(Base):
    """A file of a course; what is in it lies on the disk, under its digest: see `lms/files`."""

    __tablename__ = "course_files"

    id: Mapped[Id]
    course_id: Mapped[CourseId]
    name: Mapped[str] = mapped_column(String(LONGEST_FILE_NAME))
    """As it was uploaded, cleaned."""
    kind: Mapped[str] = mapped_column(String(16))
    media_type: Mapped[str] = mapped_column(String(100))
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 of what is served, which is where it lies."""
    bytes: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int | None]
    height: Mapped[int | None]
    alt: Mapped[str] = mapped_column(Text, server_default="")
    """What a picture shows, in words."""
    captions_of: Mapped[int | None]
    """The video, or the audio file, of the same course that these captions are for."""
    language: Mapped[str | None] = mapped_column(String(LONGEST_LANGUAGE))
    """Of captions."""
    is_cover: Mapped[bool] = mapped_column(server_default=false())
    """Whether it is the picture of its course, which all see who see the course."""
    created_at: Mapped[CreatedAt]

    __table_args__ = (
        one_of("kind", *get_args(FileKind)),
        CheckConstraint("name <> ''", name="name_given"),
        CheckConstraint(
            "length(digest) = 64 AND ltrim(digest, '0123456789abcdef') = ''", name="digest"
        ),
        CheckConstraint("bytes > 0", name="bytes"),
        CheckConstraint(
            "(width IS NULL) = (height IS NULL) AND width > 0 AND height > 0", name="measures"
        ),
        CheckConstraint(
            "kind = 'captions' OR (captions_of IS NULL AND language IS NULL)", name="captions"
        ),
        CheckConstraint("NOT is_cover OR kind = 'picture'", name="cover_is_picture"),
        # The same upload once more finds the row that there is.
        UniqueConstraint("course_id", "digest", "name"),
        UniqueConstraint("course_id", "id"),  # what captions refer to
        ForeignKeyConstraint(
            ["course_id", "captions_of"],
            ["course_files.course_id", "course_files.id"],
            ondelete="CASCADE",
        ),
        Index("ix_course_files_digest", "digest"),
        partial_index("uq_course_files_cover", "course_id", where=is_cover == true(), unique=True),
        AUTOINCREMENT,
    )
