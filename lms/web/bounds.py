"""The largest of what clients may send."""

LARGEST_ID = 2**31 - 1
"""What a column of ids holds; beyond it nothing can exist."""

MOST_AT_ONCE = 500
"""Requests that one click decides."""
