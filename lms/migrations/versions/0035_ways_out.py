"""what an admin can do about a payment in review is part of the reason"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"

_TEXTS = sa.table(
    "payments", sa.column("attention", sa.Text), sa.column("dismissed_attention", sa.Text)
)
_ENDED = "An admin ended this access, but the payment was kept."
_ENDED_NOW = (
    "An admin ended the student's access, but the payment was kept. Refund it, or mark it as"
    " reviewed to keep the money."
)
_KEPT = "Too little of this payment is left to give access: "
_WAY_OUT = " Enroll the student, or refund the rest."


def upgrade() -> None:
    _replace(_ENDED, _ENDED, _ENDED_NOW)
    # Its last words are the percentage; a note about a second payment may follow.
    _replace(_KEPT, "%.", f"%.{_WAY_OUT}")


def downgrade() -> None:
    _replace(_ENDED_NOW, _ENDED_NOW, _ENDED)
    _replace(_KEPT, _WAY_OUT, "")


def _replace(start: str, before: str, after: str) -> None:
    for text in _TEXTS.c:
        op.execute(
            sa.update(_TEXTS)
            .where(text.startswith(start, autoescape=True))
            .values({text.name: sa.func.replace(text, before, after)})
        )
