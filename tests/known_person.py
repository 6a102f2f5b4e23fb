"""A student of whom the portal knows all that it can know of anybody."""

import json
from typing import Any

from lms import accounts, enrollment, sync
from tests import builders

NAME = "Kimberly Aßler"
EMAIL = "kim.assler@example.org"
FORMER = "kim@former.example.org"


def a_known_person(sql: Any) -> int:
    """Add a student with something in every table that knows people, and return the id."""
    admin = builders.an_admin("Grace Hopper")
    kim = builders.a_student(NAME, email=FORMER)
    enrollment.choose_emails(admin, requests=True)
    course = builders.a_course("Algebra", chapters=1)
    other = builders.a_course("Botany")
    third = builders.a_course("Chemistry")
    enrollment.approve(
        builders.a_request(kim, course, f"I'm {NAME}"), by=admin, reason=f"{NAME} asked twice."
    )
    [(chapter,)] = sql("SELECT id FROM chapters")
    enrollment.complete_chapter(kim, chapter)
    enrollment.reject(builders.a_request(kim, other), by=admin, reason=f"Write from {FORMER}.")
    builders.a_request(kim, third, f"Please, {NAME}")
    enrollment.send_request_digest()
    enrollment.rename_user(kim, "Kim A.", by=kim)
    enrollment.rename_user(kim, NAME, by=admin)
    enrollment.set_email(kim, EMAIL, by=admin, reason=f"{FORMER} is no more")
    accounts.save_filter(admin, page="students", name="Kim", query=f"q={EMAIL.replace('@', '%40')}")
    accounts.save_filter(admin, page="audit", name="Hers", query="q=Kimberly+A%C3%9Fler")
    accounts.save_filter(admin, page="requests", name="All", query="q=Algebra")
    ada = builders.a_student("Ada")
    builders.a_request(ada, other, f"I know {EMAIL.upper()}")
    sql(
        "INSERT INTO payments (user_id, course_id, user_email, amount_cents, status, reference)"
        f" VALUES ({kim}, {course}, '{EMAIL}', 4900, 'paid', 'r-1')",
        "INSERT INTO import_schools (address) VALUES ('sqlite:///old.db')",
        "INSERT INTO import_origins (school_id, table_name, key, label, row_id)"
        f" VALUES (1, 'users', '{EMAIL}', 'u-17', {kim})",
        f"UPDATE enrollments SET progress = 0 WHERE user_id = {kim}",
        "INSERT INTO sync_attention (kind, table_name, row_id, student_id, reason)"
        f" VALUES ('duplicate_email', 'users', {kim}, {kim}, '{EMAIL} twice')",
        "INSERT INTO sign_ins (user_id, token_hash, expires_at)"
        f" VALUES ({kim}, 'x', '2999-01-02 03:04:05.000000')",
    )
    sync.auto_fix(by=admin)
    sql(
        "INSERT INTO sync_changes (run_id, kind, table_name, row_id, before, after)"
        " SELECT max(id), 'email_not_normalized', 'users', :kim, :before, :after FROM sync_runs",
        kim=kim,
        before=json.dumps({"id": kim, "email": f" {EMAIL.upper()}", "is_active": True}),
        after=json.dumps({"id": kim, "email": EMAIL, "is_active": True}),
    )
    sync.validate_anew()
    return kim
