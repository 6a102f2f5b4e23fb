"""One row in every table, put there by raw SQL; ids start at 1 in each."""

import pytest

from tests.conftest import Sql

ADA, BOB = 1, 2
ALGEBRA, BOTANY = 1, 2

_ROWS = (
    "INSERT INTO users (email, name) VALUES ('ada@example.org', 'Ada'), ('bob@example.org', 'Bob')",
    "INSERT INTO courses (title) VALUES ('Algebra'), ('Botany')",
    "INSERT INTO chapters (course_id, title) VALUES (1, 'Sets')",
    "INSERT INTO enrollments (user_id, course_id) VALUES (1, 1)",
    "INSERT INTO student_progress (student_id, course_id) VALUES (1, 1)",
    "INSERT INTO access_sources (user_id, course_id, kind) VALUES (1, 1, 'direct')",
    "INSERT INTO chapter_completions (student_id, chapter_id) VALUES (1, 1)",
    "INSERT INTO access_requests (student_id, course_id) VALUES (2, 1)",
    "INSERT INTO access_waivers (user_id, course_id) VALUES (1, 1)",
    """INSERT INTO payments (user_id, course_id, course_title, user_email, amount_cents,
        stripe_session_id, stripe_payment_intent_id, reference, request_key)
    VALUES (1, 1, 'Algebra', 'ada@example.org', 500, 'cs_1', 'pi_1', 'reference', 'request')""",
    "INSERT INTO payments (amount_cents, status) VALUES (500, 'paid')",
    """INSERT INTO stripe_events (event_id, type, livemode, told_at, received_at, status,
        payment_id, payload)
    VALUES ('evt_1', 't', false, '2026-01-01 00:00:00', '2026-01-01 00:00:00', 'done', 1, '{}')""",
    "INSERT INTO refund_requests (key, payment_id, amount_cents) VALUES ('refund', 1, 1)",
    "INSERT INTO stripe_sessions (id, payment_id, state) VALUES ('cs_1', 1, 'open')",
    """INSERT INTO stripe_refunds (id, amount, currency, status, created_at)
    VALUES ('re_1', 1, 'eur', 'pending', '2026-01-01 00:00:00')""",
    """INSERT INTO stripe_disputes (id, amount, currency, status, told_at, created_at)
    VALUES ('dp_1', 1, 'eur', 'lost', '2026-01-01 00:00:00', '2026-01-01 00:00:00')""",
    "INSERT INTO stripe_cursor (id) VALUES (1)",
    """INSERT INTO stripe_transactions (id, category, amount, fee, currency, created_at)
    VALUES ('txn_1', 'charge', 500, 30, 'eur', '2026-01-01 00:00:00')""",
    """INSERT INTO money_movements (payment_id, kind, amount_cents, currency, happened_at, month,
        booked_month)
    VALUES (2, 'taken', 500, 'eur', '2026-01-02 00:00:00', '2026-01', '2026-01')""",
    "INSERT INTO book_clocks VALUES ('2026-01-01 00:00:00.000000', 3600, 'Europe/Berlin')",
    "INSERT INTO closed_months (month) VALUES ('2025-12')",
    """INSERT INTO manual_refunds (payment_id, amount_cents, reference, refunded_at, request_key)
    VALUES (1, 500, 'reference', '2026-01-03 00:00:00', 'request')""",
    """INSERT INTO allowances (key, used, expires_at)
    VALUES ('key', 1, '2030-01-01 00:00:00')""",
    """INSERT INTO sign_ins (token_hash, user_id, expires_at)
    VALUES ('token', 1, '2030-01-01 00:00:00')""",
    """INSERT INTO interrupted_forms (key_hash, user_id, sealed, expires_at)
    VALUES ('form', 1, 'sealed', '2030-01-01 00:00:00')""",
    """INSERT INTO second_factors (user_id, kind, name, credential_id, secret, last_step)
    VALUES (1, 'totp', 'App', 'digest', 'sealed', 1)""",
    "INSERT INTO recovery_codes (user_id, code_hash) VALUES (1, 'code')",
    """INSERT INTO spent_challenges (challenge_hash, expires_at)
    VALUES ('spent', '2030-01-01 00:00:00')""",
    """INSERT INTO address_changes (user_id, email, expires_at)
    VALUES (1, 'ada@new.example', '2030-01-01 00:00:00')""",
    """INSERT INTO former_addresses (user_id, email, undo_hash, undo_until)
    VALUES (1, 'ada@old.example', 'undo', '2030-01-01 00:00:00')""",
    """INSERT INTO decisions (request_id, student_id, course_id, status, requested_at)
    VALUES (77, 1, 1, 'approved', '2026-01-01 00:00:00'),
        (76, 1, 1, 'rejected', '2026-01-01 00:00:00')""",
    """INSERT INTO offers (student_id, course_id, decision_id, price_cents, currency, expires_at)
    VALUES (2, 2, 7, 500, 'eur', '2030-01-01 00:00:00')""",
    "INSERT INTO decision_reversals (decision_id, request_id) VALUES (1, 78)",
    "INSERT INTO saved_filters (user_id, page, name, query) VALUES (1, 'audit', 'Own', 'q=1')",
    "INSERT INTO erasure_requests (user_id) VALUES (1)",
    "INSERT INTO erasures (person_id) VALUES (4711)",
    "INSERT INTO import_schools (address) VALUES ('sqlite:///old.db')",
    "INSERT INTO import_origins (school_id, table_name, key) VALUES (1, 'users', 'ada')",
    "INSERT INTO audit_entries (action) VALUES ('access.granted')",
    "INSERT INTO outbox_emails (key, recipient, subject, body) VALUES ('key', 'a@b', 's', 'b')",
    """INSERT INTO notices (user_id, kind, key, title, text, course_id, payment_id)
    VALUES (1, 'paid', 'k', 't', '', 1, 1)""",
    """INSERT INTO certificates (user_id, course_id, code, student_name, course_title, completed_at)
    VALUES (1, 1, 'AAAA-AAAA-AAAA-AAAA-AAAA-AAAA', 'Ada', 'Algebra', '2026-01-01 00:00:00')""",
    """INSERT INTO import_runs (token, host, is_file, source, started_by, confirmed_by)
    VALUES ('token', 'host', true, 'old.db', 1, 1)""",
    """INSERT INTO course_files (course_id, name, kind, media_type, digest, bytes, width, height)
    VALUES (1, 'cell.png', 'picture', 'image/png', '"""
    + "a" * 64
    + """', 9, 3, 3)""",
    """INSERT INTO course_files (course_id, name, kind, media_type, digest, bytes, captions_of)
    VALUES (1, 'en.vtt', 'captions', 'text/vtt', '"""
    + "b" * 64
    + """', 9, 1)""",
    """INSERT INTO school_settings
    (id, offer_days, logo_digest, logo_bytes, logo_type, logo_width, logo_height)
    VALUES (1, 3, '"""
    + "c" * 64
    + """', 9, 'image/png', 3, 3)""",
    """INSERT INTO roster_uploads (source, course_id, is_short, digest, content, ending,
    started_by, confirmed_by, run_id) VALUES ('roster.csv', 1, true, 'digest', 'content', 1, 1, 1,
    1)""",
    "INSERT INTO sync_runs (trigger, slot) VALUES ('manual', 1)",
    "INSERT INTO sync_changes (run_id, kind, table_name, row_id) VALUES (1, 'k', 'users', 1)",
    """INSERT INTO sync_attention (kind, table_name, row_id, reason)
    VALUES ('k', 'users', 1, 'r')""",
    "INSERT INTO validations (checked) VALUES (1)",
    "INSERT INTO versions (topic, shard) VALUES ('topic', 1)",
)


@pytest.fixture
def world(sql: Sql) -> None:
    """Ada is enrolled in Algebra, Bob waits for it."""
    sql(*_ROWS)
