"""Each constraint that a value or a pair can break, broken by raw SQL on both engines."""

import pytest
from flask import Flask
from sqlalchemy import CheckConstraint, ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.exc import IntegrityError

from lms.db import db
from tests.conftest import Sql

pytestmark = pytest.mark.usefixtures("world")


def _a_movement(**values: object) -> str:
    row: dict[str, object] = {
        "payment_id": 2,
        "kind": "taken",
        "amount_cents": 1,
        "currency": "eur",
        "happened_at": "2026-02-01 00:00:00",
        "month": "2026-02",
        "booked_month": "2026-02",
    } | values
    listed = ", ".join(
        f"'{value}'" if isinstance(value, str) else f"{value}" for value in row.values()
    )
    return f"INSERT INTO money_movements ({', '.join(row)}) VALUES ({listed})"


CHECKS = {
    "ck_users_email_lower": "UPDATE users SET email = 'Ada@example.org' WHERE id = 1",
    "ck_users_email_given": "UPDATE users SET email = '' WHERE id = 1",
    "ck_users_role": "UPDATE users SET role = 'teacher' WHERE id = 1",
    "ck_notices_kind": "UPDATE notices SET kind = 'gossip'",
    "ck_notices_title_given": "UPDATE notices SET title = ''",
    "ck_certificates_code": "UPDATE certificates SET code = 'AAAA'",
    "ck_courses_status": "UPDATE courses SET status = 'Published' WHERE id = 1",
    "ck_address_changes_email_lower": "UPDATE address_changes SET email = 'Ada@new.example'",
    "ck_address_changes_email_given": "UPDATE address_changes SET email = ''",
    "ck_former_addresses_email_lower": "UPDATE former_addresses SET email = 'Ada@old.example'",
    "ck_former_addresses_email_given": "UPDATE former_addresses SET email = ''",
    "ck_courses_price_cents": "UPDATE courses SET price_cents = -1 WHERE id = 1",
    "ck_courses_currency": "UPDATE courses SET currency = 'EUR' WHERE id = 1",
    "ck_courses_capacity": "INSERT INTO courses (title, capacity) VALUES ('Hell', -1)",
    "ck_courses_default_has_no_limit": """
        UPDATE courses SET capacity = 10, is_default_unlocked = true WHERE id = 1""",
    "ck_enrollments_progress": "UPDATE enrollments SET progress = 101",
    "ck_student_progress_total_progress": "UPDATE student_progress SET total_progress = -1",
    "ck_access_sources_kind": "UPDATE access_sources SET kind = 'luck'",
    "ck_access_requests_status": "UPDATE access_requests SET status = 'PENDING'",
    "ck_decisions_status": """
        INSERT INTO decisions (request_id, student_id, course_id, status, requested_at)
        VALUES (78, 1, 1, 'pending', '2026-01-01 00:00:00')""",
    "ck_payments_status": "UPDATE payments SET status = 'stolen'",
    "ck_payments_amount_cents": "UPDATE payments SET amount_cents = -1, refunded_cents = -1",
    **{
        f"ck_payments_{name}_cents": f"UPDATE payments SET {name}_cents = -1"
        for name in ("agreed", "subtotal", "discount", "tax", "accepted")
    },
    "ck_payments_refunded_cents": "UPDATE payments SET refunded_cents = 501",
    "ck_payments_lost_cents": "UPDATE payments SET lost_cents = 501",
    "ck_refund_requests_status": "UPDATE refund_requests SET status = 'lost'",
    "ck_refund_requests_amount_cents": "UPDATE refund_requests SET amount_cents = 0",
    "ck_refund_requests_taken": "UPDATE refund_requests SET status = 'taken'",
    "ck_payments_currency": "UPDATE payments SET currency = 'eu'",
    "ck_payments_method": "UPDATE payments SET method = 'barter'",
    "ck_payments_sale_end": "UPDATE payments SET sale_end = 'rain'",
    "ck_manual_refunds_amount_cents": "UPDATE manual_refunds SET amount_cents = 0",
    "ck_money_movements_kind": _a_movement(kind="found"),
    "ck_money_movements_month": _a_movement(month="1969-12"),
    "ck_money_movements_booked_month": _a_movement(booked_month="2026-01"),
    "ck_closed_months_month": "INSERT INTO closed_months (month) VALUES ('2026-1')",
    "ck_stripe_events_status": "UPDATE stripe_events SET status = 'lost'",
    "ck_stripe_sessions_state": "UPDATE stripe_sessions SET state = 'complete'",
    "ck_stripe_refunds_status": "UPDATE stripe_refunds SET status = 'gone'",
    "ck_stripe_cursor_one_row": "INSERT INTO stripe_cursor (id) VALUES (2)",
    "ck_import_runs_status": "UPDATE import_runs SET status = 'lost'",
    "ck_import_runs_step": "UPDATE import_runs SET step = 'dancing'",
    "ck_school_settings_id": "UPDATE school_settings SET id = 2",
    "ck_school_settings_currency": "UPDATE school_settings SET currency = 'EUR'",
    "ck_school_settings_offer_days": "UPDATE school_settings SET offer_days = 0",
    "ck_school_settings_logo_digest": "UPDATE school_settings SET logo_digest = 'x'",
    "ck_school_settings_logo_type": "UPDATE school_settings SET logo_type = 'image/gif'",
    "ck_school_settings_logo_whole": "UPDATE school_settings SET logo_bytes = NULL",
    "ck_course_files_kind": "UPDATE course_files SET kind = 'script'",
    "ck_course_files_name_given": "UPDATE course_files SET name = ''",
    "ck_course_files_digest": "UPDATE course_files SET digest = upper(digest)",
    "ck_course_files_bytes": "UPDATE course_files SET bytes = 0",
    "ck_course_files_measures": "UPDATE course_files SET width = NULL WHERE id = 1",
    "ck_course_files_cover_is_picture": "UPDATE course_files SET is_cover = TRUE WHERE id = 2",
    "ck_course_files_captions": "UPDATE course_files SET language = 'en' WHERE id = 1",
    "ck_roster_uploads_status": "UPDATE roster_uploads SET status = 'dancing'",
    "ck_sync_runs_trigger": "UPDATE sync_runs SET trigger = 'boredom'",
    "ck_sync_runs_status": "UPDATE sync_runs SET status = 'asleep'",
    "ck_second_factors_kind": "UPDATE second_factors SET kind = 'pigeon', secret = NULL",
    "ck_second_factors_totp_whole": "UPDATE second_factors SET last_step = NULL",
    "ck_second_factors_passkey_whole": """
        INSERT INTO second_factors (user_id, kind, name, credential_id, public_key)
        VALUES (1, 'passkey', 'Key', 'id', 'key')""",
    "ck_offers_status": "UPDATE offers SET status = 'lost', ended_at = expires_at",
    "ck_offers_price_cents": "UPDATE offers SET price_cents = 0",
    "ck_offers_currency": "UPDATE offers SET currency = 'EUR'",
    "ck_offers_ended": "UPDATE offers SET status = 'declined'",
    "ck_validations_status": "UPDATE validations SET status = 'asleep'",
}

