"""Whose address may register."""

import pytest

from lms import accounts
from lms.refusals import Invalid


def test_nobody_is_admitted_where_the_school_makes_all_accounts() -> None:
    assert not accounts.is_registration_open("closed")
    with pytest.raises(Invalid, match="created by the school"):
        accounts.check_admitted("closed", "new@example.org")


def test_a_domain_is_compared_as_addresses_are_stored() -> None:
    for email in (" New@Example.ORG ", "new@example.org"):
        accounts.check_admitted("school.example,example.org", email)
    with pytest.raises(Invalid, match=r"school\.example or example\.org"):
        accounts.check_admitted("school.example,example.org", "new@example.com")
    accounts.check_admitted("open", "new@example.com")
