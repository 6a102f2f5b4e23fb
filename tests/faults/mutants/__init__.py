"""Deliberate faults in the verbs, each of which tests must notice; run with `make mutants`."""

from tests.faults.mutants import (
    courses,
    identity,
    learning,
    ledger,
    payments,
    personal_data,
    repair,
    requests,
    transaction,
    ways_in,
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
    *identity.MUTANTS,
    *ways_in.MUTANTS,
    *personal_data.MUTANTS,
)
