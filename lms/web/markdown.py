"""Chapters are written in Markdown; what reaches a page is HTML that can do no harm.

Two lines of defense: mistune escapes all HTML in the text, nh3 keeps only the tags listed here.
"""

from functools import lru_cache
from typing import Any

import nh3
from markupsafe import Markup, escape
from mistune import BlockState, HTMLRenderer, Markdown, create_markdown

_TAGS = {
    *("p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li", "pre", "code"),
    *("strong", "em", "del", "a", "img", "table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "loading"},
    "ol": {"start"},
    "th": {"scope"},
}
_ALIGNMENTS = {"left": "text-start", "center": "text-center", "right": "text-end"}
_SCROLLED = {"tabindex": "0"}  # wide ones scroll by themselves, so the keyboard has to reach them


class _Renderer(HTMLRenderer):
    """HTML for a page that has its own h1, allows no style attribute and loads no foreign image."""

    def image(self, text: str, url: str, title: str | None = None) -> str:
        if url.startswith("/") and not url.startswith("//"):
            shown = super().image(text, url, title)
            return shown.replace("<img ", '<img loading="lazy" ', 1)
        return self.link(text or str(escape(url)), url, title)


@lru_cache(maxsize=256)
def render(text: str) -> Markup:
    """Return the text as HTML whose headings begin at h2, whatever its author typed."""
    html = nh3.clean(
        str(_markdown(text)),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        allowed_classes={tag: set(_ALIGNMENTS.values()) for tag in ("th", "td")},
        set_tag_attribute_values={"pre": _SCROLLED, "table": _SCROLLED},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
    )
    return Markup(html)  # noqa: S704 - sanitized in the line above  # nosec B704


def _table_cell(
    _renderer: HTMLRenderer, text: str, align: str | None = None, head: bool = False
) -> str:
    tag, scope = ("th", ' scope="col"') if head else ("td", "")
    aligned = f' class="{_ALIGNMENTS[align]}"' if align else ""
    return f"<{tag}{scope}{aligned}>{text}</{tag}>\n"


def _settle_headings(_markdown: Markdown, state: BlockState) -> None:
    """Lower the headings so that the highest is h2 and none skips a level."""
    above: list[int] = []
    for heading in _headings(state.tokens):
        typed = heading["attrs"]["level"]
        while above and above[-1] >= typed:
            above.pop()
        above.append(typed)
        heading["attrs"]["level"] = min(len(above) + 1, 6)


def _headings(tokens: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for token in tokens:
        if token["type"] == "heading":
            found.append(token)
        found += _headings(token.get("children", []))
    return found


_markdown = create_markdown(escape=True, renderer=_Renderer(), plugins=["table", "strikethrough"])
_markdown.renderer.register("table_cell", _table_cell)  # type: ignore[union-attr]  # a renderer was given
_markdown.before_render_hooks.append(_settle_headings)
