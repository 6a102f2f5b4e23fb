"""The first call to Stripe of a process, made as a container's user makes it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lms.demo.stripe import StripeStandIn

_NOBODY = """
import os, sys
from lms.payments.gateway import Gateway
if os.getuid() == 0 and "HOME" not in os.environ:
    os.setuid(54321)  # of whom nobody knows a home
assert Gateway(sys.argv[1], base=sys.argv[2], retries=0).endpoints() == []
"""


@pytest.mark.parametrize("has_home", [False, True])
def test_the_first_call_neither_needs_nor_touches_a_home(
    stripe: StripeStandIn, tmp_path: Path, *, has_home: bool
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environment = {name: text for name, text in os.environ.items() if "HOME" not in name}
    if has_home:
        environment["HOME"] = str(home)
    made = subprocess.run(
        [sys.executable, "-c", _NOBODY, stripe.key, stripe.url],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (made.returncode, made.stderr) == (0, "")
    assert list(home.iterdir()) == []
