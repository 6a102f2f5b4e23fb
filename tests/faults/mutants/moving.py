"""Faults in what takes a school elsewhere, or keeps it."""

from tests.faults.mutants.breaking import change, drop_argument, drop_call, never
from tests.faults.mutants.mutant import Mutant

COPYING = ("tests/moving/test_copying.py",)
BACKUP = ("tests/moving/test_backup.py",)
INTERRUPTED = ("tests/moving/test_interrupted.py",)
FOLDER = ("tests/moving/test_folder.py",)
CREDENTIALS = ("tests/importing/legacy/test_credentials.py",)

MUTANTS = (
    Mutant("ids are given again", "copying:_finish", drop_call("lift_ids"), COPYING),
    Mutant(
        "what can't be read is copied",
        "copying:copy",
        drop_call("check"),
        COPYING,
    ),
    Mutant(
        "a part of a school is started",
        "env:_migrate",
        drop_call("refuse_unfinished"),
        INTERRUPTED,
    ),
    Mutant(
        "what has changed since is mixed with what was copied",
        "copying:_still_equal",
        change("str(found) == finished[table.name]", "True"),
        INTERRUPTED,
    ),
    Mutant(
        "nothing becomes JSON's null",
        "loading:_insert_statement",
        change("JSON(none_as_null=True)", "JSON()"),
        COPYING,
    ),
    Mutant("references rest for good", "begun:end", drop_call("restore_indexes"), COPYING),
    Mutant("a changed backup passes for whole", "backup:_checked", never("digests"), BACKUP),
    Mutant("all may read a backup", "backup:_clone", drop_call("create_private_file"), BACKUP),
    Mutant("a changed export passes for whole", "Folder.read", never("found"), FOLDER),
    Mutant("all may read an export", "folder:export", change("0o700", "0o755"), FOLDER),
    Mutant(
        "a password beside somebody replaces their own",
        "credentials:decide",
        drop_argument("users.c.password_hash == ''"),
        CREDENTIALS,
    ),
)
