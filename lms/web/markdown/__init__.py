"""Chapters are written in Markdown; what reaches a page is HTML that can do no harm.

Two lines of defense: mistune escapes all HTML in the text, nh3 keeps only what `allowed` lists.
"""

from functools import lru_cache
from html import unescape
from typing import NamedTuple

import nh3
from markupsafe import Markup

from lms.web.markdown.allowed import clean
from lms.web.markdown.files import LessonFile
from lms.web.markdown.lists import deepen_lists
from lms.web.markdown.parser import MARKDOWN
from lms.web.markdown.surroundings import ELSEWHERE, Surroundings

__all__ = ["Lesson", "LessonFile", "Surroundings", "lesson", "plain_text", "render"]


class Lesson(NamedTuple):
    """A text as HTML, and the origins whose players it offers."""

    html: Markup
    frames: tuple[str, ...]


def render(text: str) -> Markup:
    """Return a text that has no files, such as a description, as HTML."""
    return lesson(text, ELSEWHERE).html


@lru_cache(maxsize=256)
def lesson(text: str, where: Surroundings) -> Lesson:
    """Return the text as HTML whose headings begin at h2, whatever its author typed."""
    html, frames = _written(text, where)
    return Lesson(
        Markup(clean(html, frames)),  # noqa: S704 - sanitized  # nosec B704
        tuple(sorted(frames)),
    )


@lru_cache(maxsize=256)
def plain_text(text: str) -> str:
    """Return the text on one line without its marks, for where there is room for a few words."""
    html, _ = _written(text, ELSEWHERE)
    return " ".join(unescape(nh3.clean(html, tags=set())).split())


def _written(text: str, where: Surroundings) -> tuple[str, set[str]]:
    state = MARKDOWN.block.state_cls()
    frames: set[str] = set()
    state.env.update(where=where, frames=frames)
    html, _ = MARKDOWN.parse(deepen_lists(text), state)
    return str(html), frames
