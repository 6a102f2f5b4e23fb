"""Faults in what is kept about a person: forgotten, erased, exported, carried along."""

from tests.faults.mutants.breaking import (
    change,
    compare,
    drop_argument,
    drop_call,
    drop_if,
    drop_operand,
    drop_statement,
    never,
)
from tests.faults.mutants.mutant import Mutant

RETENTION = "tests/accounts/test_retention.py"
ASKING = "tests/web/test_erasures.py"
OWN_FILES = "tests/web/test_own_data.py"
RESUMING = "tests/web/test_resuming.py"
ERASURE = "tests/enrollment/test_erasure.py"
OWN_DATA = "tests/queries/test_own_data.py"

_FORGETTING = (
    Mutant(
        "a wish that was taken back is granted",
        "erase_person",
        drop_if("_waiting_wish"),
        (ERASURE, ASKING),
    ),
    Mutant(
        "e-mails go on naming the erased",
        "erase_traces",
        drop_call("_erase_from_emails"),
        (ERASURE,),
    ),
    Mutant(
        "an address that is somebody else's by now is erased",
        "known_person",
        change("addresses - set(session.scalars(others))", "addresses"),
        (ERASURE,),
    ),
    Mutant(
        "what came to an address later was the first owner's",
        "Span.covers",
        drop_statement("self.until"),
        (OWN_DATA, ERASURE),
    ),
    Mutant(
        "wishes to be erased are not counted",
        "request_erasure",
        drop_call("count"),
        (ASKING,),
    ),
    Mutant(
        "what is good goes, and what is over stays",
        "_forget",
        compare(">", "until"),
        (RETENTION,),
    ),
    Mutant(
        "who is enrolled is forgotten for want of a confirmation",
        "_forget_unproven",
        drop_argument("~exists().where(Enrollment.user_id == User.id)"),
        (RETENTION,),
    ),
    Mutant(
        "spent challenges are kept for ever",
        "forget_expired",
        change("SpentChallenge.expires_at", "AddressChange.expires_at"),
        (RETENTION,),
    ),
)

_KEPT = (
    Mutant(
        "whoever has the link opens an interrupted form",
        "_own",
        drop_argument("InterruptedForm.user_id == user_id"),
        (RESUMING,),
    ),
    Mutant(
        "a form is kept for whoever has signed in since",
        "keep",
        drop_operand("_sender"),
        (RESUMING,),
    ),
    Mutant(
        "passwords are kept with an interrupted form",
        "typed",
        never("_holds_secret"),
        (RESUMING,),
    ),
    Mutant(
        "rows of others are exported",
        "Kept.is_mine",
        change("getattr(self.table, self.people[0]) == ME", "ME == ME"),
        (OWN_DATA,),
    ),
    Mutant(
        "e-mails about the requests of others are exported",
        "KEPT",
        drop_operand("~m.OutboxEmail.key.startswith('request')"),
        (OWN_DATA,),
    ),
    Mutant(
        "an open browser is enough to take somebody's data",
        "download",
        drop_call("check_own_password"),
        (OWN_FILES,),
    ),
    Mutant(
        "whoever takes somebody's data leaves no trace",
        "_archive",
        drop_call("note_export"),
        (OWN_FILES,),
    ),
)

MUTANTS = (*_FORGETTING, *_KEPT)
