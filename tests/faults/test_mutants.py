"""The list of faults stays runnable: each finds the one place that it breaks.

A fault names a function, wherever in lms it stands, and what of it is broken: moving the function
costs nothing. Where a test fails here, its message says what to do; the operations that a fault can
choose from are the functions of tests/faults/mutants/breaking.py.
"""

import pytest

from tests.faults.mutants import (
    MUTANTS,
    ROOT,
    Mutant,
    books,
    checkouts,
    pairs,
    payments,
    price_parts,
    refunds,
)
from tests.faults.mutants.breaking import Operation, change, change_keyword, drop_call
from tests.faults.mutants.mutant import Unfit


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_fault_applies(mutant: Mutant) -> None:
    broken = mutant.applied()
    assert broken.file.startswith("lms/")
    assert all((ROOT / name).exists() for name in mutant.tests)


@pytest.mark.parametrize(
    ("function", "operation", "advice"),
    [
        ("enroll_by_magic", drop_call("grant"), "give the fault its new name"),
        ("approve", drop_call("withdraw"), "describe to the fault what the rule looks like now"),
        ("carry_out", change("session", "None"), "let the fault say more"),
    ],
)
def test_a_fault_that_does_not_fit_says_what_to_do(
    function: str, operation: Operation, advice: str
) -> None:
    with pytest.raises(Unfit, match=advice):
        Mutant("an example", function, operation, ()).applied()


def test_a_fault_that_changes_nothing_is_none() -> None:
    same = change_keyword("by", "by", "let_in")
    with pytest.raises(Unfit, match="changes nothing"):
        Mutant("an example", "carry_out", same, ()).applied()


def test_names_are_told_apart() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 207


def test_payments_have_faults_of_their_own() -> None:
    of_money = (payments, pairs, refunds, checkouts, price_parts, books)
    assert sum(len(each.MUTANTS) for each in of_money) >= 150
