"""The audit trail in words: what happened, as an admin would put it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lms.models.payment_status import STATUSES
from lms.money import money
from lms.queries.admin.audit import Entry
from lms.queries.explain import TrailEntry
from lms.sync.explain import SOURCES
from lms.texts import counted

_WORDS = {  # action: what happened, tone and icon
    "access.granted": ("Access granted", "success", "unlock"),
    "access.source_withdrawn": ("Source of access ended", "warning", "minus"),
    "access.ended": ("Access ended", "danger", "lock"),
    "request.made": ("Access requested", "info", "inbox"),
    "request.cancelled": ("Request canceled by the student", "neutral", "x"),
    "request.approved": ("Request approved", "success", "check"),
    "request.rejected": ("Request rejected", "danger", "x"),
    "request.superseded": ("Request no longer needed", "neutral", "check"),
    "decision.undone": ("Decision undone", "warning", "undo"),
    "request.approved_ahead": ("Approved for the next available seat", "success", "clock"),
    "offer.made": ("Seat offered", "info", "clock"),
    "offer.accepted": ("Offer accepted", "success", "check"),
    "offer.declined": ("Offer declined by the student", "neutral", "x"),
    "offer.expired": ("Offer expired", "warning", "clock"),
    "offer.withdrawn": ("Offer withdrawn", "warning", "undo"),
    "request.dropped": ("Request deleted", "neutral", "trash"),
    "course.created": ("Course created", "success", "book"),
    "course.edited": ("Course changed", "info", "edit"),
    "course.messaged": ("Message sent to students", "info", "bell"),
    "course.deleted": ("Course deleted", "danger", "trash"),
    "chapter.added": ("Chapter added", "success", "plus"),
    "chapter.edited": ("Chapter changed", "info", "edit"),
    "chapter.deleted": ("Chapter deleted", "danger", "trash"),
    "file.added": ("File added", "success", "plus"),
    "file.changed": ("File changed", "info", "edit"),
    "file.deleted": ("File deleted", "danger", "trash"),
    "chapter.ordered": ("Chapters reordered", "info", "arrow-up"),
    "progress.reset": ("Progress reset", "warning", "undo"),
    "chapter.reopened": ("Chapter marked incomplete", "neutral", "undo"),
    "certificate.revoked": ("Certificate revoked", "danger", "award"),
    "certificate.reinstated": ("Certificate reinstated", "success", "award"),
    "payment.started": ("Checkout started", "neutral", "card"),
    "payment.amount_accepted": ("Payment amount accepted", "success", "check"),
    "payment.dismissed": ("Payment reviewed", "neutral", "check"),
    "payment.reopened": ("Payment review reopened", "neutral", "undo"),
    "payment.put_back": ("Payment review reopened", "neutral", "undo"),
    "payment.imported": ("Payment imported from another system", "neutral", "card"),
    "import.applied": ("School imported from another system", "info", "inbox"),
    "roster.applied": ("Roster imported", "info", "inbox"),
    "payment.recorded": ("Payment recorded", "success", "card"),
    "refund.recorded": ("Refund recorded", "warning", "undo"),
    "books.closed": ("Month closed", "info", "lock"),
    "refund.requested": ("Refund requested", "warning", "undo"),
    "refund.refused": ("Refund refused by Stripe", "danger", "x"),
    "sync.run": ("Repair run", "info", "sync"),
    "sync.repaired": ("Data repaired", "info", "sync"),
    "sync.row_undone": ("Change undone", "warning", "undo"),
    "sync.undo_refused": ("Change not undone", "warning", "undo"),
    "sync.undone": ("Run undone", "warning", "undo"),
    "sync.dismissed": ("Violation dismissed", "neutral", "check"),
    "user.added": ("Account added", "success", "user"),
    "user.invited": ("Invitation sent", "info", "user"),
    "school.opened": ("School set up", "success", "user"),
    "school.changed": ("Settings changed", "warning", "settings"),
    "user.accepted": ("Invitation accepted", "success", "user"),
    "user.renamed": ("Renamed", "info", "edit"),
    "user.email_chosen": ("New e-mail address chosen", "neutral", "edit"),
    "user.email_changed": ("E-mail address changed", "warning", "edit"),
    "user.email_restored": ("E-mail address restored by its owner", "warning", "undo"),
    "user.role_changed": ("Role changed", "warning", "shield"),
    "user.deactivated": ("Account deactivated", "danger", "lock"),
    "user.signed_out": ("Signed out everywhere", "warning", "sign-out"),
    "user.reactivated": ("Account reactivated", "success", "unlock"),
    "user.deleted": ("Account deleted", "danger", "trash"),
    "factor.added": ("Second factor added", "success", "shield"),
    "factor.removed": ("Second factor removed", "warning", "shield"),
    "factor.reset": ("Second factors removed", "warning", "shield"),
    "factor.new_recovery_codes": ("New recovery codes created", "info", "shield"),
    "factor.recovery_code_used": ("Recovery code used", "warning", "shield"),
    "password.link_made": ("Password link created", "warning", "lock"),
    "user.viewed": ("Portal viewed as the student", "info", "user"),
    "user.view_ended": ("Stopped viewing as the student", "neutral", "user"),
    "user.exported": ("Data exported", "info", "user"),
    "user.erased": ("Person erased", "danger", "trash"),
    "erasure.requested": ("Erasure requested", "info", "inbox"),
    "erasure.withdrawn": ("Erasure request withdrawn", "neutral", "x"),
    "erasure.refused": ("Erasure refused", "warning", "x"),
    "password.set": ("Password set by the school", "warning", "lock"),
} | {f"payment.{name}": (to.change, to.tone, to.icon) for name, to in STATUSES.items()}

_FIELDS = {
    "duration": "length",
    "is_default_unlocked": "open to everyone",
    "is_public": "open enrollment",
    "price_cents": "price",
    "requires_approval": "requires approval",
}
"""What a form calls a field whose column has another name."""


@dataclass(frozen=True)
class Happening:
    """One entry as the timeline shows it."""

    at: datetime
    title: str
    detail: str
    tone: str
    icon: str


def happening(entry: Entry | TrailEntry) -> Happening:
    """Describe an entry of a student's trail, or of a student in one course."""
    title, tone, icon = _WORDS.get(entry.action, (action_words(entry.action), "neutral", "info"))
    if isinstance(entry, Entry) and entry.course_title:
        title = f"{title}: {entry.course_title}"
    by = f"By {entry.actor_name or 'the portal'}"
    if isinstance(entry, Entry) and entry.account:
        by += f" ({entry.account})"
    parts = [by, *_facts(entry)]
    if entry.reason:
        parts.append(f"Reason: {entry.reason}")
    return Happening(entry.at, title, ". ".join(parts), tone, icon)


