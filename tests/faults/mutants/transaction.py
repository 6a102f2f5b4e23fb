"""Faults in the transaction that every verb is."""

from tests.faults.mutants.breaking import (
    always,
    change,
    drop_argument,
    drop_call,
    drop_if,
    drop_keyword,
    never,
    returns,
)
from tests.faults.mutants.mutant import ACCESS, LIVE, RACES, TRANSACTION, Mutant

MUTANTS = (
    Mutant(
        "nothing is tried again",
        "transactional.verb",
        always("is_transient"),
        (TRANSACTION,),
        engine="postgresql",
    ),
    Mutant(
        "everything is tried again",
        "transactional.verb",
        drop_if("is_transient"),
        (TRANSACTION,),
    ),
    Mutant(
        "a deadlock is an error",
        "_RETRIED_SQLSTATES",
        drop_argument("'40P01'"),
        (TRANSACTION,),
        engine="postgresql",
    ),
    Mutant(
        "a lock timeout is an error",
        "_RETRIED_SQLSTATES",
        drop_argument("'55P03'"),
        (TRANSACTION,),
        engine="postgresql",
    ),
    Mutant(
        "a busy SQLite is an error",
        "is_transient",
        returns("False", "'database is locked'"),
        (TRANSACTION,),
    ),
    Mutant(
        "a lost connection is an error",
        "is_transient",
        drop_if("connection_invalidated"),
        (TRANSACTION,),
        engine="postgresql",
    ),
    Mutant(
        "a commit whose answer is lost is made twice",
        "_run",
        change("not _has_committed(...)", "_has_committed(transaction_id)"),
        (TRANSACTION,),
        engine="postgresql",
    ),
    Mutant(
        "a commit that was lost counts as made",
        "_has_committed",
        returns("True", "found"),
        (TRANSACTION,),
        engine="postgresql",
    ),
    Mutant(
        "what became of a commit is not waited for",
        "_has_committed",
        change("'in progress'", "'never'"),
        (TRANSACTION,),
        engine="postgresql",
    ),
    Mutant(
        "a verb runs inside another",
        "transactional.verb",
        never("_inside"),
        (TRANSACTION,),
    ),
    Mutant(
        "after a verb nothing else may run",
        "_run",
        drop_call("reset"),
        (TRANSACTION, *ACCESS),
    ),
    Mutant(
        "the pages hear of nothing",
        "_run",
        drop_call("publish"),
        (LIVE, TRANSACTION),
    ),
    Mutant(
        "the past is read on after a verb",
        "transactional.verb",
        drop_call("close"),
        (TRANSACTION,),
    ),
    Mutant(
        "a verb sees a snapshot instead of what it waited for",
        "writer",
        drop_keyword("isolation_level"),
        (RACES, TRANSACTION),
        engine="postgresql",
    ),
    Mutant(
        "a writer on SQLite begins like a reader",
        "_begin_sqlite",
        change("'BEGIN IMMEDIATE'", "'BEGIN'"),
        (TRANSACTION, "tests/test_db.py", RACES),
    ),
    Mutant(
        "one time that is none takes pages away",
        "_read",
        change("(ValueError, OverflowError)", "OverflowError"),
        ("tests/web/test_unreadable_times.py",),
    ),
)
