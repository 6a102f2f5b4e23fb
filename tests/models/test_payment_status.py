"""The table of a payment's statuses: whole, and the one that everything else follows."""

from typing import get_args

from lms.models import PaymentStatus
from lms.models.payment_status import (
    AWAITED,
    GIVING_ACCESS,
    HELD,
    MAY_GIVE_ACCESS,
    NEEDING_ATTENTION,
    RETURNED,
    STATUSES,
    UNPAID,
)


def test_every_status_has_its_row_in_the_table() -> None:
    assert tuple(STATUSES) == get_args(PaymentStatus)


def test_money_is_in_one_place_at_a_time() -> None:
    assert sorted([*UNPAID, *HELD, *RETURNED]) == sorted(STATUSES)
    assert set(AWAITED) < set(UNPAID)


def test_access_is_given_only_for_money_that_is_held() -> None:
    assert set(GIVING_ACCESS) < set(MAY_GIVE_ACCESS) < set(HELD)
    assert set(NEEDING_ATTENTION) == set(HELD) - set(GIVING_ACCESS)