UNIQUES = {
    "uq_users_email": "UPDATE users SET email = 'ada@example.org' WHERE id = 2",
    "uq_course_files_cover": """
        INSERT INTO course_files (course_id, name, kind, media_type, digest, bytes, is_cover)
        SELECT course_id, name || n, 'picture', media_type, digest, bytes, TRUE
        FROM course_files, (SELECT 1 AS n UNION SELECT 2) AS two WHERE id = 1""",
    "uq_course_files_course_id_digest_name": """
        INSERT INTO course_files (course_id, name, kind, media_type, digest, bytes)
        SELECT course_id, name, kind, media_type, digest, bytes FROM course_files""",
    "uq_courses_code": "UPDATE courses SET code = 'MATH-101'",
    "uq_enrollments_user_id_course_id": """
        INSERT INTO enrollments (user_id, course_id, progress) VALUES (1, 1, 50)""",
    "uq_student_progress_student_id_course_id": """
        INSERT INTO student_progress (student_id, course_id, total_progress) VALUES (1, 1, 50)""",
    "uq_access_sources_user_id_course_id_kind_reference": """
        INSERT INTO access_sources (user_id, course_id, kind) VALUES (1, 1, 'direct')""",
    "uq_chapter_completions_student_id_chapter_id": """
        INSERT INTO chapter_completions (student_id, chapter_id) VALUES (1, 1)""",
    "uq_access_requests_pending": """
        INSERT INTO access_requests (student_id, course_id) VALUES (2, 1)""",
    "uq_decisions_request_id": """
        INSERT INTO decisions (request_id, student_id, course_id, status, requested_at)
        VALUES (77, 2, 1, 'rejected', '2026-01-01 00:00:00')""",
    "uq_offers_open": """
        INSERT INTO offers (student_id, course_id, price_cents, currency, expires_at)
        VALUES (2, 2, 500, 'eur', '2030-01-01 00:00:00')""",
    "uq_offers_decision_id": """
        INSERT INTO offers (student_id, course_id, decision_id, price_cents, currency, expires_at)
        VALUES (1, 2, 7, 500, 'eur', '2030-01-01 00:00:00')""",
    "uq_decision_reversals_decision_id": "INSERT INTO decision_reversals (decision_id) VALUES (1)",
    "uq_decision_reversals_request_id": """
        INSERT INTO decision_reversals (decision_id, request_id) VALUES (2, 78)""",
    "uq_import_origins_school_id_table_name_key": """
        INSERT INTO import_origins (school_id, table_name, key)
        VALUES (1, 'users', 'ada')""",
    "uq_saved_filters_user_id_page_name": """
        INSERT INTO saved_filters (user_id, page, name, query) VALUES (1, 'audit', 'Own', 'q=2')""",
    "uq_refund_requests_key": """
        INSERT INTO refund_requests (key, payment_id, amount_cents) VALUES ('refund', 1, 1)""",
    "uq_refund_requests_stripe_refund_id": """
        INSERT INTO refund_requests (key, payment_id, amount_cents, status, stripe_refund_id)
        VALUES ('other', 1, 1, 'taken', 're_2'), ('third', 1, 1, 'taken', 're_2')""",
    "uq_payments_stripe_session_id": """
        INSERT INTO payments (amount_cents, stripe_session_id) VALUES (1, 'cs_1')""",
    "uq_payments_stripe_payment_intent_id": """
        INSERT INTO payments (amount_cents, stripe_payment_intent_id) VALUES (1, 'pi_1')""",
    "uq_payments_reference": """
        INSERT INTO payments (amount_cents, reference) VALUES (1, 'reference')""",
    "uq_payments_pair_reference": """
        INSERT INTO payments (user_id, course_id, amount_cents, status, method, reference)
        VALUES (1, 1, 1, 'paid', 'cash', 'reference')""",
    "uq_payments_request_key": """
        INSERT INTO payments (amount_cents, request_key) VALUES (1, 'request')""",
    "uq_manual_refunds_payment_id_reference": """
        INSERT INTO manual_refunds (payment_id, amount_cents, reference, refunded_at)
        VALUES (1, 1, 'reference', '2026-01-01 00:00:00')""",
    "uq_manual_refunds_request_key": """
        INSERT INTO manual_refunds (payment_id, amount_cents, reference, refunded_at, request_key)
        VALUES (1, 1, 'other', '2026-01-01 00:00:00', 'request')""",
    "uq_money_movements_entry": f"{_a_movement()}, {_a_movement().partition('VALUES ')[2]}",
    "uq_payments_open": """
        INSERT INTO payments (user_id, course_id, amount_cents) VALUES (1, 1, 1)""",
    "uq_stripe_events_event_id": """
        INSERT INTO stripe_events (event_id, type, livemode, told_at, received_at, status, payload)
        VALUES ('evt_1', 't', false, '2026-01-01 00:00:00', '2026-01-01 00:00:00', 'done', '{}')""",
    "uq_sign_ins_token_hash": """
        INSERT INTO sign_ins (token_hash, user_id, expires_at)
        VALUES ('token', 2, '2030-01-01 00:00:00')""",
    "uq_second_factors_credential_id": """
        INSERT INTO second_factors (user_id, kind, name, credential_id, secret, last_step)
        VALUES (2, 'totp', 'App', 'digest', 'sealed', 1)""",
    "uq_recovery_codes_code_hash": """
        INSERT INTO recovery_codes (user_id, code_hash) VALUES (2, 'code')""",
    "uq_address_changes_user_id": """
        INSERT INTO address_changes (user_id, email, expires_at)
        VALUES (1, 'ada@other.example', '2030-01-01 00:00:00')""",
    "uq_former_addresses_undo_hash": """
        INSERT INTO former_addresses (user_id, email, undo_hash, undo_until)
        VALUES (2, 'bob@old.example', 'undo', '2030-01-01 00:00:00')""",
    "uq_outbox_emails_key": """
        INSERT INTO outbox_emails (key, recipient, subject, body)
        VALUES ('key', 'c@d', 't', 'u')""",
    "uq_notices_key": """
        INSERT INTO notices (user_id, kind, key, title, text) VALUES (2, 'paid', 'k', 't', '')""",
    "uq_certificates_code": """
        INSERT INTO certificates (user_id, code, student_name, course_title, completed_at)
        VALUES (2, 'AAAA-AAAA-AAAA-AAAA-AAAA-AAAA', 'Bob', 'Algebra', '2026-01-01 00:00:00')""",
    "uq_certificates_user_id_course_id": """
        INSERT INTO certificates (user_id, course_id, code, student_name, course_title,
            completed_at)
        VALUES (1, 1, 'BBBB-AAAA-AAAA-AAAA-AAAA-AAAA', 'Ada', 'Algebra', '2026-01-01 00:00:00')""",
    "uq_sync_attention_kind_table_name_row_id_course_id": """
        INSERT INTO sync_attention (kind, table_name, row_id, reason)
        VALUES ('a', 'users', 1, 'b'), ('a', 'users', 1, 'c')""",
    "uq_sync_runs_running": """
        INSERT INTO sync_runs (trigger, status)
        VALUES ('manual', 'running'), ('manual', 'running')""",
    "uq_import_runs_open": """
        INSERT INTO import_runs (token, host, is_file, source)
        VALUES ('other', 'host', true, 'other.db')""",
    "uq_validations_running": "INSERT INTO validations (status) VALUES ('running')",
    "uq_sync_runs_slot": "INSERT INTO sync_runs (trigger, slot) VALUES ('startup', 1)",
    "pk_access_waivers": "INSERT INTO access_waivers (user_id, course_id) VALUES (1, 1)",
    "pk_versions": "INSERT INTO versions (topic, shard) VALUES ('topic', 1)",
    "pk_daily_counts": """
        INSERT INTO daily_counts (course_id, name, day, detail, shard, value)
        VALUES (1, 'a', '2026-01-01', '', 0, 1), (1, 'a', '2026-01-01', '', 0, 2)""",
    "pk_current_counts": """
        INSERT INTO current_counts (course_id, name, detail, shard, value)
        VALUES (1, 'a', '', 0, 1), (1, 'a', '', 0, 2)""",
}

