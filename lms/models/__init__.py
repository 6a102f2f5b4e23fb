"""The tables, their constraints and the facts of one row; no reading or writing."""

from lms.models.catalog import VISIBLE_STATUSES, Chapter, Course, CourseStatus
from lms.models.imports import ImportOrigin, ImportSchool
from lms.models.learning import (
    UNDO_WITHIN,
    AccessRequest,
    AccessSource,
    AccessWaiver,
    ChapterCompletion,
    Decision,
    DecisionReversal,
    Enrollment,
    SourceKind,
    StudentProgress,
    last_completion,
    share_completed,
    stands,
)
from lms.models.notices import Certificate, Notice, NoticeKind
from lms.models.payment_status import PaymentStatus
from lms.models.payments import (
    Payment,
    StripeCursor,
    StripeDispute,
    StripeEvent,
    StripeRefund,
    StripeSession,
)
from lms.models.people import Role, SavedFilter, SignIn, SignInFailures, User
from lms.models.record import (
    AuditEntry,
    OutboxEmail,
    SyncAttention,
    SyncChange,
    SyncRun,
    Validation,
    Version,
)

__all__ = [
    "UNDO_WITHIN",
    "VISIBLE_STATUSES",
    "AccessRequest",
    "AccessSource",
    "AccessWaiver",
    "AuditEntry",
    "Certificate",
    "Chapter",
    "ChapterCompletion",
    "Course",
    "CourseStatus",
    "Decision",
    "DecisionReversal",
    "Enrollment",
    "ImportOrigin",
    "ImportSchool",
    "Notice",
    "NoticeKind",
    "OutboxEmail",
    "Payment",
    "PaymentStatus",
    "Role",
    "SavedFilter",
    "SignIn",
    "SignInFailures",
    "SourceKind",
    "StripeCursor",
    "StripeDispute",
    "StripeEvent",
    "StripeRefund",
    "StripeSession",
    "StudentProgress",
    "SyncAttention",
    "SyncChange",
    "SyncRun",
    "User",
    "Validation",
    "Version",
    "last_completion",
    "share_completed",
    "stands",
]
