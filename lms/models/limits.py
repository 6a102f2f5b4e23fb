"""What counts against limits."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base
from lms.models.columns import Time


class Allowance(Base):
    """How often somebody did something lately; `lms.ledger.limits` says how often is too often."""

    __tablename__ = "allowances"

    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    """What, and who: a person's id, or a keyed hash, so that no reader learns an address."""
    used: Mapped[int]
    expires_at: Mapped[Time] = mapped_column(index=True)
    """When it begins anew: the row counts nothing any more, and is cleared away."""
