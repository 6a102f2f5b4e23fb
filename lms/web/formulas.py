"""Formulas in LaTeX as MathML, which browsers draw and screen readers read by themselves."""

from html import unescape
from typing import TYPE_CHECKING
from xml.etree.ElementTree import tostring

from markupsafe import escape

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_LONGEST = 2_000
"""The library takes a tenth of a second for this much."""


def mathml(latex: str, *, is_block: bool) -> str:
    """Return a formula as MathML, to be sanitized; as it was typed where it is none.

    The library ends with errors of many kinds, RecursionError among them.
    """
    # Imported here: its table of signs takes 15 MB, which most processes never need.
    from latex2mathml.converter import convert_to_element  # noqa: PLC0415

    typed = latex.strip()
    if len(typed) > _LONGEST:
        return _as_typed(typed)
    try:
        return _written(convert_to_element(typed, display="block" if is_block else "inline"))
    except Exception:  # noqa: BLE001 - what can't be read is shown as it is
        return _as_typed(typed)


def _written(formula: "Element") -> str:
    """Write the elements; the library's own way escapes no text, so that a < began a tag."""
    for each in formula.iter():
        each.text = unescape(each.text or "")
    return tostring(formula, encoding="unicode", short_empty_elements=False)


def _as_typed(text: str) -> str:
    return f'<code class="unread">{escape(text)}</code>'
