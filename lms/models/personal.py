"""What is kept about people: the one list that exports, docs/privacy.md and its tests go by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Integer, bindparam, select

from lms import models as m
from lms.db import Base

ME: BindParameter[int] = bindparam("me", type_=Integer)
MY_EMAILS: BindParameter[int] = bindparam("my_emails", expanding=True, type_=Integer)

_KEY = "it works like a password"
_OTHERS = "it's about someone else"
_DERIVED = "the portal derives it from what is exported"
_WORK = "it only serves the portal's own processing"
_MANY = {
    _KEY: "they work like passwords",
    _OTHERS: "they're about someone else",
    _WORK: "they only serve the portal's own processing",
}
"""The reasons, where several columns have the same one."""

ADMINS = "the person, admins"
ONLY_ADMINS = "admins"
NOBODY = "nobody"
_WITH_ACCOUNT = "as long as the account exists"
_FOR_GOOD = "permanently"
_GOES = "deleted"


@dataclass(frozen=True, kw_only=True, eq=False)
class Kept:
    """What one table keeps about people, or one kind of its rows."""

    table: type[Base]
    what: str
    seen_by: str
    until: str
    erased: str
    """What erasing the person does to it."""
    people: tuple[str, ...]
    """The columns that say about whom a row is, or by whom."""
    file: str = ""
    """What its file is called in an export; blank where none is made of it."""
    which: Callable[[], ColumnElement[bool]] | None = None
    """The rows that are exported to a person; those of the first of `people` if not given."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Columns that are not exported, or '*' for all of them, and why."""

    @property
    def exported(self) -> list[str]:
        """The columns that are exported."""
        names = [column.name for column in self.table.__table__.columns]
        return [] if "*" in self.left_out else [n for n in names if n not in self.left_out]

    @property
    def reasons(self) -> dict[str, list[str]]:
        """The columns that are not exported, by the reason that they share."""
        found: dict[str, list[str]] = {}
        for name, why in self.left_out.items():
            found.setdefault(why, []).append(name)
        return {_MANY.get(w, w) if len(names) > 1 else w: names for w, names in found.items()}

    def is_mine(self) -> ColumnElement[bool]:
        """Return the SQL of which rows are exported to a person."""
        if self.which is not None:
            return self.which()
        mine: ColumnElement[bool] = getattr(self.table, self.people[0]) == ME
        return mine


def _my_payments() -> Any:
    return select(m.Payment.id).where(m.Payment.user_id == ME)


def _my_intents() -> Any:
    return select(m.Payment.stripe_payment_intent_id).where(m.Payment.user_id == ME)


