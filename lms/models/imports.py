"""Where imported rows came from, so that a second import finds them again, for good."""

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base
from lms.models.columns import AUTOINCREMENT, CreatedAt, Id


class ImportSchool(Base):
    """An old school, recognized by the people in it: files move, and servers get new names."""

    __tablename__ = "import_schools"

    id: Mapped[Id]
    address: Mapped[str] = mapped_column(String(500))
    """Where it was when it was imported first, without its password."""
    created_at: Mapped[CreatedAt]

    __table_args__ = (AUTOINCREMENT,)


class ImportOrigin(Base):
    """An old row and what it became here; it outlives that, so that nothing deleted comes back."""

    __tablename__ = "import_origins"

    id: Mapped[Id]
    school_id: Mapped[int] = mapped_column(ForeignKey("import_schools.id", ondelete="CASCADE"))
    table_name: Mapped[str] = mapped_column(String(32))
    key: Mapped[str] = mapped_column(String(255))
    """The old id; an account's e-mail address; of a pair, the ids here."""
    label: Mapped[str] = mapped_column(String(255), server_default="")
    """What tells one old school from another: an account's old id, a course's old title."""
    row_id: Mapped[int | None]
    """What it became here; no foreign key, since it may be deleted."""

    __table_args__ = (
        UniqueConstraint("school_id", "table_name", "key"),
        Index("ix_import_origins_table_name_key", "table_name", "key"),
        AUTOINCREMENT,
    )
