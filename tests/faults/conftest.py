"""What races and histories share: worker processes."""

from collections.abc import Iterator

import pytest

from tests.faults.racers import Racers, racers


@pytest.fixture(scope="module")
def processes() -> Iterator[Racers]:
    with racers() as processes:
        yield processes
