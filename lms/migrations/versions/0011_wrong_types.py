"""SQLite refuses what is no whole number, and no truth value, as PostgreSQL does by its types"""

from alembic import op

revision = "0011"
down_revision = "0010"

_NUMBERS = {
    "access_requests": ("student_id", "course_id"),
    "access_sources": ("user_id", "course_id", "reference", "granted_by"),
    "access_waivers": ("user_id", "course_id"),
    "audit_entries": ("actor_id", "student_id", "course_id"),
    "certificates": ("user_id", "course_id"),
    "chapter_completions": ("student_id", "chapter_id"),
    "chapters": ("course_id", "position"),
    "courses": ("price_cents", "capacity"),
    "decision_reversals": ("decision_id", "request_id", "reversed_by"),
    "decisions": ("request_id", "student_id", "course_id", "decided_by"),
    "enrollments": ("user_id", "course_id", "progress"),
    "import_origins": ("school_id", "row_id"),
    "notices": ("user_id", "course_id", "payment_id"),
    "outbox_emails": ("attempts",),
    "payments": ("user_id", "course_id", "amount_cents", "refunded_cents"),
    "saved_filters": ("user_id",),
    "sign_in_failures": ("failures",),
    "sign_ins": ("user_id",),
    "stripe_disputes": ("amount",),
    "stripe_events": ("attempts", "payment_id"),
    "stripe_refunds": ("amount",),
    "stripe_sessions": ("payment_id", "amount_total"),
    "student_progress": ("student_id", "course_id", "total_progress"),
    "sync_attention": ("row_id", "student_id", "course_id"),
    "sync_changes": ("run_id", "row_id"),
    "sync_runs": ("slot", "started_by"),
    "users": ("version",),
    "versions": ("shard", "value"),
}
_TRUTHS = {
    "courses": ("is_public", "is_default_unlocked"),
    "sign_ins": ("is_remembered",),
    "stripe_events": ("livemode",),
    "sync_runs": ("is_dry_run",),
    "users": ("is_active", "emails_decisions", "emails_purchases", "emails_requests"),
}


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    for table, numbers in _NUMBERS.items():
        wrong = {name: f"typeof(NEW.{name}) NOT IN ('integer', 'null')" for name in numbers}
        wrong |= {name: f"NEW.{name} NOT IN (0, 1)" for name in _TRUTHS.get(table, ())}
        _refuse(table, "insert", "INSERT", list(wrong.values()))
        # What a restored dump has brought in stands in the way of no other column's change.
        changed = [f"NEW.{name} IS NOT OLD.{name} AND {rule}" for name, rule in wrong.items()]
        _refuse(table, "update", f"UPDATE OF {', '.join(wrong)}", changed)


def downgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    for table in _NUMBERS:
        for event in ("insert", "update"):
            op.execute(f"DROP TRIGGER IF EXISTS {table}_refuse_wrong_type_{event}")


def _refuse(table: str, name: str, event: str, conditions: list[str]) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_refuse_wrong_type_{name} BEFORE {event} ON {table} "
        f"WHEN {' OR '.join(conditions)} "
        f"BEGIN SELECT RAISE(ABORT, 'a value of the wrong type for {table}'); END"
    )
