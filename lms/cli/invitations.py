"""Links of invitations that commands send."""

from flask import current_app

from lms import accounts
from lms.config import invites, signing_keys
from lms.enrollment.people import Invite


def invite() -> Invite | None:
    """Return what makes the links for new people; None where the portal's address isn't known."""
    portal = current_app.config["PUBLIC_URL"]
    if not portal:
        return None
    keys = signing_keys(current_app.config)
    return accounts.inviting(lambda token: f"{portal}/invitation/{token}", secret=keys)


def invite_if_mailed() -> Invite | None:
    """Return the same where e-mails are sent: an old school's would wait until they expire."""
    return invite() if invites(current_app.config) else None
