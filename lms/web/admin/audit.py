"""The audit trail: what happened, to whom, by whom and why."""

from datetime import timedelta

from flask import render_template, request
from werkzeug.wrappers import Response

from lms.queries.admin import audit as trail
from lms.queries.admin import courses as offered
from lms.queries.admin import students as people
from lms.queries.admin.audit import AuditFilter, Entry
from lms.texts import storable
from lms.times import start_of
from lms.web.admin.blueprint import bp, live
from lms.web.admin.filters import chosen, chosen_date, chosen_id, filtered
from lms.web.admin.spreadsheets import export
from lms.web.admin.trail import action_words, facts
from lms.web.forms import search_text
from lms.web.school import school

PORTAL = "portal"


@bp.get("/audit")
@live("catalogue", "requests", "access", "progress", "people", "payments", "sync")
def audit() -> str:
    """List what happened, the latest first; pages go by the last entry seen."""
    wanted = _wanted()
    before = chosen_id("before")
    found, following = trail.entries(wanted, before=before)
    admins = [(admin.id, admin.name) for admin in people.admins()]
    return render_template(
        "admin/audit.html",
        entries=[(entry, action_words(entry.action), facts(entry)) for entry in found],
        actions=[(action, action_words(action)) for action in trail.actions()],
        courses=offered.titles(),
        actors=[(PORTAL, "The portal"), *admins],
        chosen=chosen(),
        q=wanted.q,
        student_id=wanted.student_id,
        is_first=before is None,
        newest=filtered("admin.audit"),
        older=filtered("admin.audit", before=following) if following else "",
    )


@bp.get("/audit.csv")
def audit_csv() -> Response:
    """Export the entries."""
    wanted = _wanted()
    return export("audit", Entry, lambda: trail.every_entry(wanted))


def _wanted() -> AuditFilter:
    until, there = chosen_date("to"), school().time_zone
    since = chosen_date("from")
    return AuditFilter(
        q=search_text(),
        student_id=chosen_id("student"),
        course_id=chosen_id("course"),
        action=storable(request.args.get("action", ""))[:64],
        actor_id=chosen_id("actor"),
        by_portal=request.args.get("actor") == PORTAL,
        since=start_of(since, there) if since else None,
        until=start_of(until + timedelta(days=1), there) if until else None,
    )
