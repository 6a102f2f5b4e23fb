"""Deliberate faults in the verbs, each of which tests must notice; run with `make mutants`."""

from tests.faults.mutants import (
    courses,
    learning,
    ledger,
    pairs,
    payments,
    repair,
    requests,
    transaction,
)
from tests.faults.mutants.mutant import ROOT, Broken, Mutant

__all__ = ["MUTANTS", "ROOT", "Broken", "Mutant"]

MUTANTS: tuple[Mutant, ...] = (
    *requests.MUTANTS,
    *learning.MUTANTS,
    *courses.MUTANTS,
    *transaction.MUTANTS,
    *ledger.MUTANTS,
    *repair.MUTANTS,
    *payments.MUTANTS,
    *pairs.MUTANTS,
)
