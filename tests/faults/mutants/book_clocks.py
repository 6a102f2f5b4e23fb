"""Faults in the clocks by which months of the books begin and end."""

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

CLOCKS, FOLLOWING, LOST, KEPT, COMMANDS = (
    f"tests/ledger/test_{name}.py"
    for name in (
        *("book_clocks", "following_in_books", "lost_book_clocks", "kept_months"),
        "commands_and_clocks",
    )
)
MONTHS, LIVE = "tests/payments/test_months.py", "tests/web/test_live_money.py"

MUTANTS = (
    Mutant(
        "a month that is over comes back with its last hour",
        "_never_back",
        change("max(begins_at, month.midnight - timedelta(seconds=ahead))", "begins_at"),
        (CLOCKS,),
    ),
    Mutant(
        "another zone moves what is booked",
        "wanted_clocks",
        always("is_begun"),
        (CLOCKS,),
    ),
    Mutant(
        "the month that has begun goes by another zone at once",
        "wanted_clocks",
        change("kept.end(kept.latest)", "kept.begin(kept.latest)"),
        (CLOCKS,),
    ),
    Mutant(
        "a present month that is closed takes no money",
        "BookClocks.present",
        change("latest.next if latest in self.closed else latest", "latest"),
        (FOLLOWING,),
    ),
    Mutant(
        "a day that an admin types is in the month of another zone",
        "BookClocks.within",
        always("begins"),
        (CLOCKS,),
    ),
    Mutant(
        "clocks of the books may be any",
        "lms.ledger.clocks:is_followed",
        drop_operand("book_clocks"),
        (LOST,),
    ),
    Mutant(
        "a month is closed while the books follow another zone",
        "lms.ledger.closing:close",
        drop_call("lock_facts"),
        (FOLLOWING,),
        engine="postgresql",
    ),
    Mutant(
        "the books of a big school wait for its days",
        "follow_zone_if_quick",
        drop_call("follow_in_books_anew"),
        (COMMANDS,),
    ),
    Mutant(
        "a start leaves the books to the first worker",
        "follow_zone_at_start",
        never("_unfulfilled"),
        (COMMANDS,),
    ),
    Mutant(
        "how a time is spelled decides on its month",
        "lms.ledger.movements:lacking",
        never("scope"),
        (MONTHS,),
    ),
    Mutant(
        "what contradicts itself shows in the months beside its own",
        "is_seen_in_month",
        drop_argument("month_of"),
        (MONTHS,),
    ),
    Mutant(
        "a page shows the month before when one begins",
        "calendar",
        returns("cast(school_day(moment), String)"),
        (LIVE,),
    ),
    Mutant(
        "what is booked moves when clocks do",
        "_month_kept",
        change("before != after", "before != before"),
        (KEPT,),
    ),
    Mutant(
        "what is booked stays whatever is said of when it was",
        "_month_kept",
        change("last == said.c.happened_at", "true()"),
        (KEPT,),
    ),
    Mutant(
        "what is booked moves when its time is spelled anew",
        "_read_on_sqlite",
        returns("compiler.process(element.clauses, **options)"),
        (KEPT,),
    ),
    Mutant(
        "a command has the books follow its shell",
        "of_command",
        change("True", "False"),
        (COMMANDS,),
    ),
    Mutant(
        "a command trusts a damaged row more than its own zone",
        "_to_follow",
        change("own in followed", "False"),
        (LOST,),
    ),
    Mutant(
        "lost clocks of the books stay lost",
        "wanted_clocks",
        change("kept.followed(...)", "kept"),
        (LOST,),
    ),
)