IMPLIED_BY_THE_PAIR = {
    # No two rows of a pair, so no two of a pair with its progress; no two of an id, so no two of it
    # with its course: only there as a key's target.
    "uq_enrollments_user_id_course_id_progress",
    "uq_course_files_course_id_id",
    "uq_student_progress_student_id_course_id_total_progress",
}

REFERENCES = {
    "fk_chapters_course_id": "INSERT INTO chapters (course_id, title) VALUES (9, 'Nowhere')",
    "fk_course_files_course_id": "UPDATE course_files SET course_id = 9 WHERE id = 2",
    "fk_course_files_course_id_captions_of": "UPDATE course_files SET course_id = 2 WHERE id = 2",
    "fk_enrollments_user_id": """
        INSERT INTO enrollments (user_id, course_id) VALUES (9, 1);
        INSERT INTO student_progress (student_id, course_id) VALUES (9, 1)""",
    "fk_enrollments_course_id": """
        INSERT INTO enrollments (user_id, course_id) VALUES (1, 9);
        INSERT INTO student_progress (student_id, course_id) VALUES (1, 9)""",
    "fk_student_progress_student_id": """
        INSERT INTO student_progress (student_id, course_id) VALUES (9, 1)""",
    "fk_student_progress_course_id": """
        INSERT INTO student_progress (student_id, course_id) VALUES (1, 9)""",
    "fk_decision_reversals_decision_id": """
        INSERT INTO decision_reversals (decision_id) VALUES (9)""",
    "fk_import_origins_school_id": """
        INSERT INTO import_origins (school_id, table_name, key) VALUES (9, 'users', '7')""",
    "fk_address_changes_user_id": """
        INSERT INTO address_changes (user_id, email, expires_at)
        VALUES (9, 'eve@new.example', '2030-01-01 00:00:00')""",
    "fk_former_addresses_user_id": """
        INSERT INTO former_addresses (user_id, email, undo_hash, undo_until)
        VALUES (9, 'eve@old.example', 'other', '2030-01-01 00:00:00')""",
    "fk_saved_filters_user_id": """
        INSERT INTO saved_filters (user_id, page, name, query) VALUES (9, 'audit', 'Own', 'q=1')""",
    "fk_access_sources_enrollment": """
        INSERT INTO access_sources (user_id, course_id, kind) VALUES (2, 1, 'direct')""",
    "fk_access_waivers_user_id": "INSERT INTO access_waivers (user_id, course_id) VALUES (9, 1)",
    "fk_access_waivers_course_id": "INSERT INTO access_waivers (user_id, course_id) VALUES (1, 9)",
    "fk_chapter_completions_student_id": """
        INSERT INTO chapter_completions (student_id, chapter_id) VALUES (9, 1)""",
    "fk_chapter_completions_chapter_id": """
        INSERT INTO chapter_completions (student_id, chapter_id) VALUES (1, 9)""",
    "fk_access_requests_student_id": """
        INSERT INTO access_requests (student_id, course_id) VALUES (9, 1)""",
    "fk_access_requests_course_id": """
        INSERT INTO access_requests (student_id, course_id) VALUES (1, 9)""",
    "fk_offers_student_id": "UPDATE offers SET student_id = 9",
    "fk_offers_course_id": "UPDATE offers SET course_id = 9",
    "fk_payments_user_id": "UPDATE payments SET user_id = 9",
    "fk_payments_course_id": "UPDATE payments SET course_id = 9",
    "fk_stripe_events_payment_id": "UPDATE stripe_events SET payment_id = 9",
    "fk_refund_requests_payment_id": "UPDATE refund_requests SET payment_id = 9",
    "fk_stripe_sessions_payment_id": "UPDATE stripe_sessions SET payment_id = 9",
    "fk_money_movements_payment_id": _a_movement(payment_id=9),
    "fk_manual_refunds_payment_id": "UPDATE manual_refunds SET payment_id = 9",
    "fk_sign_ins_user_id": "UPDATE sign_ins SET user_id = 9",
    "fk_sign_ins_viewed_id": "UPDATE sign_ins SET viewed_id = 9",
    "fk_erasure_requests_user_id": "UPDATE erasure_requests SET user_id = 9",
    "fk_interrupted_forms_user_id": "UPDATE interrupted_forms SET user_id = 9",
    "fk_second_factors_user_id": "UPDATE second_factors SET user_id = 9",
    "fk_recovery_codes_user_id": "UPDATE recovery_codes SET user_id = 9",
    "fk_sync_changes_run_id": "UPDATE sync_changes SET run_id = 9",
    "fk_notices_user_id": "UPDATE notices SET user_id = 9",
    "fk_notices_course_id": "UPDATE notices SET course_id = 9",
    "fk_notices_payment_id": "UPDATE notices SET payment_id = 9",
    "fk_certificates_user_id": "UPDATE certificates SET user_id = 9",
    "fk_certificates_course_id": "UPDATE certificates SET course_id = 9",
}

