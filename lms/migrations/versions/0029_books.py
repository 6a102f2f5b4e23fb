"""money that did not go through Stripe, dated movements of money, and months that are closed"""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime
from lms.migrations.typed import refuse_wrong_types

revision = "0029"
down_revision = "0028"

_METHODS = "'stripe', 'transfer', 'cash', 'purchase_order', 'other'"
_BY_STRIPE = sa.text("method = 'stripe'")
_KINDS = "'taken', 'refunded', 'refund_failed', 'disputed', 'dispute_won', 'dispute_lost', 'fee'"
_NUMBERS = {
    "closed_months": ("closed_by",),
    "manual_refunds": ("payment_id", "amount_cents"),
    "money_movements": ("payment_id", "number", "amount_cents", "tax_cents", "discount_cents"),
    "stripe_transactions": ("charged", "amount", "fee"),
}
_DATED: dict[str, dict[str, str | None]] = {
    "stripe_refunds": {"succeeded_at": "status = 'succeeded'", "failed_at": None},
    "stripe_disputes": {
        "disputed_at": "status NOT LIKE 'warning%' AND status <> 'prevented'",
        "won_at": "status = 'won'",
        "lost_at": "status = 'lost'",
    },
}
_KEPT = ("money_movements", "closed_months")
_REFUSAL = "the books are kept for good"
_CLOSED = "the books of this month are closed"
_LOCK = 7233029
"""Whoever closes a month waits for entries that are being written, and they for it."""


def upgrade() -> None:
    _let_payments_be_recorded()
    _create_tables()
    for table, numbers in _NUMBERS.items():
        refuse_wrong_types(table, *numbers)
    for table, columns in _DATED.items():
        for column, which in columns.items():
            op.add_column(table, sa.Column(column, UtcDateTime(), nullable=True))
            told_at = "told_at" if column in {"won_at", "lost_at"} else "created_at"
            if which is not None:
                op.execute(f"UPDATE {table} SET {column} = {told_at} WHERE {which}")
    for entries in _entries():
        op.execute(entries)
    if op.get_bind().dialect.name == "sqlite":
        _protect_on_sqlite()
    else:
        _protect_on_postgresql()


