"""Whether an old row's access had ended: by a mark, by a word, by a date that has passed."""

from lms.importing.legacy.questions import ACCESS, WAITS
from lms.importing.legacy.row import OldRow
from lms.importing.legacy.staging import marks
from lms.importing.legacy.words import ENROLLMENTS

COLUMNS = ("status", "is_active", "starts_at", "expires_at", "ended_at", "deleted_at")
ALIASES = {
    "status": ("state", "enrollmentstatus", "accessstatus"),
    "is_active": ("active", "isenabled", "enabled", "hasaccess"),
    "starts_at": ("startsat", "startdate", "validfrom", "accessfrom", "accessstartsat"),
    "expires_at": (
        *("expires", "expiry", "expirydate", "expireson", "expirationdate", "expiration"),
        *("validuntil", "validto", "enddate", "endsat", "accessuntil", "accessexpiresat"),
        *("accessends", "accessendsat", "timeend"),
    ),
    "ended_at": marks(
        "ended cancelled canceled dropped withdrawn revoked unenrolled suspended left deactivated"
        " expired disabled terminated"
    ),
    "deleted_at": marks("deleted removed archived"),
}


def why_ended(row: OldRow) -> str:
    """Return why the row gives no access any more, or not yet; blank where it does."""
    if not any(map(row.is_given, COLUMNS)):
        return ""
    status = row.word(
        "status",
        ENROLLMENTS,
        otherwise="unknown",
        missing="active",
        blank="active",
        meanwhile="it gives no access until you say what it means",
    )
    reasons = {
        "it was deleted": row.is_set("deleted_at"),
        f"its status is '{row.shown('status')}'": status in {"ended", "waiting"},
        "it was ended": row.has_come("ended_at"),
        "its end date had passed": row.has_come("expires_at"),
        "it hadn't started yet": row.is_set("starts_at") and not row.has_come("starts_at"),
        f"its status '{row.shown('status')}' {WAITS}": status == "unknown",
        "it was not active": not row.flag("is_active", default=True),
    }
    if why := next((reason for reason, holds in reasons.items() if holds), ""):
        return why
    if row.is_set("expires_at") or row.is_set("ended_at"):
        row.repaired(
            "its access ends on a date in the future, which the portal doesn't keep: note the date,"
            " and unenroll the student then",
            ACCESS,
        )
    return ""
