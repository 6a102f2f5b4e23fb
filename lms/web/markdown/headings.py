"""The headings of a text: below the page's own, each with an anchor."""

import re
from html import unescape
from typing import Any

from mistune import BlockState, Markdown

from lms.texts import without_accents

_LONGEST_ANCHOR = 80


def settle_headings(_markdown: Markdown, state: BlockState) -> None:
    """Lower the headings so that the highest is h2 and none skips a level; give each an anchor.

    Links lead to it as to #section-first-steps: without the prefix it could be an id of the page.
    """
    above: list[int] = []
    anchors: dict[str, int] = {}
    for heading in _headings(state.tokens):
        heading["attrs"]["id"] = _anchor(heading.get("text", ""), anchors)
        typed = heading["attrs"]["level"]
        while above and above[-1] >= typed:
            above.pop()
        above.append(typed)
        heading["attrs"]["level"] = min(len(above) + 1, 6)


def _anchor(text: str, taken: dict[str, int]) -> str:
    words = re.findall(r"\w+", without_accents(unescape(text)))
    anchor = "-".join(["section", *words])[:_LONGEST_ANCHOR]
    number = taken[anchor] = taken.get(anchor, 0) + 1
    return anchor if number == 1 else f"{anchor}-{number}"


def _headings(tokens: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for token in tokens:
        if token["type"] == "heading":
            found.append(token)
        found += _headings(token.get("children", []))
    return found
