"""The same checks as sync's, as plain SQL written by hand: what validation is measured against."""

_PAID = "('paid', 'partially_refunded')"
_LOST = "('refunded', 'dispute_lost')"
_SHARE = """coalesce((SELECT count(*) FROM chapter_completions cc JOIN chapters ch
    ON ch.id = cc.chapter_id WHERE cc.student_id = e.user_id AND ch.course_id = e.course_id) * 100
    / nullif((SELECT count(*) FROM chapters ch WHERE ch.course_id = e.course_id), 0), 0)"""


def _word(column: str, known: str, otherwise: str) -> str:
    low = f"lower(trim({column}))"
    return f"{column} <> CASE WHEN {low} IN {known} THEN {low} ELSE '{otherwise}' END"


def _no(table: str, condition: str) -> str:
    return f"NOT EXISTS (SELECT 1 FROM {table} WHERE {condition})"


def _orphans(table: str, student: str = "student_id", course: str = "course_id") -> str:
    no_user, no_course = (
        _no("users u", f"u.id = t.{student}"),
        _no("courses c", f"c.id = t.{course}"),
    )
    return f"{table} t WHERE {no_user} OR {no_course}"


def _twice(table: str, first: str, second: str) -> str:
    return (
        f"{table} t WHERE EXISTS (SELECT 1 FROM {table} o WHERE o.{first} = t.{first}"
        f" AND o.{second} = t.{second} AND o.id < t.id)"
    )


_MIRROR = "student_progress p ON p.student_id = e.user_id AND p.course_id = e.course_id"
_ENROLLED = "enrollments e ON e.user_id = {0}.{1} AND e.course_id = {0}.course_id"
_COURSE_STATUSES = "('draft', 'published', 'active', 'archived')"
_PAYMENT_STATUSES = (
    "('pending', 'processing', 'paid', 'partially_refunded', 'refunded', 'failed', 'expired',"
    " 'disputed', 'dispute_lost', 'needs_review', 'undeliverable')"
)
_RESTS_ON_LOST = f"""EXISTS (SELECT 1 FROM payments p WHERE p.user_id = e.user_id
        AND p.course_id = e.course_id AND p.status IN {_LOST})
    AND NOT EXISTS (SELECT 1 FROM access_sources s WHERE s.user_id = e.user_id
        AND s.course_id = e.course_id AND NOT (s.kind = 'payment' AND EXISTS (
            SELECT 1 FROM payments q WHERE q.id = s.reference AND q.status IN {_LOST})))"""

