"""files of courses"""

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime
from lms.migrations.typed import refuse_wrong_types

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    now = sa.func.current_timestamp()
    op.create_table(
        "course_files",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("alt", sa.Text(), server_default="", nullable=False),
        sa.Column("captions_of", sa.Integer(), nullable=True),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column("created_at", UtcDateTime(), server_default=now, nullable=False),
        sa.CheckConstraint(
            "kind IN ('picture', 'video', 'audio', 'captions', 'document')",
            name=op.f("ck_course_files_kind"),
        ),
        sa.CheckConstraint("name <> ''", name=op.f("ck_course_files_name_given")),
        sa.CheckConstraint(
            "length(digest) = 64 AND ltrim(digest, '0123456789abcdef') = ''",
            name=op.f("ck_course_files_digest"),
        ),
        sa.CheckConstraint("bytes > 0", name=op.f("ck_course_files_bytes")),
        sa.CheckConstraint(
            "(width IS NULL) = (height IS NULL) AND width > 0 AND height > 0",
            name=op.f("ck_course_files_measures"),
        ),
        sa.CheckConstraint(
            "kind = 'captions' OR (captions_of IS NULL AND language IS NULL)",
            name=op.f("ck_course_files_captions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course_files")),
        sa.UniqueConstraint(
            "course_id", "digest", "name", name=op.f("uq_course_files_course_id_digest_name")
        ),
        sa.UniqueConstraint("course_id", "id", name=op.f("uq_course_files_course_id_id")),
        sa.ForeignKeyConstraint(
            ["course_id"],
            ["courses.id"],
            name=op.f("fk_course_files_course_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["course_id", "captions_of"],
            ["course_files.course_id", "course_files.id"],
            name=op.f("fk_course_files_course_id_captions_of"),
            ondelete="CASCADE",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_course_files_digest", "course_files", ["digest"])
    refuse_wrong_types("course_files", "course_id", "bytes", "width", "height", "captions_of")


def downgrade() -> None:
    op.drop_table("course_files")
