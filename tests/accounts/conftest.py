"""A person who may have second factors."""

import pytest
from flask import Flask

from lms import accounts
from tests.accounts.factors import EMAIL, PARTY, PASSWORD
from tests.authenticator import Passkey


@pytest.fixture
def user_id(context: Flask) -> int:
    return accounts.create_account(email=EMAIL, name="X", password=PASSWORD)


@pytest.fixture
def passkey() -> Passkey:
    return Passkey(rp_id=PARTY.id, origin=PARTY.origin)
