"""Faults in the hashes that other programs wrote."""

from tests.faults.mutants.breaking import change, returns
from tests.faults.mutants.mutant import Mutant

HASHES = ("tests/test_hashes.py",)
SIGN_IN = ("tests/accounts/test_old_hashes.py",)
PEOPLE = ("tests/importing/legacy/test_people.py",)

MUTANTS = (
    Mutant(
        "npm's argon2 is kept in its own order",
        "hashes:_in_order",
        returns("written", "join"),
        (*HASHES, *PEOPLE),
    ),
    Mutant(
        "bcrypt is given more than it reads",
        "hashes:_bcrypt",
        change("password[:_LONGEST_BCRYPT]", "password"),
        (*HASHES, *SIGN_IN),
    ),
    Mutant(
        "a hash may cost any number of rounds",
        "hashes:_at_most",
        returns("lambda found: True"),
        HASHES,
    ),
    Mutant(
        "a hash may cost any amount of memory",
        "hashes:_is_cheap_scrypt",
        returns("is_power"),
        HASHES,
    ),
    Mutant(
        "a blank after a hash is part of it",
        "hashes:kept",
        change("written.strip()", "written"),
        HASHES,
    ),
    Mutant(
        "what can't be hashed raises",
        "hashes:verify",
        change("ValueError", "KeyError"),
        HASHES,
    ),
    Mutant(
        "WordPress is taken for one that trims nothing",
        "hashes:_trimmed",
        returns("password"),
        HASHES,
    ),
    Mutant(
        "a foreign hash stays after a sign-in",
        "passwords:_is_dated",
        returns("False", "True"),
        SIGN_IN,
    ),
)
