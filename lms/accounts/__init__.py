"""Passwords, sign-ins and saved filters: who a person is, never what they may learn.

Hashing takes a while by design, so it happens before a transaction and never inside one.
"""

from lms.accounts.limit import SignInLimit
from lms.accounts.password_change import (
    change_password,
    check_reset,
    request_password_reset,
    reset_password,
)
from lms.accounts.registration import create_account, register
from lms.accounts.saved_filters import delete_filter, save_filter
from lms.accounts.sessions import end_other_sign_ins, end_sign_in, note_use
from lms.accounts.sign_in import has_password, sign_in, sign_out

__all__ = [
    "SignInLimit",
    "change_password",
    "check_reset",
    "create_account",
    "delete_filter",
    "end_other_sign_ins",
    "end_sign_in",
    "has_password",
    "note_use",
    "register",
    "request_password_reset",
    "reset_password",
    "save_filter",
    "sign_in",
    "sign_out",
]
