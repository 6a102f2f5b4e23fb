"""What an import can't decide, with what the owner may answer; and what nobody may miss in it."""

from lms.queries.read_model import read_model

MONEY, ACCESS, SIGN_IN, NOT_READ = TOPICS = ("money", "access", "sign-in", "not read")
"""What comes first in every report."""
_SEPARATOR = "|"


@read_model
class Question:
    """Something that the old data leaves open; nothing that needs the answer is imported."""

    topic: str
    question: str
    answers: list[str]
    """Options of the command."""


def about(topic: str, reason: str) -> str:
    """Return a reason that belongs to what nobody may miss."""
    return f"{topic}{_SEPARATOR}{reason}"


def parted(reason: str) -> tuple[str, str]:
    """Return the topic of a reason, blank for the others, and its words."""
    topic, separator, words = reason.partition(_SEPARATOR)
    return (topic, words) if separator and topic in TOPICS else ("", reason)


UNANSWERED = about(ACCESS, "the status is unknown: imported once you say what it means")
WAITS = "waits for an answer"
"""Ends why an enrollment of unknown status gives nothing yet."""
