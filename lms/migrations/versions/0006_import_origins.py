"""where imported rows came from"""

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "import_schools",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=500), nullable=False),
        sa.Column(
            "created_at", UtcDateTime(), server_default=sa.func.current_timestamp(), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_schools")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "import_origins",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("table_name", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("label", sa.String(length=255), server_default="", nullable=False),
        sa.Column("row_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["school_id"],
            ["import_schools.id"],
            name=op.f("fk_import_origins_school_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_origins")),
        sa.UniqueConstraint(
            "school_id",
            "table_name",
            "key",
            name=op.f("uq_import_origins_school_id_table_name_key"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_import_origins_table_name_key", "import_origins", ["table_name", "key"])


def downgrade() -> None:
    op.drop_table("import_origins")
    op.drop_table("import_schools")
