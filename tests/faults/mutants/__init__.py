"""Deliberate faults in the verbs, each of which tests must notice; run with `make mutants`."""

from tests.faults.mutants import (
    book_clocks,
    books,
    checkouts,
    courses,
    hashes,
    identity,
    import_runs,
    learning,
    ledger,
    moving,
    offers,
    old_schools,
    pairs,
    payments,
    personal_data,
    price_parts,
    refunds,
    repair,
    requests,
    rosters,
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
    *moving.MUTANTS,
    *old_schools.MUTANTS,
    *import_runs.MUTANTS,
    *repair.MUTANTS,
    *rosters.MUTANTS,
    *payments.MUTANTS,
    *pairs.MUTANTS,
    *offers.MUTANTS,
    *refunds.MUTANTS,
    *hashes.MUTANTS,
    *identity.MUTANTS,
    *ways_in.MUTANTS,
    *personal_data.MUTANTS,
    *checkouts.MUTANTS,
    *price_parts.MUTANTS,
    *books.MUTANTS,
    *book_clocks.MUTANTS,
)