RAW = (
    f"courses WHERE {_word('status', _COURSE_STATUSES, 'draft')}",
    f"payments WHERE {_word('status', _PAYMENT_STATUSES, 'needs_review')}",
    f"access_requests WHERE {_word('status', _COURSE_STATUSES, 'pending')} AND status <> 'pending'",
    "users WHERE email <> lower(trim(email))",
    "users t WHERE EXISTS (SELECT 1 FROM users o WHERE o.email = t.email AND o.id < t.id)",
    f"chapters t WHERE {_no('courses c', 'c.id = t.course_id')}",
    _orphans("enrollments", "user_id"),
    _orphans("student_progress"),
    _orphans("access_requests"),
    f"chapter_completions t WHERE {_no('users u', 'u.id = t.student_id')}"
    f" OR {_no('chapters c', 'c.id = t.chapter_id')}",
    _orphans("access_sources", "user_id"),
    _orphans("access_waivers", "user_id"),
    f"sign_ins t WHERE {_no('users u', 'u.id = t.user_id')}",
    f"payments t WHERE (user_id IS NOT NULL AND {_no('users u', 'u.id = t.user_id')})"
    f" OR (course_id IS NOT NULL AND {_no('courses c', 'c.id = t.course_id')})",
    f"payments WHERE status IN {_PAID} AND (user_id IS NULL OR course_id IS NULL)",
    _twice("chapter_completions", "student_id", "chapter_id"),
    _twice("enrollments", "user_id", "course_id"),
    _twice("student_progress", "student_id", "course_id"),
    f"student_progress t LEFT JOIN {_ENROLLED.format('t', 'student_id')} WHERE e.id IS NULL",
    f"enrollments e LEFT JOIN {_MIRROR} WHERE p.id IS NULL",
    f"access_requests r LEFT JOIN {_ENROLLED.format('r', 'student_id')}"
    " WHERE e.id IS NULL AND r.status = 'approved'",
    "access_requests r WHERE r.status <> 'pending'"
    " OR EXISTS (SELECT 1 FROM decisions d WHERE d.request_id = r.id)",
    "payments p JOIN stripe_sessions s ON s.payment_id = p.id WHERE s.state = 'paid'"
    " AND p.status IN ('pending', 'processing', 'failed', 'expired')",
    "payments p JOIN (SELECT payment_intent, sum(amount) AS refunded FROM stripe_refunds"
    " WHERE status = 'succeeded' GROUP BY payment_intent) r"
    " ON r.payment_intent = p.stripe_payment_intent_id WHERE r.refunded > p.refunded_cents",
    "payments p JOIN stripe_disputes d ON d.payment_intent = p.stripe_payment_intent_id"
    f" WHERE d.status IN ('needs_response', 'under_review', 'lost') AND p.status IN {_PAID}",
    f"payments p LEFT JOIN {_ENROLLED.format('p', 'user_id')}"
    f" WHERE e.id IS NULL AND p.status IN {_PAID}",
    f"enrollments e WHERE {_RESTS_ON_LOST}",
    f"access_sources s LEFT JOIN {_ENROLLED.format('s', 'user_id')} WHERE e.id IS NULL",
    "enrollments e WHERE "
    + _no("access_sources s", "s.user_id = e.user_id AND s.course_id = e.course_id")
    + f" AND NOT ({_RESTS_ON_LOST})",
    "users u JOIN courses c ON c.is_default_unlocked AND c.status IN ('published', 'active')"
    " LEFT JOIN enrollments e ON e.user_id = u.id AND e.course_id = c.id"
    " WHERE u.role = 'student' AND e.id IS NULL",
    "access_sources s WHERE (s.kind = 'approval' AND "
    + _no("decisions d", "d.id = s.reference AND d.status = 'approved'")
    + ") OR (s.kind = 'payment' AND "
    + _no("payments p", f"p.id = s.reference AND p.status NOT IN {_LOST}")
    + ") OR (s.kind = 'default' AND "
    + _no("courses c", "c.id = s.course_id AND c.is_default_unlocked")
    + ")",
    f"access_requests r JOIN {_ENROLLED.format('r', 'student_id')} WHERE r.status = 'pending'",
    _twice("access_requests", "student_id", "course_id"),
    f"enrollments e JOIN {_MIRROR} WHERE p.total_progress <> e.progress",
    f"enrollments e WHERE e.progress <> {_SHARE}",
    "enrollments WHERE (progress = 100) <> (completed_at IS NOT NULL)",
    "courses c WHERE c.capacity < (SELECT count(*) FROM enrollments e WHERE e.course_id = c.id)",
)
"""What follows SELECT count(*) FROM."""

_WHOLE = {
    "users": (
        "is_active",
        "version",
        "emails_decisions",
        "emails_purchases",
        "emails_messages",
        "emails_requests",
    ),
    "courses": ("capacity", "is_public", "is_default_unlocked", "price_cents"),
    "chapters": ("position",),
    "payments": ("amount_cents", "refunded_cents"),
}
"""Columns in which SQLite may hold something else than a whole number."""

_TIMES = {
    "users": ("created_at",),
    "courses": ("created_at",),
    "enrollments": ("enrolled_at", "completed_at"),
    "student_progress": ("last_activity_at",),
    "access_sources": ("granted_at",),
    "access_requests": ("created_at",),
    "chapter_completions": ("completed_at",),
    "payments": ("created_at", "paid_at", "access_ended_at", "session_expires_at"),
    "sign_ins": ("created_at", "expires_at"),
}


_PROGRESS = {"enrollments": ("progress",), "student_progress": ("total_progress",)}

_BY_ENGINE = {
    "sqlite": (
        (_TIMES, "({0} IS NOT NULL AND julianday({0}) IS NULL)"),
        (_WHOLE, "typeof({0}) NOT IN ('integer', 'null')"),
        (_PROGRESS, "({0} NOT BETWEEN 0 AND 100 OR typeof({0}) <> 'integer')"),
    ),
    "postgresql": (
        (_TIMES, "{0} NOT BETWEEN '0001-01-02' AND '9999-12-30'"),
        (_PROGRESS, "({0} NOT BETWEEN 0 AND 100 OR {0} IS NULL)"),
    ),
}


def raw_checks(dialect: str) -> list[str]:
    """Return the checks as statements."""
    by_engine = [
        f"{table} WHERE {' OR '.join(is_wrong.format(column) for column in columns)}"
        for tables, is_wrong in _BY_ENGINE[dialect]
        for table, columns in tables.items()
    ]
    return [f"SELECT count(*) FROM {check}" for check in (*RAW, *by_engine)]
