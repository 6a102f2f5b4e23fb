"""The small school of the tests of sync, and the ways to damage it."""

from tests.sync.conftest import injure, school

__all__ = ["injure", "school"]
