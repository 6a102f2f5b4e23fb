"""offers that hold a seat, approval before purchase, and a waiting list"""

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime
from lms.migrations.typed import refuse_wrong_types

revision = "0030"
down_revision = "0027"

_REQUESTS = "access_requests"
_TRUTHS = ("is_public", "is_default_unlocked", "allows_promotion_codes")
_DECIDED = ("approved", "rejected", "reconsidered", "enrolled", "unenrolled", "request_closed")
_PAID = (
    *("paid", "refunded", "payment_review", "payment_failed", "payment_disputed"),
    *("certificate_revoked", "certificate_reinstated"),
)
_HELD = """(SELECT count(*) FROM enrollments e WHERE e.course_id = {course})
        + (SELECT count(*) FROM offers o WHERE o.course_id = {course} AND o.status = 'open'{but})"""
_TAKEN = "(SELECT count(*) FROM enrollments e WHERE e.course_id = {course})"
_ANOTHER = " AND o.id <> NEW.id"
_FULL = "the course is full"
_TOO_FEW = "more students are enrolled than this capacity"
_TOO_FEW_HELD = "more seats are taken or held than this capacity"
_BESIDE = "an open offer cannot stand beside an enrollment"


def upgrade() -> None:
    op.add_column(
        "courses",
        sa.Column("requires_approval", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    refuse_wrong_types(
        *("courses", "price_cents", "capacity"),
        truths=(*_TRUTHS, "requires_approval"),
    )
    _create_offers()
    _queue_for_seats()
    _respect_capacity(_HELD, _TOO_FEW_HELD)
    _hold_offers_to_seats()
    _change_kinds(has_offers=True)


def downgrade() -> None:
    op.execute("DELETE FROM notices WHERE kind = 'offer'")
    _change_kinds(has_offers=False)
    _respect_capacity(_TAKEN, _TOO_FEW)
    op.drop_table("offers")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION offers_respect_seats()")
    refuse_wrong_types(_REQUESTS, "student_id", "course_id", truths=("is_news",))
    op.drop_index("ix_access_requests_waiting", _REQUESTS)
    for column in ("approval_reason", "approved_by", "approved_at", "seat_since", "awaits_seat"):
        op.drop_column(_REQUESTS, column)
    refuse_wrong_types("courses", "price_cents", "capacity", truths=_TRUTHS)
    op.drop_column("courses", "requires_approval")


def _create_offers() -> None:
    op.create_table(
        "offers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=True),
        sa.Column("price_cents", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("status", sa.String(16), server_default="open", nullable=False),
        sa.Column(
            "created_at", UtcDateTime(), server_default=sa.func.current_timestamp(), nullable=False
        ),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "status IN ('open', 'accepted', 'declined', 'expired', 'withdrawn')",
            name=op.f("ck_offers_status"),
        ),
        sa.CheckConstraint(
            "price_cents BETWEEN 1 AND 99999999", name=op.f("ck_offers_price_cents")
        ),
        sa.CheckConstraint(
            "length(currency) = 3 AND currency = lower(currency)", name=op.f("ck_offers_currency")
        ),
        sa.CheckConstraint("(status = 'open') = (ended_at IS NULL)", name=op.f("ck_offers_ended")),
        sa.ForeignKeyConstraint(
            ["student_id"], ["users.id"], name=op.f("fk_offers_student_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["course_id"], ["courses.id"], name=op.f("fk_offers_course_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offers")),
        sa.UniqueConstraint("decision_id", name=op.f("uq_offers_decision_id")),
        sqlite_autoincrement=True,
    )
    is_open = sa.text("status = 'open'")
    for name, columns in (
        ("uq_offers_open", ["student_id", "course_id"]),
        ("ix_offers_held", ["course_id", "expires_at"]),
        ("ix_offers_due", ["expires_at", "id"]),
    ):
        op.create_index(
            *(name, "offers", columns),
            unique=name.startswith("uq_"),
            sqlite_where=is_open,
            postgresql_where=is_open,
        )
    op.create_index("ix_offers_student_id", "offers", ["student_id", "id"])
    op.create_index("ix_offers_course_id", "offers", ["course_id", "id"])
    refuse_wrong_types("offers", "student_id", "course_id", "decision_id", "price_cents")


def _queue_for_seats() -> None:
    for column in (
        sa.Column("awaits_seat", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("seat_since", UtcDateTime(), nullable=True),
        sa.Column("approved_at", UtcDateTime(), nullable=True),
        sa.Column("approved_by", sa.Integer(), nullable=True),
        sa.Column("approval_reason", sa.Text(), server_default="", nullable=False),
    ):
        op.add_column(_REQUESTS, column)
    op.create_index(
        *("ix_access_requests_waiting", _REQUESTS, ["course_id", "created_at", "id"]),
        sqlite_where=sa.text("awaits_seat = 1"),
        postgresql_where=sa.text("awaits_seat = true"),
    )
    refuse_wrong_types(
        *(_REQUESTS, "student_id", "course_id", "approved_by"), truths=("is_news", "awaits_seat")
    )


def _respect_capacity(seats: str, too_few: str) -> None:
    """Have a course refuse more students, and a lower capacity, by counting seats like this."""
    # Whoever takes the seat that an offer holds for them takes no other.
    others = seats.format(course="NEW.course_id", but=" AND o.student_id <> NEW.user_id")
    all_of_course = seats.format(course="NEW.id", but="")
    is_new = """NOT EXISTS (
            SELECT 1 FROM enrollments e
            WHERE e.user_id = NEW.user_id AND e.course_id = NEW.course_id
        )"""
    capacity = "(SELECT capacity FROM courses c WHERE c.id = NEW.course_id)"
    if op.get_bind().dialect.name == "sqlite":
        for name, event, condition, refusal in (
            (
                "enrollments_respect_capacity_insert",
                "INSERT ON enrollments",
                f"{is_new} AND {capacity} <= {others}",
                _FULL,
            ),
            (
                "enrollments_respect_capacity_update",
                "UPDATE OF course_id ON enrollments",
                f"NEW.course_id <> OLD.course_id AND {capacity} <= {others}",
                _FULL,
            ),
            (
                "courses_respect_capacity",
                "UPDATE OF capacity ON courses",
                f"NEW.capacity < {all_of_course}",
                too_few,
            ),
        ):
            op.execute(f"DROP TRIGGER {name}")
            op.execute(_sqlite_trigger(name, event, condition, refusal))
        return
    _postgresql_function(
        "enrollments_respect_capacity",
        f"""
        IF (SELECT capacity FROM courses WHERE id = NEW.course_id) IS NULL THEN
            RETURN NEW;
        END IF;
        PERFORM 1 FROM courses WHERE id = NEW.course_id FOR NO KEY UPDATE;
        IF {is_new} AND {capacity} <= {others} THEN
            RAISE EXCEPTION '{_FULL}' USING ERRCODE = '23514';
        END IF;
        """,
    )
    _postgresql_function(
        "courses_respect_capacity",
        f"""
        IF NEW.capacity < {all_of_course} THEN
            RAISE EXCEPTION '{too_few}' USING ERRCODE = '23514';
        END IF;
        """,
    )


def _hold_offers_to_seats() -> None:
    """Refuse an open offer without a seat for it, and one beside an enrollment."""
    is_enrolled = """EXISTS (
            SELECT 1 FROM enrollments e
            WHERE e.user_id = NEW.student_id AND e.course_id = NEW.course_id
        )"""
    capacity = "(SELECT capacity FROM courses c WHERE c.id = NEW.course_id)"
    if op.get_bind().dialect.name == "sqlite":
        for event, of, but in (
            ("insert", "INSERT", ""),  # a row has no id yet
            ("update", "UPDATE OF student_id, course_id, status", _ANOTHER),
        ):
            others = _HELD.format(course="NEW.course_id", but=but)
            for name, condition, refusal in (
                (f"offers_respect_seats_{event}", f"{capacity} <= {others}", _FULL),
                (f"offers_refuse_enrolled_{event}", is_enrolled, _BESIDE),
            ):
                op.execute(
                    _sqlite_trigger(
                        name, f"{of} ON offers", f"NEW.status = 'open' AND {condition}", refusal
                    )
                )
        return
    others = _HELD.format(course="NEW.course_id", but=_ANOTHER)
    _postgresql_function(
        "offers_respect_seats",
        f"""
        IF NEW.status = 'open' THEN
            PERFORM 1 FROM courses WHERE id = NEW.course_id FOR NO KEY UPDATE;
            IF {capacity} <= {others} THEN
                RAISE EXCEPTION '{_FULL}' USING ERRCODE = '23514';
            END IF;
            IF {is_enrolled} THEN
                RAISE EXCEPTION '{_BESIDE}' USING ERRCODE = '23514';
            END IF;
        END IF;
        """,
    )
    op.execute(
        "CREATE TRIGGER offers_respect_seats BEFORE INSERT OR UPDATE OF student_id, course_id,"
        " status ON offers FOR EACH ROW EXECUTE FUNCTION offers_respect_seats()"
    )


def _sqlite_trigger(name: str, event: str, condition: str, refusal: str) -> str:
    return (
        f"CREATE TRIGGER {name} BEFORE {event} WHEN {condition} "
        f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
    )


def _postgresql_function(name: str, body: str) -> None:
    op.execute(
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {body} RETURN NEW; END $$"
    )


def _change_kinds(*, has_offers: bool) -> None:
    """Let the CHECK of a notice's kinds know offers, or no longer; on SQLite it is text."""
    old, new = (", ".join(f"'{kind}'" for kind in kinds) for kinds in _kinds(has_offers))
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.drop_constraint(op.f("ck_notices_kind"), "notices")
        op.create_check_constraint(op.f("ck_notices_kind"), "notices", f"kind IN ({new})")
        return
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar() or 0
    connection.exec_driver_sql("PRAGMA writable_schema=ON")
    connection.execute(
        sa.text("UPDATE sqlite_master SET sql = replace(sql, :old, :new) WHERE name = 'notices'"),
        {"old": old, "new": new},
    )
    connection.exec_driver_sql(f"PRAGMA schema_version={version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema=OFF")


def _kinds(has_offers: bool) -> tuple[list[str], list[str]]:
    with_offers = [*_DECIDED, "offer", *_PAID]
    without = [*_DECIDED, *_PAID]
    return (without, with_offers) if has_offers else (with_offers, without)
