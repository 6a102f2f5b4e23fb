"""indexes for searches: what they compare of each person, and the titles of purchases"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_FORGET = {
    "sqlite": (
        "CREATE TRIGGER users_forget_words AFTER UPDATE OF name, email ON users"
        " WHEN NEW.words IS OLD.words BEGIN UPDATE users SET words = NULL WHERE id = NEW.id; END",
    ),
    "postgresql": (
        "CREATE FUNCTION users_forget_words() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.words := NULL; RETURN NEW; END $$",
        "CREATE TRIGGER users_forget_words BEFORE UPDATE OF name, email ON users FOR EACH ROW"
        " WHEN (NEW.words IS NOT DISTINCT FROM OLD.words) EXECUTE FUNCTION users_forget_words()",
    ),
}


def upgrade() -> None:
    op.add_column("users", sa.Column("words", sa.Text(), nullable=True))
    op.drop_index("ix_users_role_name", "users")
    op.create_index("ix_users_role_name", "users", ["role", "name", "id", "words"])
    unwritten = sa.text("words IS NULL")
    op.create_index(
        "ix_users_unwritten", "users", ["id"], sqlite_where=unwritten, postgresql_where=unwritten
    )
    op.create_index("ix_payments_course_title", "payments", ["course_title", "id"])
    for statement in _FORGET[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION users_forget_words() CASCADE")
    else:
        op.execute("DROP TRIGGER IF EXISTS users_forget_words")
    op.drop_index("ix_payments_course_title", "payments")
    op.drop_index("ix_users_unwritten", "users")
    op.drop_index("ix_users_role_name", "users")
    op.create_index("ix_users_role_name", "users", ["role", "name", "id"])
    op.drop_column("users", "words")
