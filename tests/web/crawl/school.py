"""A school in which everything an address can name exists, and one student's rows stand out."""

from dataclasses import dataclass

from flask import current_app
from itsdangerous import URLSafeTimedSerializer

from lms import accounts, enrollment, sync
from lms.accounts.links import active_account, sign
from lms.accounts.saved_filters import save_filter
from lms.files import unfinished
from lms.importing import uploads
from lms.queries.people import token_hash
from tests.builders import (
    a_course,
    a_file,
    a_logo,
    a_public_course,
    a_request,
    an_admin,
    an_invitation,
    verification,
)
from tests.conftest import Sql
from tests.enrollment.sources import a_payment
from tests.web.browser import PASSWORD

CANARY = "Kanarienvogel"
"""In the name, address and every text of the student whom only admins may see."""
OWNER = "kanarienvogel@example.org"


@dataclass(frozen=True)
class School:
    """What stands in the addresses, by the names that the rules give it."""

    owner: int
    ids: dict[str, object]


def a_school(sql: Sql) -> School:
    """Add the school; in an application context."""
    admin, other_admin = an_admin(), an_admin("Theo")
    owner = accounts.create_account(email=OWNER, name=f"Kim {CANARY}", password=PASSWORD)
    course = a_public_course("Botany", chapters=2)
    enrollment.enroll(owner, course, by=admin)
    for (chapter,) in sql("SELECT id FROM chapters ORDER BY id"):
        enrollment.complete_chapter(owner, chapter)
    decided = a_request(owner, a_course("Decided"), f"{CANARY}: please")
    decision = enrollment.reject(decided, by=admin, reason=f"{CANARY}: not now")
    waiting = a_request(owner, a_course("Waiting"), f"{CANARY}: please")
    sold = a_course("Offered", price_cents=700, requires_approval=True)
    offered = enrollment.approve(a_request(owner, sold), by=admin).offer
    assert offered is not None
    payment = a_payment(sql, owner, a_course("Sold", price_cents=500))
    sql(f"UPDATE payments SET paid_at = created_at, user_email = '{OWNER}'")
    save_filter(admin, page="requests", name=CANARY, query=f"q={CANARY}")
    run = sync.auto_fix(by=admin)
    sync.validate_anew()  # whoever asks for a report that isn't there has it made
    [(certificate, code)] = sql("SELECT id, code FROM certificates")
    [(factor,), (sign_in,), (saved,), (attention,), (inbox,), (notice,), (imported,)] = [
        sql(statement, owner=owner, admin=other_admin)[-1]
        for statement in (
            # An admin's: the owner signs in by password.
            "INSERT INTO second_factors (user_id, kind, name, credential_id, public_key,"
            f" sign_count, created_at) VALUES (:admin, 'passkey', '{CANARY}', 'x', 'y', 0,"
            " '2026-01-01 00:00:00.000000') RETURNING id",
            "INSERT INTO sign_ins (token_hash, user_id, expires_at, created_at, device)"
            f" VALUES ('{'0' * 64}', :owner, '2099-01-01 00:00:00.000000',"
            f" '2026-01-01 00:00:00.000000', '{CANARY}') RETURNING id",
            "SELECT id FROM saved_filters",
            "INSERT INTO sync_attention (kind, table_name, row_id, student_id, reason, created_at)"
            " VALUES ('paid_not_enrolled', 'payments', 0, :owner, 'It is odd.',"
            " '2026-01-01 00:00:00.000000') RETURNING id",
            "INSERT INTO stripe_events (event_id, type, livemode, told_at, received_at, status,"
            " error, payload) VALUES ('evt_1', 'charge.refunded', FALSE,"
            " '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000', 'failed', 'It failed.',"
            " '{}') RETURNING id",
            "SELECT id FROM notices WHERE user_id = :owner AND read_at IS NULL ORDER BY id",
            "INSERT INTO import_runs (token, host, is_file, source, step, mark, problem)"
            f" VALUES ('none', 'none', TRUE, '{CANARY}.db', 'preview', 'x', '{CANARY}') RETURNING"
            " id",
        )
    ]
    secret = current_app.config["SECRET_KEY"]
    form = accounts.SentForm("/profile", "/profile", [("name", CANARY)])
    sql(
        "INSERT INTO former_addresses (user_id, email, undo_hash, undo_until)"
        " VALUES (:owner, 'former@example.org', :hash, '2099-01-01 00:00:00.000000')",
        owner=owner,
        hash=token_hash("undo"),
    )
    chosen = "chosen@example.org"
    sql(
        "INSERT INTO address_changes (user_id, email, expires_at)"
        " VALUES (:owner, :chosen, '2099-01-01 00:00:00.000000')",
        owner=owner,
        chosen=chosen,
    )
    return School(
        owner,
        {
            "student_id": owner,
            "user_id": other_admin,
            "person_id": owner,
            "course_id": course,
            "chapter_id": chapter,
            "request_id": waiting,
            "decision_id": decision.decision_id,
            "offer_id": offered.id,
            "payment_id": payment,
            "certificate_id": certificate,
            "code": code,
            "sign_in_id": sign_in,
            "factor_id": factor,
            "filter_id": saved,
            "attention_id": attention,
            "inbox_id": inbox,
            "import_id": imported,
            "roster_id": uploads.begin("", f"{CANARY}".encode(), course_id=course, by=admin),
            "run_id": run.run_id,
            "notice_id": notice,
            "digest": a_logo(by=admin),
            "file_id": a_file(course, f"{CANARY}.png"),
            "upload_key": unfinished.begin(course, by=admin, length=9).key,
            "/invitation/<token>": an_invitation("invited@example.org").rpartition("/")[2],
            "/reset/<token>": sign(active_account(OWNER), "password-reset", secret=secret),
            "/setup/<token>": URLSafeTimedSerializer(secret, salt="setup").dumps("setup"),
            "/address/<token>": "undo",
            "/profile/address/<token>": sign(
                active_account(OWNER), "choose-address", chosen, secret=secret
            ),
            "/verify/<token>": verification(_newcomer()).rpartition("/")[2],
            "key": accounts.keep_form(owner, form),
            "filename": "css/portal.css",
            "table": "days",
            "sheet": "requests",
            "direction": "up",
            "change": "deactivate",
            "page": "audit",
            "name": "accessibility",
        },
    )


def _newcomer() -> str:
    email = "newcomer@example.org"
    accounts.register(
        email=email,
        name="Noa New",
        password=PASSWORD,
        link="/verify/{}".format,
        sign_in_page="/login",
        secret=current_app.config["SECRET_KEY"],
        place="a place",
    )
    return email
