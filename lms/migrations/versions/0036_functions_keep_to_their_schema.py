"""functions of triggers find their tables whatever the search path"""

from lms.migrations.functions import follow_search_path, keep_to_schema

revision = "0036"
down_revision = "0035"

_FUNCTIONS = (
    "access_requests_refuse_pending",
    "audit_entries_refuse_change",
    "audit_entries_refuse_truncate",
    "closed_months_refuse_change",
    "closed_months_refuse_truncate",
    "closed_months_wait",
    "courses_respect_capacity",
    "decision_reversals_refuse_change",
    "decision_reversals_refuse_truncate",
    "decisions_refuse_change",
    "decisions_refuse_truncate",
    "enrollments_respect_capacity",
    "enrollments_supersede",
    "money_movements_refuse_change",
    "money_movements_refuse_closed",
    "money_movements_refuse_truncate",
    "offers_respect_seats",
    "outbox_emails_refuse_past",
    "users_forget_words",
    *(
        f"{table}_count_{event}"
        for table in ("access_requests", "enrollments", "payments", "student_progress", "users")
        for event in ("insert", "update", "delete")
    ),
    *("decisions_count_insert", "decision_reversals_count_insert"),
    *(f"payments_parts_{event}" for event in ("insert", "update", "delete")),
)


def upgrade() -> None:
    keep_to_schema(*_FUNCTIONS)


def downgrade() -> None:
    follow_search_path(*_FUNCTIONS)