_UNBOOKED = "payments WHERE id = 1"
"""What the books have an entry of is never deleted."""

FOLLOWS = {
    # child rows: (their SELECT, the deletion of what they refer to, what is left of them)
    "fk_chapters_course_id": ("SELECT course_id FROM chapters", "courses", []),
    "fk_course_files_course_id": ("SELECT id FROM course_files", "courses", []),
    "fk_course_files_course_id_captions_of": (
        "SELECT id FROM course_files WHERE captions_of IS NOT NULL",
        "course_files WHERE id = 1",
        [],
    ),
    "fk_enrollments_user_id": ("SELECT user_id FROM enrollments", "users", []),
    "fk_enrollments_course_id": ("SELECT course_id FROM enrollments", "courses", []),
    "fk_student_progress_student_id": ("SELECT student_id FROM student_progress", "users", []),
    "fk_student_progress_course_id": ("SELECT course_id FROM student_progress", "courses", []),
    "fk_student_progress_mirror": ("SELECT id FROM student_progress", "enrollments", []),
    "fk_address_changes_user_id": ("SELECT id FROM address_changes", "users", []),
    "fk_former_addresses_user_id": ("SELECT id FROM former_addresses", "users", []),
    "fk_saved_filters_user_id": ("SELECT id FROM saved_filters", "users", []),
    "fk_import_origins_school_id": ("SELECT id FROM import_origins", "import_schools", []),
    "fk_access_sources_enrollment": ("SELECT id FROM access_sources", "enrollments", []),
    "fk_access_waivers_user_id": ("SELECT user_id FROM access_waivers", "users", []),
    "fk_access_waivers_course_id": ("SELECT course_id FROM access_waivers", "courses", []),
    "fk_chapter_completions_student_id": ("SELECT id FROM chapter_completions", "users", []),
    "fk_chapter_completions_chapter_id": ("SELECT id FROM chapter_completions", "chapters", []),
    "fk_access_requests_student_id": ("SELECT id FROM access_requests", "users", []),
    "fk_access_requests_course_id": ("SELECT id FROM access_requests", "courses", []),
    "fk_offers_student_id": ("SELECT id FROM offers", "users", []),
    "fk_offers_course_id": ("SELECT id FROM offers", "courses", []),
    "fk_payments_user_id": (
        "SELECT user_id, user_email FROM payments WHERE id = 1",
        "users",
        [(None, "ada@example.org")],
    ),
    "fk_payments_course_id": (
        "SELECT course_id, course_title FROM payments WHERE id = 1",
        "courses",
        [(None, "Algebra")],
    ),
    "fk_stripe_events_payment_id": (
        "SELECT event_id, payment_id FROM stripe_events",
        _UNBOOKED,
        [("evt_1", None)],
    ),
    "fk_stripe_sessions_payment_id": ("SELECT id FROM stripe_sessions", _UNBOOKED, []),
    "fk_manual_refunds_payment_id": ("SELECT id FROM manual_refunds", _UNBOOKED, []),
    "fk_refund_requests_payment_id": ("SELECT key FROM refund_requests", _UNBOOKED, []),
    "fk_sign_ins_user_id": ("SELECT id FROM sign_ins", "users", []),
    "fk_sign_ins_viewed_id": ("SELECT id, viewed_id FROM sign_ins", "users", []),
    "fk_erasure_requests_user_id": ("SELECT user_id FROM erasure_requests", "users", []),
    "fk_interrupted_forms_user_id": ("SELECT sealed FROM interrupted_forms", "users", []),
    "fk_second_factors_user_id": ("SELECT id FROM second_factors", "users", []),
    "fk_recovery_codes_user_id": ("SELECT id FROM recovery_codes", "users", []),
    "fk_sync_changes_run_id": ("SELECT id FROM sync_changes", "sync_runs", []),
    "fk_notices_user_id": ("SELECT id FROM notices", "users", []),
    "fk_notices_course_id": ("SELECT title, course_id FROM notices", "courses", [("t", None)]),
    "fk_notices_payment_id": ("SELECT title, payment_id FROM notices", _UNBOOKED, [("t", None)]),
    "fk_certificates_user_id": ("SELECT id FROM certificates", "users", []),
    "fk_certificates_course_id": (
        "SELECT course_title, course_id FROM certificates",
        "courses",
        [("Algebra", None)],
    ),
}


