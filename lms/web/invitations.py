"""Links of invitations that pages send."""

from lms import accounts
from lms.enrollment.people import Invite
from lms.web.addresses import whole
from lms.web.signing import keys


def invite() -> Invite:
    """Return what makes the links for people who have no password yet."""
    return accounts.inviting(lambda token: whole("auth.invitation", token=token), secret=keys())
