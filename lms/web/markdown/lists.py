"""Lists within lists by two spaces, as most people type them, whatever the width of the marker."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_MARKER = re.compile(
    r"(?!(?:\*[ \t]*){3,}$|(?:-[ \t]*){3,}$)"  # a line of them parts the text
    r"(?P<marker>[*+-]|\d{1,9}[.)])(?P<blanks>[ \t]+|$)(?P<rest>.*)"
)
_OPENING = re.compile(r"(?P<mark>`{3,}(?=[^`]*$)|~{3,}|\$\$(?=[ \t]*$))")
_DEEPEST = 10
"""More than mistune nests; a line may have thousands of markers."""
_NOT_LAZY = re.compile(r"[-*+#>`~<_\d]")
"""What may end an item; other words may go on at the margin."""


def deepen_lists(text: str) -> str:
    """Return the text with what is two spaces below an item within it, as CommonMark counts.

    CommonMark asks for three below `1.`, and four below `10.`: with two a list would end, and the
    next item begin another. Code and formulas keep the indents that they have within their block.
    """
    return "\n".join(_Indents(re.split(r"\r\n?|\n", text)).counted())


class _Item(NamedTuple):
    indent: int
    counted: int
    inside: int
    """Where its text begins, as it counts."""


_TOP = _Item(-2, -2, 0)


class _Verbatim(NamedTuple):
    """A block of code, or a formula: by how much its lines move, and which is the last."""

    shift: int
    inside: int
    floor: int
    """What is indented by less isn't in its item."""
    last: int


class _Indents:
    """The lines of a text; the items that are open at one, and the block that is."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._items: list[_Item] = []
        self._block = _Verbatim(0, 0, 0, -1)

    def counted(self) -> Iterator[str]:
        """Return the lines, indented as they count."""
        for number, line in enumerate(self._lines):
            indent, body = _parted(line)
            counted = indent
            if body and number > self._block.last:
                counted = self._place(number, indent, body)
            elif body and indent >= self._block.floor:
                counted = max(indent + self._block.shift, self._block.inside)
            yield line if counted == indent else " " * counted + body

    def _place(self, number: int, indent: int, body: str) -> int:
        """Return where a line counts; what begins with it is open from now on."""
        while self._items and indent < self._items[-1].indent + 2:
            self._items.pop()
        above = self._items[-1] if self._items else _TOP
        place = max(indent - above.indent + above.counted, above.inside)
        counted, shift, inside = place, place - indent, above.inside
        while (
            counted - inside < 4 and len(self._items) < _DEEPEST and (found := _MARKER.match(body))
        ):
            marker = len(found["marker"])
            blanks = _width(found["blanks"], counted - inside + marker)
            inside = counted + marker + (blanks if found["rest"] and blanks < 5 else 1)
            self._items.append(_Item(counted - shift, counted, inside))
            counted, body = counted + marker + blanks, found["rest"]
        if counted - inside < 4 and (opening := _OPENING.match(body)):
            self._open(number, opening["mark"], shift, is_beside=counted > place)
        return place

    def _open(self, number: int, mark: str, shift: int, *, is_beside: bool) -> None:
        """Keep what follows a mark as it is, up to the mark that closes it.

        Beside an item's marker, a mark doesn't say where the lines below begin: they do.
        """
        item = self._items[-1] if self._items else _TOP
        closing = re.compile(re.escape(mark) + ("" if mark == "$$" else f"{mark[0]}*") + r"[ \t]*")
        blank = is_closed = False
        last = number
        for below in range(number + 1, len(self._lines)):
            indent, body = _parted(self._lines[below])
            if body and indent < item.indent + 2:
                if blank or _NOT_LAZY.match(body):
                    break
            elif body:
                shift = max(shift, item.inside - indent) if is_beside else shift
                is_closed = bool(closing.fullmatch(body)) and indent + shift - item.inside < 4
            last, blank = below, not body
            if is_closed:
                break
        if is_closed or mark != "$$":
            self._block = _Verbatim(shift, item.inside, item.indent + 2, last)


def _parted(line: str) -> tuple[int, str]:
    body = line.lstrip(" \t")
    return _width(line[: len(line) - len(body)], 0), body


def _width(blanks: str, start: int) -> int:
    return len((" " * start + blanks).expandtabs(4)) - start