@pytest.mark.parametrize("name", CHECKS)
def test_the_database_refuses_a_value_that_cannot_be(sql: Sql, name: str) -> None:
    with pytest.raises(IntegrityError) as refused:
        sql(CHECKS[name])
    assert name in str(refused.value.orig)


@pytest.mark.parametrize("name", UNIQUES)
def test_the_database_refuses_a_second_row_for_the_same(app: Flask, sql: Sql, name: str) -> None:
    with pytest.raises(IntegrityError) as refused:
        sql(UNIQUES[name])
    assert _names(refused.value, name) or "UNIQUE constraint failed" in str(refused.value.orig)


@pytest.mark.parametrize("name", REFERENCES)
def test_the_database_refuses_a_row_that_refers_to_nothing(sql: Sql, name: str) -> None:
    with pytest.raises(IntegrityError) as refused:
        sql(*REFERENCES[name].split(";"))
    assert _names(refused.value, name) or "FOREIGN KEY constraint failed" in str(refused.value.orig)


@pytest.mark.parametrize("name", FOLLOWS)
def test_what_refers_to_a_deleted_row_follows_it(sql: Sql, name: str) -> None:
    children, parent, left = FOLLOWS[name]
    assert sql(children)
    sql(f"DELETE FROM {parent}")
    assert [tuple(row) for row in sql(children)] == left


