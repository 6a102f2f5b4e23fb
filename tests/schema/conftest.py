"""The small school of the tests of sync, and the ways to damage it."""

from tests.sync.conftest import database_url, filled, injure, school

__all__ = ["database_url", "filled", "injure", "school"]
