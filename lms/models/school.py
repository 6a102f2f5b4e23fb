"""What the school's admins have chosen for it: one row at most."""

from sqlalchemy import BigInteger, CheckConstraint, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base
from lms.models.columns import AUTOINCREMENT, CreatedAt, Id, between, one_of

LONGEST_SCHOOL = 200
LONGEST_ZONE = 64
LONGEST_ADDRESS = 500
LONGEST_TAX_ID = 100
LONGEST_RULE = 2_000
LONGEST_HOSTS = 2_000
LONGEST_WAY_TO_PAY = 2_000
LONGEST_LEGAL = 20_000
"""Of four texts in one form, whose body has a limit."""


class SchoolSettings(Base):
    """The settings that admins change in the browser; where one is NULL, its default counts."""

    __tablename__ = "school_settings"

    id: Mapped[Id]
    version: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Rises with each change, to the time in microseconds: no restored database has the same."""
    name: Mapped[str | None] = mapped_column(String(LONGEST_SCHOOL))
    time_zone: Mapped[str | None] = mapped_column(String(LONGEST_ZONE))
    currency: Mapped[str | None] = mapped_column(String(3))
    """In which forms suggest amounts; a course has its own."""
    contact: Mapped[str | None] = mapped_column(String(254))
    address: Mapped[str | None] = mapped_column(String(LONGEST_ADDRESS))
    tax_id: Mapped[str | None] = mapped_column(String(LONGEST_TAX_ID))
    registration: Mapped[str | None] = mapped_column(String(LONGEST_RULE))
    offer_days: Mapped[int | None]
    video_hosts: Mapped[str | None] = mapped_column(String(LONGEST_HOSTS))
    """Whose players lessons may show; `none` is nobody's."""
    how_to_pay: Mapped[str | None] = mapped_column(String(LONGEST_WAY_TO_PAY))
    """Without Stripe, in Markdown: what students read beside a price."""
    terms: Mapped[str | None] = mapped_column(Text)
    privacy: Mapped[str | None] = mapped_column(Text)
    imprint: Mapped[str | None] = mapped_column(Text)
    accessibility: Mapped[str | None] = mapped_column(Text)
    logo_digest: Mapped[str | None] = mapped_column(String(64))
    """Under which digest the logo lies: see `lms/files`."""
    logo_bytes: Mapped[int | None] = mapped_column(BigInteger)
    logo_type: Mapped[str | None] = mapped_column(String(16))
    """Of those that browsers and certificates both show."""
    logo_width: Mapped[int | None]
    logo_height: Mapped[int | None]
    changed_at: Mapped[CreatedAt]

    __table_args__ = (
        between("id", 1, 1),
        between("offer_days", 1, 365),
        CheckConstraint("length(currency) = 3 AND currency = lower(currency)", name="currency"),
        CheckConstraint(
            "length(logo_digest) = 64 AND ltrim(logo_digest, '0123456789abcdef') = ''",
            name="logo_digest",
        ),
        one_of("logo_type", "image/png", "image/jpeg"),
        CheckConstraint(
            "(logo_digest IS NULL) = (logo_bytes IS NULL)"
            " AND (logo_digest IS NULL) = (logo_type IS NULL)"
            " AND (logo_digest IS NULL) = (logo_width IS NULL)"
            " AND (logo_digest IS NULL) = (logo_height IS NULL)"
            " AND logo_bytes > 0 AND logo_width > 0 AND logo_height > 0",
            name="logo_whole",
        ),
        {**AUTOINCREMENT, "info": {"is_one_row": True}},
    )
