"""the parts of a price, amounts that an admin accepts, promotion codes, invoices, course codes"""

import sqlalchemy as sa
from alembic import op

from lms.migrations.typed import refuse_wrong_types

revision = "0027"
down_revision = "0026"

_PARTS = ("agreed_cents", "subtotal_cents", "discount_cents", "tax_cents", "accepted_cents")
_ADDED = {
    "payments": (*_PARTS, "invoice_number", "invoice_url", "buyer_tax_id"),
    "stripe_sessions": (
        *("amount_subtotal", "amount_discount", "amount_tax", "invoice"),
        *("presentment_amount", "presentment_currency"),
    ),
    "courses": ("allows_promotion_codes", "code"),
}
_NUMBERS = {
    "payments": ("user_id", "course_id", "amount_cents", "refunded_cents", "lost_cents"),
    "stripe_sessions": ("payment_id", "amount_total"),
    "courses": ("price_cents", "capacity"),
}
_NEW_NUMBERS = {
    "payments": _PARTS,
    "stripe_sessions": (
        *("amount_subtotal", "amount_discount", "amount_tax", "presentment_amount"),
    ),
}
_TRUTHS = ("is_public", "is_default_unlocked")


def upgrade() -> None:
    # By itself: Alembic leaves the CHECK of a new column out on SQLite.
    for name, default in (
        ("agreed_cents", ""),
        ("subtotal_cents", ""),
        ("discount_cents", "DEFAULT '0' NOT NULL "),
        ("tax_cents", "DEFAULT '0' NOT NULL "),
        ("accepted_cents", ""),
    ):
        op.execute(
            f"ALTER TABLE payments ADD COLUMN {name} INTEGER {default}"
            f"CONSTRAINT ck_payments_{name} CHECK ({name} >= 0)"
        )
    op.add_column("payments", sa.Column("invoice_number", sa.String(255), nullable=True))
    op.add_column("payments", sa.Column("invoice_url", sa.Text(), nullable=True))
    op.add_column("payments", sa.Column("buyer_tax_id", sa.String(64), nullable=True))
    for name in ("amount_subtotal", "amount_discount", "amount_tax", "presentment_amount"):
        op.add_column("stripe_sessions", sa.Column(name, sa.BigInteger(), nullable=True))
    op.add_column("stripe_sessions", sa.Column("presentment_currency", sa.String(3)))
    op.add_column("stripe_sessions", sa.Column("invoice", sa.String(255), nullable=True))
    op.add_column(
        "courses",
        sa.Column(
            "allows_promotion_codes", sa.Boolean(), server_default=sa.false(), nullable=False
        ),
    )
    op.add_column("courses", sa.Column("code", sa.String(64), nullable=True))
    op.create_index("uq_courses_code", "courses", ["code"], unique=True)
    # What was offered is what was agreed; where Stripe took another amount, that is what was paid.
    # Of its parts nothing was kept.
    op.execute("UPDATE payments SET agreed_cents = amount_cents, subtotal_cents = amount_cents")
    taken = (
        "(SELECT max(s.amount_total) FROM stripe_sessions s WHERE s.payment_id = payments.id"
        " AND s.state = 'paid' AND s.currency = payments.currency)"
    )
    op.execute(
        f"UPDATE payments SET amount_cents = {taken}, subtotal_cents = {taken}"
        f" WHERE {taken} BETWEEN refunded_cents AND 2147483647 AND {taken} >= lost_cents"
    )
    for table, numbers in _NUMBERS.items():
        truths = (*_TRUTHS, "allows_promotion_codes") if table == "courses" else ()
        refuse_wrong_types(table, *numbers, *_NEW_NUMBERS.get(table, ()), truths=truths)


def downgrade() -> None:
    for table, numbers in _NUMBERS.items():
        refuse_wrong_types(table, *numbers, truths=_TRUTHS if table == "courses" else ())
    op.execute(
        "UPDATE payments SET amount_cents = agreed_cents"
        " WHERE agreed_cents >= refunded_cents AND agreed_cents >= lost_cents"
    )
    op.drop_index("uq_courses_code", "courses")
    for table, columns in _ADDED.items():
        for name in columns:
            op.drop_column(table, name)
