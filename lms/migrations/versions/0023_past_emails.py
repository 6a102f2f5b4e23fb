"""what purged e-mails were about, so that nothing announces it again"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0018"

_REFUSE = {
    "sqlite": (
        "CREATE TRIGGER outbox_emails_refuse_past BEFORE INSERT ON outbox_emails"
        " WHEN EXISTS (SELECT 1 FROM past_emails p WHERE p.key = NEW.key)"
        " BEGIN SELECT RAISE(IGNORE); END",
    ),
    "postgresql": (
        "CREATE FUNCTION outbox_emails_refuse_past() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF EXISTS (SELECT 1 FROM past_emails p WHERE p.key = NEW.key) THEN RETURN NULL; END IF;"
        " RETURN NEW; END $$",
        "CREATE TRIGGER outbox_emails_refuse_past BEFORE INSERT ON outbox_emails FOR EACH ROW"
        " EXECUTE FUNCTION outbox_emails_refuse_past()",
    ),
}


def upgrade() -> None:
    op.create_table(
        "past_emails",
        sa.Column("key", sa.String(120), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_past_emails")),
    )
    for statement in _REFUSE[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION outbox_emails_refuse_past() CASCADE")
    else:
        op.execute("DROP TRIGGER IF EXISTS outbox_emails_refuse_past")
    op.drop_table("past_emails")
