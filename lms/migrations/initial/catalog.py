"""Courses and their chapters."""

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime


def create_tables() -> None:
    op.create_table(
        "courses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.String(length=16), server_default="draft", nullable=False),
        sa.Column("is_public", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("is_default_unlocked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("price_cents", sa.Integer(), server_default="0", nullable=False),
        sa.Column("currency", sa.String(length=3), server_default="eur", nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column(
            "created_at", UtcDateTime(), server_default=sa.func.current_timestamp(), nullable=False
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'published', 'active', 'archived')", name=op.f("ck_courses_status")
        ),
        sa.CheckConstraint(
            "NOT is_default_unlocked OR capacity IS NULL",
            name=op.f("ck_courses_default_has_no_limit"),
        ),
        sa.CheckConstraint("capacity IS NULL OR capacity >= 0", name=op.f("ck_courses_capacity")),
        sa.CheckConstraint(
            "length(currency) = 3 AND currency = lower(currency)", name=op.f("ck_courses_currency")
        ),
        sa.CheckConstraint(
            "price_cents BETWEEN 0 AND 99999999", name=op.f("ck_courses_price_cents")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_courses")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_courses_status_title", "courses", ["status", "title", "id"])

    op.create_table(
        "chapters",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("body", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["course_id"], ["courses.id"], name=op.f("fk_chapters_course_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chapters")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_chapters_course_id_position", "chapters", ["course_id", "position", "id"])
