"""What is said of everything that is kept about people."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import BindParameter, ColumnElement, Integer, bindparam

from lms.db import Base

ME: BindParameter[int] = bindparam("me", type_=Integer)
MY_EMAILS: BindParameter[int] = bindparam("my_emails", expanding=True, type_=Integer)

KEY = "it works like a password"
OTHERS = "it's about someone else"
DERIVED = "the portal derives it from what is exported"
WORK = "it only serves the portal's own processing"
MANY = {
    KEY: "they work like passwords",
    OTHERS: "they're about someone else",
    WORK: "they only serve the portal's own processing",
}
"""The reasons, where several columns have the same one."""

ADMINS = "the person, admins"
ONLY_ADMINS = "admins"
NOBODY = "nobody"
WITH_ACCOUNT = "as long as the account exists"
FOR_GOOD = "permanently"
GOES = "deleted"


@dataclass(frozen=True, kw_only=True, eq=False)
class Kept:
    """What one table keeps about people, or one kind of its rows."""

    table: type[Base]
    what: str
    seen_by: str
    until: str
    erased: str
    """What erasing the person does to it."""
    people: tuple[str, ...]
    """The columns that say about whom a row is, or by whom."""
    file: str = ""
    """What its file is called in an export; blank where none is made of it."""
    which: Callable[[], ColumnElement[bool]] | None = None
    """The rows that are exported to a person; those of the first of `people` if not given."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Columns that are not exported, or '*' for all of them, and why."""

    @property
    def exported(self) -> list[str]:
        """The columns that are exported."""
        names = [column.name for column in self.table.__table__.columns]
        return [] if "*" in self.left_out else [n for n in names if n not in self.left_out]

    @property
    def reasons(self) -> dict[str, list[str]]:
        """The columns that are not exported, by the reason that they share."""
        found: dict[str, list[str]] = {}
        for name, why in self.left_out.items():
            found.setdefault(why, []).append(name)
        return {MANY.get(w, w) if len(names) > 1 else w: names for w, names in found.items()}

    def is_mine(self) -> ColumnElement[bool]:
        """Return the SQL of which rows are exported to a person."""
        if self.which is not None:
            return self.which()
        mine: ColumnElement[bool] = getattr(self.table, self.people[0]) == ME
        return mine
