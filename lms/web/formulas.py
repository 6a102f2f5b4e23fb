"""Formulas in LaTeX as MathML, which browsers draw and screen readers read by themselves."""

from markupsafe import escape

_LONGEST = 2_000
"""The library takes a tenth of a second for this much."""


def mathml(latex: str, *, is_block: bool) -> str:
    """Return a formula as MathML, to be sanitized; as it was typed where it is none.

    The library ends with errors of many kinds, RecursionError among them, and escapes nothing.
    """
    # Imported here: its table of signs takes 15 MB, which most processes never need.
    from latex2mathml.converter import convert  # noqa: PLC0415

    typed = latex.strip()
    if len(typed) > _LONGEST:
        return _as_typed(typed)
    try:
        return convert(typed, display="block" if is_block else "inline")
    except Exception:  # noqa: BLE001 - what can't be read is shown as it is
        return _as_typed(typed)


def _as_typed(text: str) -> str:
    return f'<code class="unread">{escape(text)}</code>'
