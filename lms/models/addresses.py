"""E-mail addresses beside those of the accounts: to be confirmed, and to be restored."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base
from lms.models.columns import AUTOINCREMENT, CreatedAt, Email, Id, Time, UserId, an_address


class AddressChange(Base):
    """The address that a person has chosen, until they open the link sent to it."""

    __tablename__ = "address_changes"

    id: Mapped[Id]
    user_id: Mapped[UserId] = mapped_column(unique=True)
    email: Mapped[Email]
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[Time]

    __table_args__ = (*an_address(), AUTOINCREMENT)


class FormerAddress(Base):
    """An address that a person had: whoever reads its mail can have it restored for some days."""

    __tablename__ = "former_addresses"

    id: Mapped[Id]
    """Restoring one ends all later ones, whoever chose them."""
    user_id: Mapped[UserId] = mapped_column(index=True)
    email: Mapped[Email]
    undo_hash: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the token in the link: whoever reads this table cannot use it."""
    changed_at: Mapped[CreatedAt]
    undo_until: Mapped[Time] = mapped_column(index=True)

    __table_args__ = (*an_address(), AUTOINCREMENT)
