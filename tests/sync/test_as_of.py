"""As of any moment of the past, the trail alone says what the tables of access held then."""

from pathlib import Path

import pytest
from flask import Flask

from tests.faults.profile import NIGHTLY
from tests.snapshots import Snapshots
from tests.sync.lives import Life

STEPS = 5_000 if NIGHTLY else 300
_EACH = 25 if NIGHTLY else 1


class _Clock(Life):
    """A life whose clock sometimes stands still, so that the trail's order alone says what is."""

    def pause(self) -> int:
        return self.random.choice([0, super().pause()])


@pytest.mark.timeout(3600 if NIGHTLY else 300)
@pytest.mark.parametrize("seed", [3])
def test_the_trail_says_what_the_tables_held_at_each_moment(
    context: Flask, tmp_path: Path, seed: int
) -> None:
    life, snapshots = _Clock(seed, tmp_path), Snapshots()
    for _ in range(STEPS):
        life.step()
        snapshots.take(life.moment)
    kept = snapshots.kept
    assert len({str(held) for held in kept.values()}) > STEPS / 10
    assert len({until.at for until in kept}) < len(kept) * 0.8
    snapshots.assert_told(each=_EACH)
