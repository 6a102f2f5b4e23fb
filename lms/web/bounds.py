"""The largest of what clients may send."""

MOST_AT_ONCE = 500
"""Requests that one click decides, or notices that one call marks."""

MESSAGE_LENGTH = 2000
"""A student's message, or the reason of a decision."""

SEARCH_LENGTH = 200
"""What is searched for; a longer one is cut."""
