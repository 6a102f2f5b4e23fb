"""Faults in ways to an account: invitations, addresses, and how often one may try."""

from tests.faults.mutants.breaking import (
    change,
    drop_call,
    drop_operand,
    drop_statement,
    instead,
    never,
    returns,
)
from tests.faults.mutants.mutant import Mutant

ADDRESSES = tuple(
    f"tests/web/test_{name}.py" for name in ("addresses", "restored_addresses", "admin_addresses")
)
INVITATIONS = "tests/web/test_invitations.py"
INVITING = "tests/web/test_inviting.py"
USES = "tests/web/test_limits.py"
WAYS_IN = "tests/web/test_ways_in.py"
ALLOWANCES = "tests/ledger/test_limits.py"

_INVITATIONS = (
    Mutant(
        "an invitation is accepted again",
        "check_invitation",
        never("account.password_hash"),
        (INVITATIONS,),
    ),
    Mutant(
        "an invitation outlives what it was made for",
        "check_invitation",
        drop_operand("is_current"),
        (INVITATIONS,),
    ),
    Mutant(
        "whoever presses twice sends two invitations",
        "_outcome",
        returns("'sent'", "'too_soon'"),
        (INVITING,),
    ),
    Mutant(
        "invitations sent again are not counted",
        "invite_again",
        drop_call("count"),
        (INVITING,),
    ),
)

_ADDRESSES = (
    Mutant(
        "anybody's link confirms an address",
        "check_chosen",
        drop_operand("account.id != user_id"),
        ADDRESSES,
    ),
    Mutant(
        "another address leaves the sessions",
        "give_address",
        drop_call("end_sessions"),
        ADDRESSES,
    ),
    Mutant(
        "a restored address leaves the thief's password",
        "_undo",
        drop_call("replace_hash"),
        (WAYS_IN, *ADDRESSES),
    ),
    Mutant(
        "a restored address leaves the thief's factors",
        "_undo",
        drop_call("forget_factors_since"),
        ADDRESSES,
    ),
    Mutant(
        "a thief's address can be restored again",
        "_undo",
        change("FormerAddress.id >= former.id", "FormerAddress.id == former.id"),
        ADDRESSES,
    ),
    Mutant(
        "an address that an admin has taken away can be restored",
        "set_email",
        drop_statement("FormerAddress"),
        ADDRESSES,
    ),
    Mutant(
        "links to a chosen address are not counted",
        "_choose",
        drop_call("count"),
        (USES, *ADDRESSES),
    ),
)

_LIMITS = (
    Mutant(
        "uses do not add up",
        "_counting",
        change("Allowance.used + first.excluded.used", "first.excluded.used"),
        (ALLOWANCES,),
    ),
    Mutant(
        "an allowance never begins anew",
        "_counting",
        change("Allowance.expires_at <= MOMENT", "Allowance.used < 0"),
        (ALLOWANCES,),
    ),
    Mutant(
        "registrations are not counted",
        "register_student",
        drop_call("count"),
        (USES,),
    ),
    Mutant(
        "a limit tells who has an account",
        "_owe_link",
        instead("if account is not None:\n    count(session, 'link', place)", "count"),
        (USES,),
    ),
)

MUTANTS = (*_INVITATIONS, *_ADDRESSES, *_LIMITS)
