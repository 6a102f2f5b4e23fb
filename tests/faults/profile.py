"""How long the random tests search: TEST_PROFILE=nightly makes them thorough."""

import os

NIGHTLY = os.environ.get("TEST_PROFILE") == "nightly"