def downgrade() -> None:
    for table in ("manual_refunds", "stripe_transactions", "closed_months", "money_movements"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for function in _on_postgresql():
            op.execute(f"DROP FUNCTION {function}()")
    for table, columns in _DATED.items():
        for column in columns:
            op.drop_column(table, column)
    op.execute("UPDATE payments SET reference = NULL WHERE method <> 'stripe'")
    for name in ("reference", "pair_reference", "request_key"):
        op.drop_index(f"uq_payments_{name}", "payments")
    op.create_index("uq_payments_reference", "payments", ["reference"], unique=True)
    op.drop_index("ix_payments_paid_at", "payments")
    op.drop_column("payments", "request_key")
    op.drop_column("payments", "method")


def _let_payments_be_recorded() -> None:
    # By itself: Alembic leaves the CHECK of a new column out on SQLite.
    op.execute(
        "ALTER TABLE payments ADD COLUMN method VARCHAR(16) DEFAULT 'stripe' NOT NULL"
        f" CONSTRAINT ck_payments_method CHECK (method IN ({_METHODS}))"
    )
    op.add_column("payments", sa.Column("request_key", sa.String(length=255), nullable=True))
    op.drop_index("uq_payments_reference", "payments")
    op.create_index(
        "uq_payments_reference",
        "payments",
        ["reference"],
        unique=True,
        sqlite_where=_BY_STRIPE,
        postgresql_where=_BY_STRIPE,
    )
    pair = ["user_id", "course_id", "reference"]
    op.create_index("uq_payments_pair_reference", "payments", pair, unique=True)
    op.create_index("uq_payments_request_key", "payments", ["request_key"], unique=True)
    op.create_index("ix_payments_paid_at", "payments", ["paid_at", "id"])


def _create_tables() -> None:
    now = sa.func.current_timestamp()
    op.create_table(
        "money_movements",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("payment_id", sa.Integer(), nullable=False),
        sa.Column("method", sa.String(length=16), server_default="stripe", nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=255), server_default="", nullable=False),
        sa.Column("number", sa.Integer(), server_default="1", nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("tax_cents", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("discount_cents", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("happened_at", UtcDateTime(), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("booked_month", sa.String(length=7), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), server_default=now, nullable=False),
        sa.CheckConstraint(f"kind IN ({_KINDS})", name=op.f("ck_money_movements_kind")),
        sa.CheckConstraint(
            "month BETWEEN '1970-01' AND '9999-12'", name=op.f("ck_money_movements_month")
        ),
        sa.CheckConstraint("booked_month >= month", name=op.f("ck_money_movements_booked_month")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_money_movements_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_money_movements")),
        sqlite_autoincrement=True,
    )
    entry = ["payment_id", "kind", "subject", "currency", "month", "number"]
    op.create_index("uq_money_movements_entry", "money_movements", entry, unique=True)
    for name, columns in (("booked_month", ["id"]), ("month", ["payment_id"])):
        op.create_index(f"ix_money_movements_{name}", "money_movements", [name, *columns])
    op.create_table(
        "closed_months",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("closed_at", UtcDateTime(), server_default=now, nullable=False),
        sa.Column("closed_by", sa.Integer(), nullable=True),
        sa.Column("unexplained", sa.JSON(), server_default="[]", nullable=False),
        sa.CheckConstraint("length(month) = 7", name=op.f("ck_closed_months_month")),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_closed_months")),
    )
    op.create_table(
        "stripe_transactions",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("category", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=255), server_default="", nullable=False),
        sa.Column("payment_intent", sa.String(length=255), nullable=True),
        sa.Column("reference", sa.String(length=255), nullable=True),
        sa.Column("charged", sa.BigInteger(), nullable=True),
        sa.Column("charged_currency", sa.String(length=3), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_transactions")),
    )
    for columns in (["payment_intent"], ["created_at", "id"]):
        name = f"ix_stripe_transactions_{columns[0]}"
        op.create_index(name, "stripe_transactions", columns)
    op.create_table(
        "manual_refunds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("payment_id", sa.Integer(), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("request_key", sa.String(length=255), nullable=True),
        sa.Column("refunded_at", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), server_default=now, nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_manual_refunds_amount_cents")),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["payments.id"],
            name=op.f("fk_manual_refunds_payment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_manual_refunds")),
        sa.UniqueConstraint(
            "payment_id", "reference", name=op.f("uq_manual_refunds_payment_id_reference")
        ),
        sa.UniqueConstraint("request_key", name=op.f("uq_manual_refunds_request_key")),
        sqlite_autoincrement=True,
    )


def _entries() -> Iterator[str]:
    """Yield what writes the movements of the payments that there are, by all that is known."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    month = (
        "substr({0}, 1, 7)" if is_sqlite else "to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM')"
    ).format
    paid_at = "coalesce(p.paid_at, p.created_at)"
    held = (
        "p.status IN ('disputed', 'needs_review', 'undeliverable', 'paid', 'partially_refunded',"
        " 'refunded', 'dispute_lost')"
    )
    session = (
        "LEFT JOIN stripe_sessions s ON s.id = (SELECT min(x.id) FROM stripe_sessions x"
        " WHERE x.payment_id = p.id AND x.state = 'paid' AND x.amount_total IS NOT NULL)"
    )
    taken = ("'taken'", "''", "coalesce(s.amount_total, p.amount_cents)")
    currency = "coalesce(s.currency, p.currency)"
    by_refunds = (
        "coalesce((SELECT sum(r.amount) FROM stripe_refunds r WHERE r.status = 'succeeded'"
        " AND r.payment_intent = p.stripe_payment_intent_id), 0)"
    )
    recorded = ("'refunded'", "'recorded'", f"p.refunded_cents - {by_refunds}")
    is_recorded = (
        f"{held} AND p.refunded_cents > {by_refunds}"
        " AND NOT EXISTS (SELECT 1 FROM stripe_sessions s WHERE s.payment_id = p.id)"
    )
    for (kind, subject, amount), money, at, joined, which in (
        (taken, currency, paid_at, session, held),
        (recorded, "p.currency", paid_at, "", is_recorded),
        *(
            ((kind, "f.id", "f.amount"), "f.currency", f"f.{of}", f"JOIN {facts} f ON {same}", has)
            for facts, kind, of in (
                ("stripe_refunds", "'refunded'", "succeeded_at"),
                ("stripe_disputes", "'disputed'", "disputed_at"),
                ("stripe_disputes", "'dispute_won'", "won_at"),
                ("stripe_disputes", "'dispute_lost'", "lost_at"),
            )
            for same in ["f.payment_intent = p.stripe_payment_intent_id"]
            for has in [f"f.{of} IS NOT NULL AND f.currency <> '' AND {held}"]
        ),
    ):
        in_month = month(at)
        yield (
            "INSERT INTO money_movements (payment_id, kind, subject, amount_cents, currency,"
            " happened_at, month, booked_month)"
            f" SELECT p.id, {kind}, {subject}, {amount}, {money}, {at}, {in_month}, {in_month}"
            f" FROM payments p {joined} WHERE {which}"
            f" AND {in_month} BETWEEN '1970-01' AND '9999-12' ORDER BY p.id"
        )


def _protect_on_sqlite() -> None:
    for table in _KEPT:
        for event in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {table}_refuse_{event} BEFORE {event.upper()} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
            )
    op.execute(
        "CREATE TRIGGER money_movements_refuse_closed BEFORE INSERT ON money_movements "
        "WHEN EXISTS (SELECT 1 FROM closed_months WHERE month = NEW.booked_month) "
        f"BEGIN SELECT RAISE(ABORT, '{_CLOSED}'); END"
    )


def _protect_on_postgresql() -> None:
    for function, (event, body) in _on_postgresql().items():
        op.execute(f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
        each = "STATEMENT" if "TRUNCATE" in event else "ROW"
        op.execute(
            f"CREATE TRIGGER {function} {event} FOR EACH {each} EXECUTE FUNCTION {function}()"
        )


def _on_postgresql() -> dict[str, tuple[str, str]]:
    refuse = f"BEGIN RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = '23514'; END"
    rules = {}
    for table in _KEPT:
        rules[f"{table}_refuse_change"] = (f"BEFORE UPDATE OR DELETE ON {table}", refuse)
        rules[f"{table}_refuse_truncate"] = (f"BEFORE TRUNCATE ON {table}", refuse)
    # Closed while this was on its way: the code of a conflict, so that the verb runs again and
    # finds the month closed.
    rules["money_movements_refuse_closed"] = (
        "BEFORE INSERT ON money_movements",
        f"BEGIN PERFORM pg_advisory_xact_lock_shared({_LOCK});"
        " IF EXISTS (SELECT 1 FROM closed_months WHERE month = NEW.booked_month) THEN"
        f" RAISE EXCEPTION '{_CLOSED}' USING ERRCODE = '40001'; END IF; RETURN NEW; END",
    )
    rules["closed_months_wait"] = (
        "BEFORE INSERT ON closed_months",
        f"BEGIN PERFORM pg_advisory_xact_lock({_LOCK}); RETURN NEW; END",
    )
    return rules
