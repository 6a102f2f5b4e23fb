"""The connection to PostgreSQL may break at any message: nothing is half done, lost or doubled."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from lms import create_app
from lms.db import db
from lms.demo.stripe import StripeStandIn
from lms.payments import Gateway
from tests.databases import Postgresql, settings
from tests.faults import scenarios
from tests.faults.profile import NIGHTLY
from tests.faults.scenarios import Scenario, World
from tests.invariants import assert_invariants, violations
from tests.relay import Wire, relayed

CUTS = 1000 if NIGHTLY else 2
"""At how many messages of each deed, besides each COMMIT."""
VERBS_ALONE = {
    scenarios.approving,
    scenarios.undoing,
    scenarios.enrolling,
    scenarios.learning_all,
}
"""Deeds that read nothing before their verb, which tries again by itself."""


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def world(postgresql: Postgresql, wire: Wire, tmp_path: Path) -> Iterator[World]:
    """The portal, which reaches its database over this wire alone."""
    with (
        postgresql.migrated() as url,
        relayed(url, wire) as port,
        StripeStandIn(tmp_path) as stripe,
    ):
        over = make_url(url).set(host="127.0.0.1", port=port, query={"sslmode": "disable"})
        app = create_app(settings(over.render_as_string(hide_password=False)))
        with app.app_context():
            yield World(stripe, Gateway(stripe.key, base=stripe.url))
            db.session.remove()
            db.engine.dispose()


@pytest.mark.timeout(3600 if NIGHTLY else 300)
@pytest.mark.parametrize("make", scenarios.ALL, ids=lambda make: make.__name__)
def test_a_connection_cut_at_any_message_loses_and_doubles_nothing(
    world: World, wire: Wire, make: Callable[[World], Scenario]
) -> None:
    make(world).act()  # what is prepared once is not counted
    made, commits = _count(wire, make(world)), _count(wire, make(world), of=b"COMMIT")
    for cut_at in range(1, commits + 1):
        assert _is_cut(wire, make, world, cut_at, of=b"COMMIT")
    spread = sorted({1 + n * (made - 1) // CUTS for n in range(CUTS)})
    # A deed needs fewer messages as the driver has prepared more of its statements.
    assert sum(_is_cut(wire, make, world, cut_at) for cut_at in spread) > len(spread) // 2
    assert_invariants(db.session())
    assert violations(db.session()) == {}


def _count(wire: Wire, scenario: Scenario, *, of: bytes = b"") -> int:
    wire.set(of=of)
    scenario.act()
    made = wire.requests
    wire.set()
    scenario.check()
    return made


def _is_cut(
    wire: Wire,
    make: Callable[[World], Scenario],
    world: World,
    cut_at: int,
    *,
    of: bytes = b"",
) -> bool:
    """Cut one deed on the way there, another on the way back; return whether it came to that.

    By day, deeds with Stripe in them, which take long, are cut on the way back alone.
    """
    cut = True
    for is_answered in (False, True) if NIGHTLY or make in VERBS_ALONE else (True,):
        scenario = make(world)
        wire.set(cut_at=cut_at, of=of, is_answered=is_answered)
        try:
            scenario.act()
        except (DBAPIError, AssertionError):
            assert make not in VERBS_ALONE
            db.session.remove()
            _again(scenario)
        cut = cut and wire.has_cut
        wire.set()
        db.session.remove()
        scenario.check()
    return cut


def _again(scenario: Scenario) -> None:
    try:
        scenario.act()
    except Exception as error:
        if scenario.harmless is None or not isinstance(error, scenario.harmless):
            raise
