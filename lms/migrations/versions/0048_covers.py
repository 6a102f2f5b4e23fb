"""the picture of a course"""

import sqlalchemy as sa
from alembic import op

from lms.migrations.typed import refuse_wrong_types

revision = "0048"
down_revision = "0047"
_CHECK = "NOT is_cover OR kind = 'picture'"
_NUMBERS = ("course_id", "bytes", "width", "height", "captions_of")


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "ALTER TABLE course_files ADD COLUMN is_cover BOOLEAN DEFAULT (0) NOT NULL"
            f" CONSTRAINT ck_course_files_cover_is_picture CHECK ({_CHECK})"
        )
    else:
        op.add_column(
            "course_files",
            sa.Column("is_cover", sa.Boolean(), server_default=sa.false(), nullable=False),
        )
        named = op.f("ck_course_files_cover_is_picture")
        op.create_check_constraint(named, "course_files", _CHECK)
    op.create_index(
        "uq_course_files_cover",
        "course_files",
        ["course_id"],
        unique=True,
        sqlite_where=sa.text("is_cover = 1"),
        postgresql_where=sa.text("is_cover = true"),
    )
    refuse_wrong_types("course_files", *_NUMBERS, truths=("is_cover",))


def downgrade() -> None:
    op.drop_index("uq_course_files_cover", table_name="course_files")
    if op.get_bind().dialect.name == "sqlite":
        # SQLite drops no column that a trigger or a CHECK of its own names.
        for event in ("insert", "update"):
            op.execute(f"DROP TRIGGER course_files_refuse_wrong_type_{event}")
    op.drop_column("course_files", "is_cover")
    refuse_wrong_types("course_files", *_NUMBERS)
