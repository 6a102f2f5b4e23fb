"""Faults in the import of old schools: money, ended access, words, times, order, names."""

from tests.faults.mutants.breaking import (
    always,
    change,
    drop_argument,
    drop_call,
    drop_operand,
    never,
    returns,
)
from tests.faults.mutants.mutant import Mutant

ADDRESS, ENDED, LEARNING, MONEY, NAMES, PREVIEW, TIMES, WORDS = (
    f"tests/importing/legacy/test_{name}.py"
    for name in ("address", "ended", "learning", "money", "names", "preview", "times", "words")
)

MUTANTS = (
    Mutant(
        "an amount of unknown unit is taken for decimal",
        "legacy.row:OldRow.amount",
        never("unit is None"),
        (MONEY,),
    ),
    Mutant(
        "a course of unknown price can be joined",
        "legacy.courses:_price",
        change("_OPEN", "''"),
        (MONEY,),
    ),
    Mutant(
        "what others paid for is free",
        "legacy.payments:merge_same",
        drop_call("_hold_unpriced"),
        (MONEY,),
    ),
    Mutant(
        "a whole type proves decimals",
        "legacy.prices:unit_of",
        returns("'decimal'", "None"),
        (MONEY,),
    ),
    Mutant(
        "what Stripe never takes proves nothing",
        "legacy.prices:_is_too_little",
        returns("False"),
        (MONEY,),
    ),
    Mutant(
        "who pays cents for dollars tells nothing",
        "legacy.prices:compared",
        change("'minor'", "None"),
        (MONEY,),
    ),
    Mutant(
        "minor units are hundredths everywhere",
        "legacy.prices:to_minor",
        change("decimals(currency)", "2"),
        (MONEY,),
    ),
    Mutant(
        "a payment of unknown unit comes in as nothing",
        "legacy.receipts:read",
        never("found.is_open"),
        (MONEY,),
    ),
    Mutant(
        "a draft whose price is known now stays one",
        "legacy.courses:decide",
        drop_call("_finish_drafts"),
        (MONEY,),
    ),
    Mutant(
        "a draft that was priced here is priced again",
        "legacy.courses:_finish_drafts",
        always("prices.get"),
        (MONEY,),
    ),
    Mutant(
        "who paid keeps access by the import too",
        "legacy.payments:write",
        drop_call("end_imports"),
        (MONEY,),
    ),
    Mutant(
        "parts that explain nothing are kept",
        "legacy.receipts:_parts",
        drop_operand("explains"),
        (MONEY,),
    ),
    Mutant(
        "a deleted enrollment gives access",
        "legacy.ended:why_ended",
        change("row.is_set('deleted_at')", "False"),
        (ENDED,),
    ),
    Mutant(
        "a date in the past ends nothing",
        "legacy.ended:why_ended",
        change("row.has_come('expires_at')", "False"),
        (ENDED,),
    ),
    Mutant(
        "a date that can't be read has not come",
        "legacy.row:OldRow.has_come",
        change("found is None", "False"),
        (ENDED,),
    ),
    Mutant(
        "progress brings ended access back",
        "legacy.access:decide",
        drop_call("change", "_ENDED"),
        (ENDED,),
    ),
    Mutant(
        "learning of ended access is lost",
        "legacy.learning:_derive",
        drop_argument("pairs.c.ended"),
        (ENDED,),
    ),
    Mutant(
        "a deleted account's payment lets another in",
        "legacy.payments:_set_ended_aside",
        drop_argument("user_is_closed"),
        (ENDED,),
    ),
    Mutant(
        "a deleted account is open",
        "legacy.people:_read",
        change("not (is_deleted or is_closed)", "not is_closed"),
        (ENDED,),
    ),
    Mutant(
        "a ban is not looked at",
        "legacy.people:_is_closed",
        drop_operand("is_banned"),
        (ENDED,),
    ),
    Mutant(
        "an unpublished course is published",
        "legacy.courses:_status",
        returns("status", "visible"),
        (ENDED,),
    ),
    Mutant(
        "a teacher becomes an admin",
        "legacy.people:_role",
        change("'admin' in known", "known & {'admin', 'teacher'}"),
        (WORDS,),
    ),
    Mutant(
        "who decided is forgotten",
        "legacy.requests:merge_same",
        drop_call("_find_reviewers"),
        (WORDS,),
    ),
    Mutant(
        "a rejection of unknown date is forgotten",
        "legacy.requests:_is_approved",
        drop_operand("rejected_later"),
        (TIMES,),
    ),
    Mutant(
        "who withdrew a request loses what was approved",
        "legacy.requests:_is_approved",
        drop_argument("is_withdrawn"),
        (TIMES,),
    ),
    Mutant(
        "a blank before the offset loses the date",
        "legacy.times:read",
        change("_BEFORE_OFFSET.sub('', written)", "written"),
        (TIMES,),
    ),
    Mutant(
        "days are seconds",
        "legacy.times:_counted",
        never("_JULIAN"),
        (TIMES,),
    ),
    Mutant(
        "a spreadsheet's day is in 1970",
        "legacy.times:_counted",
        never("_FIRST"),
        (TIMES,),
    ),
    Mutant(
        "a time without a zone passes unsaid",
        "legacy.row:OldRow.moment",
        never("is_bare"),
        (TIMES,),
    ),
    Mutant(
        "who was approved was enrolled now",
        "legacy.access:decide",
        drop_argument("approved_at"),
        (TIMES,),
    ),
    Mutant(
        "listed chapters are not completed",
        "legacy.learning:decide_figures",
        drop_call("_take_lists"),
        (LEARNING,),
    ),
    Mutant(
        "progress of 1 is one percent",
        "legacy.reading:Reading.percent",
        change("column in self.shares", "False"),
        (LEARNING,),
    ),
    Mutant(
        "a table of another name is any table",
        "legacy.names:Matching._rank",
        never("names.needs"),
        (NAMES,),
    ),
    Mutant(
        "of two tables the first is taken",
        "legacy.names:_only",
        never("full"),
        (NAMES,),
    ),
    Mutant(
        "rows about people without people are refused one by one",
        "legacy.names:Matching.match",
        drop_call("_refuse_gaps"),
        (NAMES,),
    ),
    Mutant(
        "invoices are passed over",
        "legacy.names:Matching._unread",
        drop_call("_weigh_table"),
        (NAMES,),
    ),
    Mutant(
        "a question ends like a success",
        "lms.cli.importing:legacy",
        never("report.questions"),
        (MONEY,),
    ),
)
