"""Formulas in LaTeX as MathML, which browsers draw and screen readers read by themselves."""

from functools import cache
from html import unescape
from typing import Any

from markupsafe import escape

_LONGEST = 2_000
"""The library takes a tenth of a second for this much."""


def mathml(latex: str, *, is_block: bool) -> str:
    """Return a formula as MathML, to be sanitized; as it was typed where it is none.

    The library ends with errors of many kinds, RecursionError among them.
    """
    typed = latex.strip()
    if len(typed) > _LONGEST:
        return _as_typed(typed)
    try:
        written: str = _converter()(display="block" if is_block else "inline").convert(typed)
    except Exception:  # noqa: BLE001 - what can't be read is shown as it is
        return _as_typed(typed)
    return written


@cache
def _converter() -> Any:
    # Imported here: its table of signs takes 15 MB, which most processes never need.
    from latex2mathml.converter import Converter  # noqa: PLC0415

    class Escaping(Converter):
        """Writes texts so that no < begins a tag: Converter takes its own escapes back."""

        def convert_to_element(self, latex: str, parent: Any = None) -> Any:
            formula = super().convert_to_element(latex, parent)
            for each in formula.iter():
                each.text = str(escape(unescape(each.text or "")))
            return formula

    return Escaping


def _as_typed(text: str) -> str:
    return f'<code class="unread">{escape(text)}</code>'
