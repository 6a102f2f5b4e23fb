"""A stand-in, the real SDK in front of it, and a portal that listens behind it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import stripe

from lms.demo.stripe import StripeStandIn
from tests.demo.stripe.portal import Portal
from tests.patience import PATIENCE


@pytest.fixture
def portal() -> Iterator[Portal]:
    with Portal() as portal:
        yield portal


@pytest.fixture
def stand_in(tmp_path: Path, portal: Portal) -> Iterator[StripeStandIn]:
    secret = portal.secret
    with StripeStandIn(tmp_path, portal_url=portal.url, webhook_secret=secret) as stand_in:
        yield stand_in


@pytest.fixture
def client(stand_in: StripeStandIn) -> stripe.StripeClient:
    return sdk(stand_in.url, key=stand_in.key)


def sdk(url: str, *, key: str = "sk_test_of_the_stand_in") -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        base_addresses={"api": url},
        max_network_retries=0,
        http_client=stripe.RequestsClient(timeout=PATIENCE),
    )
