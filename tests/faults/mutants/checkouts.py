"""Faults in what can be sold, and in the checkouts that are opened and closed."""

from tests.faults.mutants.breaking import change
from tests.faults.mutants.mutant import Mutant

MONEY = "tests/test_money.py"
COURSES = "tests/web/test_admin_courses.py"

MUTANTS = (
    Mutant(
        "fractions of what has none are sold",
        "is_sold",
        change("amount % known.step == 0", "True"),
        (MONEY,),
    ),
    Mutant("less than the minimum is sold", "is_sold", change("known.least", "1"), (MONEY,)),
    Mutant("more than the maximum is sold", "is_sold", change("MAX_PRICE", "10**9"), (MONEY,)),
    Mutant(
        "the highest price is none",
        "lms.money:prices",
        change("MAX_PRICE - MAX_PRICE % known.step", "MAX_PRICE"),
        (MONEY,),
    ),
    Mutant(
        "a price that nobody can pay is published",
        "lms.enrollment.courses:_checked",
        change("is_sold(fields.price_cents, fields.currency)", "True"),
        (COURSES,),
    ),
)
