"""A fresh demo school to look at and to measure: `flask serve` as a newcomer starts it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lms.demo.logins import LOGINS
from tests.databases import Sqlite
from tests.server import Portal, serving

PASSWORDS = {role: (email, password) for role, email, password in LOGINS}


@contextmanager
def demo_school() -> Iterator[Portal]:
    """Lend a portal with the demo school, on a free port and a database of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="lms-demo-") as folder,
        Sqlite(Path(folder)).migrated() as url,
        serving(url, DEMO="1") as portal,
    ):
        yield portal
