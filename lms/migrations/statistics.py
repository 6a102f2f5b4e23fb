"""What SQLite's planner is told of how many rows there are, and how many share a value.

PostgreSQL counts by itself. SQLite counts when told, by reading everything, and plans by it until
then: a school would plan for the day on which it was counted last. Without any figures it takes
each index for one that finds ten rows: of a million entries of the audit trail it reads all with
the same action to find those of one student. These are a big school's, and every school's, so that
a statement is planned alike everywhere and for good: what is right there costs a small one nothing.
"""

import sqlalchemy as sa

ROWS = {
    "access_requests": {
        "ix_access_requests_course_id": "20000 1600",
        "ix_access_requests_status": "20000 20000 1 1",
        "ix_access_requests_student_id": "20000 1 1",
        "uq_access_requests_pending": "20000 1 1",
        "ix_access_requests_news": "10 1",
        "ix_access_requests_waiting": "1000 50 1 1",
    },
    "access_sources": {"ix_access_sources_course_id": "1000000 2000"},
    "audit_entries": {
        "ix_audit_entries_access": "1000000 10 1 1",
        "ix_audit_entries_action": "1500000 190000 1",
        "ix_audit_entries_actor_id": "1500000 1500 1",
        "ix_audit_entries_at": "1500000 2 1",
        "ix_audit_entries_course_id": "1500000 3000 1",
        "ix_audit_entries_edited": "5000 10 1",
        "ix_audit_entries_student_id": "1500000 16 1",
    },
    "certificates": {"ix_certificates_course_id": "150000 300"},
    "chapter_completions": {
        "ix_chapter_completions_chapter_id": "1600000 800",
        "ix_chapter_completions_completed_at": "1600000 1",
    },
    "chapters": {"ix_chapters_course_id_position": "2000 4 1 1"},
    "courses": {"ix_courses_status_title": "500 125 1 1"},
    "current_counts": {"current_counts": "2000 5 1 1 1"},
    "daily_counts": {"daily_counts": "1200000 2500 400 1 1 1"},
    "decisions": {
        "ix_decisions_course_id": "250000 500 1",
        "ix_decisions_decided_at": "250000 1 1",
        "ix_decisions_student_id": "250000 3 1",
    },
    "enrollments": {
        "ix_enrollments_course_id": "1000000 2000 1 1",
        "ix_enrollments_newest": "1000000 2000 1 1",
        "ix_enrollments_not_begun": "350000 1 1",
        "ix_enrollments_not_begun_by_course": "350000 700 1 1",
    },
    "erasure_requests": {"ix_erasure_requests_waiting": "10 1 1"},
    "money_movements": {
        "ix_money_movements_booked_month": "230000 9700 1",
        "ix_money_movements_month": "230000 9700 1",
        "uq_money_movements_entry": "230000 1 1 1 1 1 1",
    },
    "notices": {
        "ix_notices_course_id": "480000 960",
        "ix_notices_payment_id": "480000 2",
        "ix_notices_unread": "30000 1",
        "ix_notices_user_id": "480000 5 1",
    },
    "payments": {
        "ix_payments_attention": "300 1",
        "ix_payments_course_id": "260000 1000",
        "ix_payments_course_title": "260000 1000 1",
        "ix_payments_created_at": "260000 1 1",
        "ix_payments_paid_at": "260000 2 1",
        "ix_payments_status": "260000 52000 1",
        "ix_payments_undelivered": "20 2 1",
        "ix_payments_user_id": "260000 3 1",
        "uq_payments_pair_reference": "260000 3 1 1",
    },
    "student_progress": {
        "ix_student_progress_course_id": "1000000 2000 400 2",
        "ix_student_progress_odd": "100 1 1",
        "ix_student_progress_unfinished": "850000 2 1",
        "ix_student_progress_unfinished_by_course": "850000 1700 2 1",
    },
    "users": {
        "ix_users_locked_out": "1000 1",
        "ix_users_not_accepted": "1000 500 2 1",
        "ix_users_role_name": "100000 50000 200 1 1",
        "ix_users_unwritten": "100 1",
    },
}
"""By table and index: how many rows, and how many share its first column, its first two, ..."""


def write(connection: sa.Connection) -> None:
    """Tell SQLite's planner these figures, in place of all others; connections to come use them."""
    if connection.dialect.name != "sqlite":
        return
    delete(connection)
    connection.exec_driver_sql(
        "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)",
        [(table, *row) for table, rows in ROWS.items() for row in rows.items()],
    )


def delete(connection: sa.Connection) -> None:
    """Let SQLite plan without any figures."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("ANALYZE sqlite_schema")  # makes the table, and counts nothing
        connection.exec_driver_sql("DELETE FROM sqlite_stat1")
