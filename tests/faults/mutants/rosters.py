"""Faults in rosters: whom they let in, and how much they take away unasked."""

from tests.faults.mutants.breaking import (
    change,
    compare,
    drop_argument,
    drop_if,
    never,
)
from tests.faults.mutants.mutant import Mutant

_FOLDER = "tests/importing/roster"
LOSSES = (f"{_FOLDER}/test_losses.py",)
ONEROSTER, CANVAS, MOODLE = (
    (f"{_FOLDER}/test_{name}.py",) for name in ("oneroster", "canvas", "moodle")
)

MUTANTS = (
    Mutant(
        "five of a course may leave unasked",
        "_is_large",
        compare(">", "FEWEST_OF_COURSE"),
        LOSSES,
    ),
    Mutant("a tenth has to be allowed", "_is_large", compare(">=", "enrolled"), LOSSES),
    Mutant("fifty have to be allowed", "to_be_allowed", compare(">=", "MOST_PEOPLE"), LOSSES),
    Mutant(
        "an empty roster takes all away unasked",
        "to_be_allowed",
        change("is_empty", "False"),
        (*LOSSES, *ONEROSTER),
    ),
    Mutant("any number allows it", "roster:_apply", never("allow_unenroll"), LOSSES),
    Mutant(
        "who is missing loses what others gave",
        "leavers:_imported",
        drop_argument("by_others"),
        ONEROSTER,
    ),
    Mutant(
        "who may be in an unclear line leaves",
        "leavers:_complete",
        change("complete - kept", "complete"),
        ONEROSTER,
    ),
    Mutant(
        "who changes the class leaves the course",
        "roster:_lines",
        never("is_from_system"),
        (*CANVAS, *ONEROSTER),
    ),
    Mutant(
        "another system's number is an id of ours",
        "Courses._number",
        change("words.is_ours", "True"),
        (*ONEROSTER, *MOODLE),
    ),
    Mutant("teachers are students", "oneroster:_asked", never("role != STUDENT"), ONEROSTER),
    Mutant("what is to be deleted stays", "oneroster:_asked", drop_if("_ENDED"), ONEROSTER),
    Mutant("an enrollment outlasts its days", "in_time", drop_if("ends"), ONEROSTER),
    Mutant("a disabled user is let in", "_why_gone", change("'disabled'", "''"), ONEROSTER),
    Mutant("a deleted course is open", "canvas:_asked", never("'deleted'"), CANVAS),
    Mutant("a completed course is open", "canvas:_asked", never("'completed'"), CANVAS),
    Mutant("inactive is active", "canvas:_STATUSES", change("UNENROLL", "ENROLL"), CANVAS),
    Mutant("completed is active", "canvas:_STATUSES", change("_KEPT", "ENROLL"), CANVAS),
    Mutant(
        "a suspended enrollment is active",
        "moodle:_asked",
        change("_STATUSES.get(status)", "_STATUSES.get('0')"),
        MOODLE,
    ),
    Mutant("teachers of Moodle are students", "moodle:_asked", never("STUDENT"), MOODLE),
)
