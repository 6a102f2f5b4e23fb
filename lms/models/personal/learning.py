"""Access and learning: what somebody asked for, got and completed."""

from sqlalchemy import select

from lms import models as m
from lms.models.personal.kept import ADMINS, FOR_GOOD, GOES, ME, OTHERS, WITH_ACCOUNT, WORK, Kept

KEPT = (
    Kept(
        table=m.Enrollment,
        what="Courses with access, progress",
        seen_by=ADMINS,
        until=WITH_ACCOUNT,
        erased=GOES,
        people=("user_id",),
        file="enrollments",
    ),
    Kept(
        table=m.StudentProgress,
        what="Progress and last activity",
        seen_by=ADMINS,
        until=WITH_ACCOUNT,
        erased=GOES,
        people=("student_id",),
        file="progress",
    ),
    Kept(
        table=m.AccessSource,
        what="Sources of access",
        seen_by=ADMINS,
        until=WITH_ACCOUNT,
        erased=GOES,
        people=("user_id", "granted_by"),
        file="access-sources",
        left_out={"granted_by": OTHERS},
    ),
    Kept(
        table=m.AccessWaiver,
        what="Access that an admin ended",
        seen_by=ADMINS,
        until=WITH_ACCOUNT,
        erased=GOES,
        people=("user_id",),
        file="access-ended",
    ),
    Kept(
        table=m.ChapterCompletion,
        what="Chapters completed",
        seen_by=ADMINS,
        until=WITH_ACCOUNT,
        erased=GOES,
        people=("student_id",),
        file="completions",
    ),
    Kept(
        table=m.AccessRequest,
        what="Waiting requests, with their messages",
        seen_by=ADMINS,
        until="until decided",
        erased=GOES,
        people=("student_id", "approved_by"),
        file="requests",
        left_out={"is_news": WORK, "approved_by": OTHERS},
    ),
    Kept(
        table=m.Offer,
        what="Offers of a seat, with price and expiry",
        seen_by=ADMINS,
        until=WITH_ACCOUNT,
        erased=GOES,
        people=("student_id",),
        file="offers",
    ),
    Kept(
        table=m.Decision,
        what="Decisions on requests: message, reason",
        seen_by=ADMINS,
        until=FOR_GOOD,
        erased="name and address become the pseudonym, the message is emptied",
        people=("student_id", "student_name", "student_email", "decided_by", "decided_by_name"),
        file="decisions",
        left_out=dict.fromkeys(("decided_by", "decided_by_name"), OTHERS),
    ),
    Kept(
        table=m.DecisionReversal,
        what="Decisions that were undone",
        seen_by=ADMINS,
        until=FOR_GOOD,
        erased="the name becomes the pseudonym",
        people=("reversed_by", "reversed_by_name"),
        file="decisions-undone",
        which=lambda: m.DecisionReversal.decision_id.in_(
            select(m.Decision.id).where(m.Decision.student_id == ME)
        ),
        left_out=dict.fromkeys(("reversed_by", "reversed_by_name"), OTHERS),
    ),
)
