"""Faults in where the contents of files lie, and in how they are sent."""

from tests.faults.mutants.breaking import change, drop_call, drop_if, never
from tests.faults.mutants.mutant import Mutant

STORE = ("tests/files/test_store.py",)
BUCKET = ("tests/files/test_bucket.py",)
SENT = ("tests/web/test_files_in_a_bucket.py",)

MUTANTS = (
    Mutant("a named content is swept", "store:sweep", change("digest not in known", "True"), STORE),
    Mutant(
        "an upload waits for no sweep",
        "bucket:put",
        change("_have_sweeps_ended(digest)", "True"),
        BUCKET,
    ),
    Mutant(
        "a sweep trusts what it saw before",
        "store:_deleted",
        change("since is not None and _is_past(since, turn.now)", "since is not None"),
        BUCKET,
    ),
    Mutant("a transaction waits for a bucket", "s3:asking", drop_if("is_inside()"), BUCKET),
    Mutant("a silent bucket is asked again", "s3:_unanswered", never("_SLOW_SECONDS"), BUCKET),
    Mutant(
        "half a content passes for whole", "Content._whole", never("found.meta['size']"), BUCKET
    ),
    Mutant("a missing bucket is a missing file", "Content.begin", drop_call("reach"), SENT),
    Mutant("who has left is waited for", "Pipe._write", drop_if("self._room"), SENT),
)
