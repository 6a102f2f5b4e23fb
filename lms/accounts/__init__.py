"""Passwords, factors, sign-ins and saved filters: who a person is, never what they may learn.

Hashing takes a while by design, so it happens before a transaction and never inside one.
"""

from lms.accounts.addresses import (
    ask_again,
    cancel_address,
    check_chosen,
    check_undo,
    choose_address,
    confirm_address,
    undo_address,
)
from lms.accounts.admission import (
    admitted_domains,
    check_admitted,
    check_domain,
    is_registration_open,
)
from lms.accounts.factors import (
    MOST_FACTORS,
    Here,
    add_app,
    add_passkey,
    make_recovery_codes,
    remove_factor,
    rename_factor,
    reset_factors,
)
from lms.accounts.first_admin import SETUP_HOURS, check_setup, open_school, setup_token
from lms.accounts.interrupted_forms import SentForm, keep_form, kept_form, sending_form
from lms.accounts.invitations import accept_invitation, check_invitation, inviting
from lms.accounts.limit import SignInLimit, count_export
from lms.accounts.own_data import note_export
from lms.accounts.password_change import (
    change_password,
    check_reset,
    request_password_reset,
    reset_link,
    reset_password,
    set_password,
)
from lms.accounts.proof import is_fresh, prove_by_factor, prove_by_password
from lms.accounts.registration import create_account
from lms.accounts.retention import forget_allowances, forget_expired
from lms.accounts.saved_filters import delete_filter, save_filter
from lms.accounts.second_step import (
    Typed,
    halfway,
    reseal,
    second_step,
    sign_in_by_passkey,
    take_second_step,
)
from lms.accounts.sessions import end_other_sign_ins, end_sign_in, note_use
from lms.accounts.sign_in import check_own_password, has_password, sign_in, sign_out
from lms.accounts.verification import (
    VALID_DAYS,
    check_verification,
    register,
    resend,
    verify,
)
from lms.accounts.viewing import VIEW_FOR, end_due_views, end_view, view_as

__all__ = [
    "MOST_FACTORS",
    "SETUP_HOURS",
    "VALID_DAYS",
    "VIEW_FOR",
    "Here",
    "SentForm",
    "SignInLimit",
    "Typed",
    "accept_invitation",
    "add_app",
    "add_passkey",
    "admitted_domains",
    "ask_again",
    "cancel_address",
    "change_password",
    "check_admitted",
    "check_chosen",
    "check_domain",
    "check_invitation",
    "check_own_password",
    "check_reset",
    "check_setup",
    "check_undo",
    "check_verification",
    "choose_address",
    "confirm_address",
    "count_export",
    "create_account",
    "delete_filter",
    "end_due_views",
    "end_other_sign_ins",
    "end_sign_in",
    "end_view",
    "forget_allowances",
    "forget_expired",
    "halfway",
    "has_password",
    "inviting",
    "is_fresh",
    "is_registration_open",
    "keep_form",
    "kept_form",
    "make_recovery_codes",
    "note_export",
    "note_use",
    "open_school",
    "prove_by_factor",
    "prove_by_password",
    "register",
    "remove_factor",
    "rename_factor",
    "request_password_reset",
    "reseal",
    "resend",
    "reset_factors",
    "reset_link",
    "reset_password",
    "save_filter",
    "second_step",
    "sending_form",
    "set_password",
    "setup_token",
    "sign_in",
    "sign_in_by_passkey",
    "sign_out",
    "take_second_step",
    "undo_address",
    "verify",
    "view_as",
]
