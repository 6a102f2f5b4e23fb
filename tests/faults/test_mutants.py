"""The list of faults stays runnable: each finds the one line that it breaks."""

import ast

import pytest

from tests.faults.mutants import MUTANTS, ROOT, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_fault_applies(mutant: Mutant) -> None:
    source = (ROOT / mutant.file).read_text()
    assert source.count(mutant.old) == 1
    ast.parse(source.replace(mutant.old, mutant.new))
    assert all((ROOT / name).is_file() for name in mutant.tests)


def test_names_are_told_apart() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 40


def test_payments_have_faults_of_their_own() -> None:
    assert sum(mutant.file.startswith("lms/payments/") for mutant in MUTANTS) >= 15
