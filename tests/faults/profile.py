"""How long the random tests search: TEST_PROFILE=nightly makes them thorough.

TEST_PROFILE=mutants lets random verbs and races search for long enough to find most faults.
"""

import os

_PROFILE = os.environ.get("TEST_PROFILE", "")

NIGHTLY = _PROFILE == "nightly"
BY_DAY = not _PROFILE