def test_no_constraint_goes_untested() -> None:
    constraints = {c for table in db.metadata.tables.values() for c in table.constraints}
    tables = db.metadata.tables.values()
    unique_indexes = {str(i.name) for table in tables for i in table.indexes if i.unique}
    composite_keys = {str(t.primary_key.name) for t in tables if len(t.primary_key.columns) > 1}

    assert {str(c.name) for c in constraints if isinstance(c, CheckConstraint)} == CHECKS.keys()
    assert {str(c.name) for c in constraints if isinstance(c, UniqueConstraint)} == (
        UNIQUES.keys() - unique_indexes - composite_keys | IMPLIED_BY_THE_PAIR
    )
    assert unique_indexes | composite_keys <= UNIQUES.keys()
    keys = {str(c.name) for c in constraints if isinstance(c, ForeignKeyConstraint)}
    mirrors = {"fk_enrollments_mirror", "fk_student_progress_mirror"}  # tests/models/test_mirror.py
    assert keys - mirrors == REFERENCES.keys()
    kept_for_good = {"fk_decision_reversals_decision_id", "fk_money_movements_payment_id"}
    assert keys - {"fk_enrollments_mirror"} - kept_for_good == FOLLOWS.keys()


def test_a_payment_that_the_books_have_is_never_deleted(sql: Sql) -> None:
    with pytest.raises(IntegrityError):
        sql("DELETE FROM payments WHERE id = 2")


def test_a_reference_of_ours_may_be_a_reference_of_a_bank_s(sql: Sql) -> None:
    sql("INSERT INTO payments (amount_cents, method, reference) VALUES (1, 'cash', 'reference')")
    assert len(sql("SELECT id FROM payments WHERE reference = 'reference'")) == 2


def test_a_decided_request_may_stand_beside_a_pending_one(sql: Sql) -> None:
    sql("INSERT INTO access_requests (student_id, course_id, status) VALUES (2, 1, 'approved')")
    assert len(sql("SELECT id FROM access_requests")) == 2


def _names(error: IntegrityError, constraint: str) -> bool:
    diagnosis = getattr(error.orig, "diag", None)
    return diagnosis is not None and diagnosis.constraint_name == constraint
