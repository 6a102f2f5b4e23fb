"""names and titles composed (NFC), as they are stored when they are typed: searches find them"""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

_COLUMNS = (("users", "name", 120), ("courses", "title", 200), ("chapters", "title", 200))
"""Not certificates and the audit trail: both say what was said then. Nor payments: receipts."""
_AT_ONCE = 1_000


def upgrade() -> None:
    for table, column, longest in _COLUMNS:
        _compose(sa.table(table, sa.column("id"), sa.column(column)), column, longest)


def downgrade() -> None:
    """Nothing: what looks the same was stored either way."""


def _compose(table: sa.TableClause, column: str, longest: int) -> None:
    connection = op.get_bind()
    text = table.c[column]
    changed = (
        table.update()
        .where(table.c.id == sa.bindparam("row"))
        .values({column: sa.bindparam("new")})
    )
    last = 0
    while rows := connection.execute(
        sa.select(table.c.id, text).where(table.c.id > last).order_by(table.c.id).limit(_AT_ONCE)
    ).all():
        last = rows[-1][0]
        # A restored dump may hold anything; and a few letters, Hindi's among them, become longer.
        composed = [
            (number, said, unicodedata.normalize("NFC", said))
            for number, said in rows
            if isinstance(said, str)
        ]
        news = [
            {"row": number, "new": new}
            for number, said, new in composed
            if new != said and len(new) <= longest
        ]
        if news:
            connection.execute(changed, news)
