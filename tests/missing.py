"""What a machine may lack that no package of ours can bring."""

from typing import NoReturn

import pytest

from tests.faults.profile import NIGHTLY


def missing(what: str) -> NoReturn:
    """Skip the test aloud; at night, when everything is to be seen, fail it.

    The one skip of the suite. A day's run is for every machine: without Debian's packages, without
    the right to mount, from an archive without history. What could be installed is no reason.
    """
    if NIGHTLY:
        pytest.fail(f"missing: {what}")
    # The issue on many machines asks for it: what needs such a thing is "skipped aloud and run in
    # `make nightly`". `make test` has to end well on any machine; here and in CI it skips nothing.
    pytest.skip(f"missing: {what}")
