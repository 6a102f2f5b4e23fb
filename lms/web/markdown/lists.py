"""Lists within lists by two spaces, as most people type them, whatever the width of the marker."""

import re
from typing import NamedTuple

_ITEM = re.compile(r" *(?P<marker>[*+-]|\d{1,9}[.)])(?P<blanks> +)\S")
_FENCE = re.compile(r" *(?P<fence>`{3,}|~{3,})")


def deepen_lists(text: str) -> str:
    """Return the text with what is two spaces below an item within it, as CommonMark counts.

    CommonMark asks for three below `1.`, and four below `10.`: with two a list would end, and the
    next item begin another.
    """
    indents = _Indents()
    lines = (indents.counted(line) for line in re.split(r"\r\n?|\n", text))
    return "\n".join(lines)


class _Item(NamedTuple):
    indent: int
    counted: int
    inside: int
    """Where its text begins, as it counts."""


class _Indents:
    """The items that are open at a line, and the fence that is."""

    def __init__(self) -> None:
        self._items: list[_Item] = []
        self._fence = ""
        self._shift = 0

    def counted(self, line: str) -> str:
        """Return the next line, indented as it counts."""
        body = line.lstrip(" ")
        if not body:
            return line
        if not self._fence:
            self._shift = self._place(line, len(line) - len(body))
        elif body.startswith(self._fence) and not body.strip(self._fence[0]).strip():
            self._fence = ""
        return " " * self._shift + line

    def _place(self, line: str, indent: int) -> int:
        """Return by how much a line moves; what begins with it is open from now on."""
        while self._items and indent < self._items[-1].indent + 2:
            self._items.pop()
        above = self._items[-1] if self._items else None
        counted = max(indent - above.indent + above.counted, above.inside) if above else indent
        if (found := _ITEM.match(line)) and (above or indent < 4):
            blanks = len(found["blanks"])
            width = len(found["marker"]) + (blanks if blanks < 5 else 1)
            self._items.append(_Item(indent, counted, counted + width))
        elif fenced := _FENCE.match(line):
            self._fence = fenced["fence"]
        return counted - indent
