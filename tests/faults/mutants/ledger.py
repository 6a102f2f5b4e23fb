"""Faults in the ledger: who is let in, whose sources end, seats, audit and notices."""

from tests.faults.mutants.breaking import (
    change,
    drop_argument,
    drop_call,
    drop_if,
    never,
)
from tests.faults.mutants.mutant import (
    ACCESS,
    DEFAULTS,
    MACHINE,
    REQUESTS,
    Mutant,
)

LEDGER = "tests/ledger/test_access.py"
NOTICES = "tests/enrollment/test_notices.py"
LEGACY = "tests/importing/legacy"

PAST = ("tests/sync/test_as_of.py", "tests/sync/test_explain_past.py")

MUTANTS = (
    Mutant(
        "of the past, access had ended that ended later",
        "ledger.trail:_ended",
        change("is_followed(grant, ENDED, end, *_told(end, past))", "is_followed(grant, ENDED)"),
        PAST,
    ),
    Mutant(
        "of the past, a source had gone that was withdrawn later",
        "ledger.trail:_is_withdrawn",
        change(
            "(grant, WITHDRAWN, withdrawn, *_told(withdrawn, past))",
            "(grant, WITHDRAWN, withdrawn)",
        ),
        PAST,
    ),
    Mutant(
        "what happened at one moment has no order",
        "ledger.trail:within",
        change("(entry.at <= _MOMENT, entry.id <= _ENTRY)", "(entry.at <= _MOMENT,)"),
        PAST,
    ),
    Mutant(
        "whoever was reactivated later had been active before",
        "queries.past:_was_active",
        change("switch.action == _DEACTIVATED", "switch.action == _REACTIVATED"),
        PAST,
    ),
    Mutant(
        "what a repair brought back is taken for the repair's gift",
        "first_grants",
        change("first.setdefault(source, each)", "first.__setitem__(source, each)"),
        PAST,
    ),
    Mutant(
        "seats that are taken are not counted",
        "ledger.seats:free_seats",
        change("Course.capacity - seats_used(...)", "Course.capacity"),
        (*ACCESS, MACHINE),
    ),
    Mutant(
        "of a list, each is seated as if alone",
        "_seated",
        change("seated[course] < seats", "0 < seats"),
        (LEDGER,),
    ),
    Mutant(
        "of a list, whoever stands last is seated first",
        "seats:_wanted",
        change("wanted.c.place", "wanted.c.place.desc()"),
        (LEDGER,),
    ),
    Mutant(
        "who is enrolled already takes another seat",
        "seats:_wanted",
        drop_argument("~is_enrolled"),
        (*ACCESS, MACHINE),
    ),
    Mutant(
        "a source forgets who granted it",
        "grant_sources",
        change("now_by", "Grant(now_by.at, None)"),
        (*ACCESS, REQUESTS),
    ),
    Mutant(
        "an enrollment outlives its last source",
        "end_sources",
        never("source.pair", "remaining"),
        (*ACCESS, DEFAULTS, MACHINE),
    ),
    Mutant(
        "a source that is withdrawn leaves no trace",
        "record_withdrawn",
        drop_call("record_all"),
        ACCESS,
    ),
    Mutant(
        "access that ends leaves no trace",
        "ledger.access:_end",
        drop_call("record_all"),
        ACCESS,
    ),
    Mutant(
        "access that ends leaves its mirror",
        "_end",
        drop_call("run", "_ending_mirrors"),
        (LEDGER,),
    ),
    Mutant(
        "every source claims to have enrolled the student",
        "_record_grants",
        drop_call("discard"),
        (LEDGER,),
    ),
    Mutant(
        "the day on which an old school enrolled a student is lost",
        "_enroll",
        change("known.enrolled_at", "None"),
        (LEDGER,),
    ),
    Mutant(
        "what an old school knew of access is not in the trail",
        "_record_grants",
        change("known.details", "{}"),
        (LEGACY, "tests/sync/kinds"),
    ),
    Mutant(
        "the last activity in an old school is lost",
        "_adding_mirrors",
        change("wanted.c.last_activity_at", "last"),
        (LEDGER,),
    ),
    Mutant(
        "a mirror that is added forgets the last completion",
        "_adding_mirrors",
        change("later(wanted.c.last_activity_at, last)", "wanted.c.last_activity_at"),
        (*ACCESS, "tests/sync/kinds"),
    ),
    Mutant(
        "a request that is superseded is not in the trail",
        "_supersede_requests",
        drop_call("record_all"),
        (*ACCESS, REQUESTS),
    ),
    Mutant(
        "a request that is superseded stays on the admins' pages",
        "_supersede_requests",
        drop_call("touch"),
        (*ACCESS, REQUESTS),
    ),
    Mutant(
        "that a seat is free again is not shown",
        "_end",
        drop_if("_limited"),
        ACCESS,
    ),
    Mutant(
        "how many seats are left is not shown anew",
        "let_in",
        drop_call("touch", "'catalogue'"),
        ACCESS,
    ),
    Mutant(
        "who is let in by an admin hears nothing",
        "admit",
        drop_call("notify"),
        (NOTICES,),
    ),
    Mutant(
        "whose access an admin ends hears nothing",
        "end",
        drop_call("notify"),
        (NOTICES,),
    ),
    Mutant(
        "what happens twice is announced once",
        "notify",
        change("f'{event}-{number}'", "event"),
        (NOTICES, *ACCESS),
    ),
    Mutant(
        "entries of the trail are in any order",
        "audit:recording",
        change("changed.c.place", "changed.c.place.desc()"),
        (*ACCESS, DEFAULTS),
    ),
)