def action_words(action: str) -> str:
    """Return an action in words; an unknown one by its name."""
    if action in _WORDS:
        return _WORDS[action][0]
    return action.replace(".", " ").replace("_", " ").capitalize()


def facts(entry: Entry) -> str:
    """Return what else is known of an entry, in words."""
    return ". ".join(_facts(entry))


def _facts(entry: Entry | TrailEntry) -> list[str]:
    details = entry.details
    known: list[str] = []
    if "source" in details:
        known.append(_source(details["source"]))
    if details.get("sources"):
        known.append(", ".join(_source(kind) for kind in details["sources"]))
    if details.get("remaining"):
        left = ", ".join(_source(kind) for kind in details["remaining"])
        known.append(f"Remaining access: {left}")
    if "before" in details and "after" in details:
        of = "Status: " if entry.action.startswith("payment.") else ""
        known.append(f"{of}{_value(details['before'])} → {_value(details['after'])}")
    known += [
        f"{said} in the earlier system: {details[name]}"
        for name, said in (("old_progress", "Progress"), ("old_total_progress", "Total progress"))
        if details.get(name) is not None
    ]
    known += _changes(details)
    known += _particulars(entry)
    return known


def _particulars(entry: Entry | TrailEntry) -> list[str]:
    details = entry.details
    if entry.action == "chapter.edited" and details.get("title"):
        return [f"Chapter: {details['title']}"]
    if entry.action == "chapter.deleted":
        lost = details.get("completions", 0)
        return [f"{details.get('title', '')}: {counted(lost, 'completion')}"]
    if entry.action == "decision.undone":
        again = ". It is queued again" if details.get("request_id") else ""
        return [f"The request had been {details.get('status', 'decided')}{again}"]
    if entry.action == "user.deleted" and details.get("email"):
        return [str(details["email"])]
    if entry.action in {"factor.added", "factor.removed"} and details.get("name"):
        return [f"“{details['name']}”"]
    return []


def _source(kind: Any) -> str:
    return SOURCES.get(str(kind), str(kind)).capitalize()


def _changes(details: dict[str, Any]) -> list[str]:
    changes = details.get("changes")
    if not isinstance(changes, dict):
        return []
    currencies = changes.get("currency", [details.get("currency")] * 2)
    lines = []
    for name, pair in changes.items():
        word = _FIELDS.get(name, name.replace("_", " "))
        word = word[:1].upper() + word[1:]
        if name == "description" or not isinstance(pair, list) or len(pair) != 2:
            lines.append(f"{word} changed")
        elif name == "body":  # of which the lengths are told
            lines.append(f"Text changed ({pair[0]:,} → {pair[1]:,} characters)")
        elif name == "price_cents":
            lines.append(f"{word}: {_prices(*pair, *currencies)}")
        else:
            lines.append(f"{word}: {_value(pair[0], name)} → {_value(pair[1], name)}")
    return lines


def _prices(before: int, after: int, was: str | None, is_now: str | None) -> str:
    if was is None or is_now is None:  # an entry of the time when no currency was kept
        return f"{before} → {after} minor units"
    pair = ((before, was), (after, is_now))
    return " → ".join(money(*each) if each[0] else "free" for each in pair)


def _value(value: Any, of: str = "") -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "no limit" if of == "capacity" else "none"
    if of == "currency":
        return str(value).upper()
    return value.replace("_", " ") if value in list(STATUSES) else str(value)