KEPT: tuple[Kept, ...] = (
    Kept(
        table=m.User,
        what="Account: name, address, role, preferences",
        seen_by=ADMINS,
        until=_WITH_ACCOUNT,
        erased=_GOES,
        people=("id", "email", "name"),
        file="account",
        which=lambda: m.User.id == ME,
        left_out={"password_hash": _KEY, "words": _DERIVED, "version": _WORK},
    ),
    Kept(
        table=m.SignIn,
        what="Signed-in browsers: device, when",
        seen_by=ADMINS,
        until="at most 14 days",
        erased=_GOES,
        people=("user_id",),
        file="sign-ins",
        left_out={"token_hash": _KEY},
    ),
    Kept(
        table=m.SecondFactor,
        what="Second factors: kind, name, last use",
        seen_by=ADMINS,
        until="until removed",
        erased=_GOES,
        people=("user_id",),
        file="second-factors",
        left_out=dict.fromkeys(
            ("credential_id", "secret", "last_step", "public_key", "sign_count"), _KEY
        ),
    ),
    Kept(
        table=m.RecoveryCode,
        what="Digests of recovery codes",
        seen_by=NOBODY,
        until="until used or replaced",
        erased=_GOES,
        people=("user_id",),
        left_out={"*": _MANY[_KEY]},
    ),
    Kept(
        table=m.AddressChange,
        what="An address that isn't confirmed yet",
        seen_by="the person",
        until="until its link is opened or has expired",
        erased=_GOES,
        people=("user_id", "email"),
        file="new-address",
    ),
    Kept(
        table=m.FormerAddress,
        what="Former addresses that can be restored",
        seen_by="the person",
        until="7 days after the change",
        erased=_GOES,
        people=("user_id", "email"),
        file="former-addresses",
        left_out={"undo_hash": _KEY},
    ),
    Kept(
        table=m.InterruptedForm,
        what="What was sent after a sign-in had ended, encrypted",
        seen_by="the person",
        until="ten minutes after it is sent again, a day at most",
        erased=_GOES,
        people=("user_id",),
        left_out={"*": "only the link that the person got can open it"},
    ),
    Kept(
        table=m.Allowance,
        what="How often something was done recently, by number or keyed digest",
        seen_by=NOBODY,
        until="until it no longer counts: minutes to days",
        erased="nothing: it is gone soon, and holds a number",
        people=("key",),
        left_out={"*": _WORK},
    ),
    Kept(
        table=m.ErasureRequest,
        what="Request to be erased, and the answer",
        seen_by=ADMINS,
        until="until withdrawn or granted",
        erased=_GOES,
        people=("user_id",),
        file="erasure-request",
    ),
    Kept(
        table=m.SavedFilter,
        what="Filters of lists, saved by an admin",
        seen_by="the person",
        until=_WITH_ACCOUNT,
        erased="deleted; so are others' filters that look for the person",
        people=("user_id",),
        file="saved-filters",
    ),
    Kept(
        table=m.Enrollment,
        what="Courses with access, progress",
        seen_by=ADMINS,
        until=_WITH_ACCOUNT,
        erased=_GOES,
        people=("user_id",),
        file="enrollments",
    ),
    Kept(
        table=m.StudentProgress,
        what="Progress and last activity",
        seen_by=ADMINS,
        until=_WITH_ACCOUNT,
        erased=_GOES,
        people=("student_id",),
        file="progress",
    ),
    Kept(
        table=m.AccessSource,
        what="Sources of access",
        seen_by=ADMINS,
        until=_WITH_ACCOUNT,
        erased=_GOES,
        people=("user_id", "granted_by"),
        file="access-sources",
        left_out={"granted_by": _OTHERS},
    ),
    Kept(
        table=m.AccessWaiver,
        what="Access that an admin ended",
        seen_by=ADMINS,
        until=_WITH_ACCOUNT,
        erased=_GOES,
        people=("user_id",),
        file="access-ended",
    ),
    Kept(
        table=m.ChapterCompletion,
        what="Chapters completed",
        seen_by=ADMINS,
        until=_WITH_ACCOUNT,
        erased=_GOES,
        people=("student_id",),
        file="completions",
    ),
    Kept(
        table=m.AccessRequest,
        what="Waiting requests, with their messages",
        seen_by=ADMINS,
        until="until decided",
        erased=_GOES,
        people=("student_id", "approved_by"),
        file="requests",
        left_out={"is_news": _WORK, "approved_by": _OTHERS},
    ),
    Kept(
        table=m.Offer,
        what="Offers of a seat, with price and expiry",
        seen_by=ADMINS,
        until=_WITH_ACCOUNT,
        erased=_GOES,
        people=("student_id",),
        file="offers",
    ),
    Kept(
        table=m.Decision,
        what="Decisions on requests: message, reason",
        seen_by=ADMINS,
        until=_FOR_GOOD,
        erased="name and address become the pseudonym, the message is emptied",
        people=("student_id", "student_name", "student_email", "decided_by", "decided_by_name"),
        file="decisions",
        left_out=dict.fromkeys(("decided_by", "decided_by_name"), _OTHERS),
    ),
    Kept(
        table=m.DecisionReversal,
        what="Decisions that were undone",
        seen_by=ADMINS,
        until=_FOR_GOOD,
        erased="the name becomes the pseudonym",
        people=("reversed_by", "reversed_by_name"),
        file="decisions-undone",
        which=lambda: m.DecisionReversal.decision_id.in_(
            select(m.Decision.id).where(m.Decision.student_id == ME)
        ),
        left_out=dict.fromkeys(("reversed_by", "reversed_by_name"), _OTHERS),
    ),
    Kept(
        table=m.Payment,
        what="Payments: amount, dates, Stripe's ids or a reference, address",
        seen_by=ADMINS,
        until=_FOR_GOOD,
        erased="address and names become the pseudonym; amounts, dates and ids stay",
        people=("user_id", "user_email"),
        file="payments",
        left_out={"checkout_url": _KEY, "origin": _WORK, "request_key": _WORK},
    ),
    Kept(
        table=m.StripeSession,
        what="Checkouts, as reported by Stripe",
        seen_by=ONLY_ADMINS,
        until=_FOR_GOOD,
        erased="nothing: it names nobody",
        people=("payment_id",),
        file="payment-sessions",
        which=lambda: m.StripeSession.payment_id.in_(_my_payments()),
    ),
    Kept(
        table=m.RefundRequest,
        what="Refunds requested by admins",
        seen_by=ONLY_ADMINS,
        until=_FOR_GOOD,
        erased="nothing: it names nobody",
        people=("payment_id",),
        file="payment-refund-requests",
        which=lambda: m.RefundRequest.payment_id.in_(_my_payments()),
        left_out={"key": _WORK, "refusal": _WORK},
    ),
    Kept(
        table=m.StripeRefund,
        what="Refunds, as reported by Stripe",
        seen_by=ONLY_ADMINS,
        until=_FOR_GOOD,
        erased="nothing: it names nobody",
        people=("payment_intent",),
        file="payment-refunds",
        which=lambda: m.StripeRefund.payment_intent.in_(_my_intents()),
    ),
    Kept(
        table=m.StripeDispute,
        what="Disputes, as reported by Stripe",
        seen_by=ONLY_ADMINS,
        until=_FOR_GOOD,
        erased="nothing: it names nobody",
        people=("payment_intent",),
        file="payment-disputes",
        which=lambda: m.StripeDispute.payment_intent.in_(_my_intents()),
    ),
    Kept(
        table=m.StripeTransaction,
        what="Stripe's fees for payments",
        seen_by=ONLY_ADMINS,
        until=_FOR_GOOD,
        erased="nothing: it names nobody",
        people=("payment_intent",),
        file="payment-fees",
        which=lambda: m.StripeTransaction.payment_intent.in_(_my_intents()),
    ),
    Kept(
        table=m.ManualRefund,
        what="Refunds made outside Stripe, recorded by an admin",
        seen_by=ADMINS,
        until=_FOR_GOOD,
        erased="names in the reference become the pseudonym",
        people=("payment_id",),
        file="payment-refunds-by-hand",
        which=lambda: m.ManualRefund.payment_id.in_(_my_payments()),
        left_out={"request_key": _WORK},
    ),
    Kept(
        table=m.MoneyMovement,
        what="The school's books: what was paid and refunded, by date",
        seen_by=ONLY_ADMINS,
        until=_FOR_GOOD,
        erased="nothing: it names nobody",
        people=("payment_id",),
        file="payment-books",
        which=lambda: m.MoneyMovement.payment_id.in_(_my_payments()),
    ),
    Kept(
        table=m.ClosedMonth,
        what="Closed months, and who closed them",
        seen_by=ONLY_ADMINS,
        until=_FOR_GOOD,
        erased="nothing: it holds a number",
        people=("closed_by",),
        file="months-closed",
        left_out={"unexplained": _OTHERS},
    ),
    Kept(
        table=m.StripeEvent,
        what="Stripe's events, without name and card",
        seen_by=ONLY_ADMINS,
        until=_FOR_GOOD,
        erased="nothing: it names nobody",
        people=("payment_id",),
        file="payment-events",
        which=lambda: m.StripeEvent.payment_id.in_(_my_payments()),
        left_out={"payload": "its facts are in the files of checkouts, refunds and disputes"}
        | {"error": _WORK},
    ),
    Kept(
        table=m.Notice,
        what="Notices, with their text",
        seen_by="the person",
        until=_WITH_ACCOUNT,
        erased=_GOES,
        people=("user_id",),
        file="notices",
    ),
    Kept(
        table=m.OutboxEmail,
        what="E-mails: recipient and subject; the text until it is sent",
        seen_by=NOBODY,
        until="30 days",
        erased="deleted, as are those to admins about the person",
        people=("recipient",),
        file="e-mails",
        which=lambda: (
            # To admins about a student's request: they tell about somebody else.
            m.OutboxEmail.id.in_(MY_EMAILS) & ~m.OutboxEmail.key.startswith("request")
        ),
        left_out={"body": "it may hold a link that works like a password", "link": _KEY}
        | dict.fromkeys(("key", "link_text", "last_error", "attempts", "retry_at"), _WORK),
    ),
    Kept(
        table=m.Certificate,
        what="Certificates, with the person's name at the time",
        seen_by="anybody who has the code",
        until=_WITH_ACCOUNT,
        erased=_GOES,
        people=("user_id", "student_name"),
        file="certificates",
    ),
    Kept(
        table=m.AuditEntry,
        what="Audit trail: what happened to the person",
        seen_by=ONLY_ADMINS,
        until=_FOR_GOOD,
        erased="names become the pseudonym; reasons and details lose names and addresses",
        people=("student_id", "student_name", "actor_id", "actor_name"),
        file="trail-about-me",
        left_out=dict.fromkeys(("actor_id", "actor_name"), _OTHERS),
    ),
    Kept(
        table=m.AuditEntry,
        what="Audit trail: what the person did for others",
        seen_by=ONLY_ADMINS,
        until=_FOR_GOOD,
        erased="the name becomes the pseudonym",
        people=("actor_id", "actor_name"),
        file="trail-by-me",
        which=lambda: (m.AuditEntry.actor_id == ME) & m.AuditEntry.student_id.is_distinct_from(ME),
        left_out=dict.fromkeys(("student_id", "student_name", "reason", "details"), _OTHERS),
    ),
    Kept(
        table=m.ImportOrigin,
        what="The account in an earlier system that became this one",
        seen_by=NOBODY,
        until=_FOR_GOOD,
        erased="a digest of the address stays, so that no import brings the person back",
        people=("key", "label", "row_id"),
        file="import",
        which=lambda: (m.ImportOrigin.table_name == "users") & (m.ImportOrigin.row_id == ME),
    ),
    Kept(
        table=m.SyncRun,
        what="Repairs and rosters, and who started them",
        seen_by=ONLY_ADMINS,
        until="14 days, longer where they changed something",
        erased="nothing: it holds a number",
        people=("started_by",),
        file="repairs-started",
        left_out=dict.fromkeys(("slot", "owner", "heartbeat_at", "error"), _WORK),
    ),
    Kept(
        table=m.SyncChange,
        what="Rows as they were before and after a repair, for undo",
        seen_by=ONLY_ADMINS,
        until="as long as the run",
        erased="all but numbers, times and statuses is emptied",
        people=("row_id", "before", "after"),
        left_out={"*": "copies of rows of the other files"},
    ),
    Kept(
        table=m.SyncAttention,
        what="What a repair leaves for an admin to decide",
        seen_by=ONLY_ADMINS,
        until="until it is decided",
        erased=_GOES,
        people=("student_id",),
        file="needs-attention",
    ),
    Kept(
        table=m.Validation,
        what="The latest validation: ten examples of each fault",
        seen_by=ONLY_ADMINS,
        until="until the next one",
        erased="examples of the person go",
        people=("report",),
        left_out={"*": "it is replaced within minutes, and is about others"},
    ),
    Kept(
        table=m.Erasure,
        what="Numbers of erased people",
        seen_by=ONLY_ADMINS,
        until=_FOR_GOOD,
        erased="it begins then",
        people=("person_id", "erased_by"),
        left_out={"*": "yours isn't among them"},
    ),
)

IMPERSONAL: dict[type[Base], str] = {
    m.Course: "courses",
    m.Chapter: "the text of courses",
    m.DailyCount: "numbers of a course and a day",
    m.CurrentCount: "numbers of a course",
    m.ImportSchool: "addresses of earlier systems",
    m.PastEmail: "numbers of events that had an e-mail",
    m.SpentChallenge: "digests, for minutes: nobody can tell whose",
    m.StripeCursor: "how far reconciliation has come",
    m.Version: "counters of changes",
}
"""Tables that say nothing about any one person, and what is in them."""
