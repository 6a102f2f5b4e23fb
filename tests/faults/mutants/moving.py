"""Faults in what takes a school elsewhere, or keeps it."""

from tests.faults.mutants.breaking import change, drop_call, never
from tests.faults.mutants.mutant import Mutant

COPYING = ("tests/moving/test_copying.py",)
BACKUP = ("tests/moving/test_backup.py",)

MUTANTS = (
    Mutant(
        "ids of rows that are gone are given again", "copying:copy", drop_call("lift_ids"), COPYING
    ),
    Mutant(
        "what can't be read is copied as something",
        "copying:copy",
        drop_call("check_readable"),
        COPYING,
    ),
    Mutant(
        "nothing becomes JSON's null",
        "loading:_insert_statement",
        change("JSON(none_as_null=True)", "JSON()"),
        COPYING,
    ),
    Mutant("a changed backup passes for whole", "backup:_checked", never("digests"), BACKUP),
    Mutant(
        "a backup is readable for all", "backup:_clone", drop_call("create_private_file"), BACKUP
    ),
)
