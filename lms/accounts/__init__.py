"""Passwords, sign-ins and saved filters: who a person is, never what they may learn.

Hashing takes a while by design, so it happens before a transaction and never inside one.
"""

from lms.accounts.admission import admitted_domains, check_admitted, is_registration_open
from lms.accounts.limit import SignInLimit
from lms.accounts.password_change import (
    change_password,
    check_reset,
    request_password_reset,
    reset_password,
    set_password,
)
from lms.accounts.registration import create_account
from lms.accounts.retention import forget_expired
from lms.accounts.saved_filters import delete_filter, save_filter
from lms.accounts.sessions import end_other_sign_ins, end_sign_in, note_use
from lms.accounts.sign_in import has_password, sign_in, sign_out
from lms.accounts.verification import (
    VALID_DAYS,
    check_verification,
    register,
    resend,
    resend_token,
    verify,
)

__all__ = [
    "VALID_DAYS",
    "SignInLimit",
    "admitted_domains",
    "change_password",
    "check_admitted",
    "check_reset",
    "check_verification",
    "create_account",
    "delete_filter",
    "end_other_sign_ins",
    "end_sign_in",
    "forget_expired",
    "has_password",
    "is_registration_open",
    "note_use",
    "register",
    "request_password_reset",
    "resend",
    "resend_token",
    "reset_password",
    "save_filter",
    "set_password",
    "sign_in",
    "sign_out",
    "verify",
]
