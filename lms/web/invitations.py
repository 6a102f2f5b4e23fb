"""Links of invitations that pages send."""

from flask import current_app

from lms import accounts
from lms.config import signing_keys
from lms.enrollment.people import Invite
from lms.web.addresses import whole


def invite() -> Invite:
    """Return what makes the links for people who have no password yet."""
    keys = signing_keys(current_app.config)
    return accounts.inviting(lambda token: whole("auth.invitation", token=token), secret=keys)
