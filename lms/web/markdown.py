"""Chapters are written in Markdown; what reaches a page is HTML that can do no harm.

Two lines of defense: mistune escapes all HTML in the text, nh3 keeps only the tags listed here.
"""

import re
from functools import lru_cache
from html import unescape
from typing import Any

import nh3
from markupsafe import Markup, escape
from mistune import BlockState, HTMLRenderer, InlineParser, InlineState, Markdown, create_markdown
from mistune.plugins.math import BLOCK_MATH_PATTERN, parse_block_math
from mistune.util import safe_entity

from lms.texts import without_accents
from lms.web.formulas import mathml

_TAGS = {
    *("p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li", "pre", "code"),
    *("strong", "em", "del", "a", "img", "table", "thead", "tbody", "tr", "th", "td"),
    *("sup", "section", "span"),
}
_MATH = {
    *("math", "mrow", "mi", "mn", "mo", "ms", "mtext", "mspace", "mstyle", "mfrac", "msqrt"),
    *("mroot", "msub", "msup", "msubsup", "munder", "mover", "munderover", "mmultiscripts"),
    *("mprescripts", "none", "mtable", "mtr", "mtd", "mpadded", "mphantom", "menclose"),
}
_MATH_ATTRIBUTES = {
    "math": {"display"},
    "mo": {
        *("stretchy", "fence", "form", "accent", "separator", "lspace", "rspace"),
        *("minsize", "maxsize"),
    },
    "mi": {"mathvariant"},
    "mfrac": {"linethickness"},
    "mspace": {"width", "height", "depth"},
    "mpadded": {"width", "height", "depth", "lspace", "voffset"},
    "mstyle": {"displaystyle", "scriptlevel"},
    "mover": {"accent"},
    "munder": {"accentunder"},
    "menclose": {"notation"},
    "mtable": {"displaystyle", "rowspacing", "columnspacing", "columnlines", "rowlines"},
    "mtd": {"columnalign"},
}
_HEADINGS = ("h2", "h3", "h4", "h5", "h6")
_ATTRIBUTES = {
    "a": {"href", "title", "aria-label"},
    **{tag: {"id"} for tag in (*_HEADINGS, "li", "sup")},
    "img": {"src", "alt", "title", "loading"},
    "ol": {"start"},
    "section": {"tabindex"},
    **_MATH_ATTRIBUTES,
    "th": {"scope"},
}
_ALIGNMENTS = {"left": "text-start", "center": "text-center", "right": "text-end"}
_CLASSES = {
    **{tag: set(_ALIGNMENTS.values()) for tag in ("th", "td")},
    "li": {"task", "task-done"},
    "section": {"footnotes", "formula"},
    "code": {"unread"},
    "span": {"visually-hidden"},
}
_LONGEST_ANCHOR = 80
_FORMULA = r"\$`(?P<latex>[^`\n]+)`\$"
"""As GitHub has it; between bare dollars there would be prices."""
_SCROLLED = {"tabindex": "0"}  # wide ones scroll by themselves, so the keyboard has to reach them


class _Renderer(HTMLRenderer):
    """HTML for a page that has its own h1, allows no style attribute and loads no foreign image."""

    def text(self, text: str) -> str:
        """Escape the text, in which &copy; is a sign, as CommonMark has it."""
        return safe_entity(text)

    def block_code(self, code: str, info: str | None = None) -> str:
        """Show code as it is, and what is called math as a formula."""
        if (info or "").strip().lower() == "math":
            return _formula_block(self, code)
        return super().block_code(code, info)

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
        tags=_TAGS | _MATH,
        attributes=_ATTRIBUTES,
        allowed_classes=_CLASSES,
        set_tag_attribute_values={"pre": _SCROLLED, "table": _SCROLLED},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer",
    )
    return Markup(html)  # noqa: S704 - sanitized in the line above  # nosec B704


@lru_cache(maxsize=256)
def plain_text(text: str) -> str:
    """Return the text on one line without its marks, for where there is room for a few words."""
    return " ".join(unescape(nh3.clean(str(_markdown(text)), tags=set())).split())


def _table_cell(
    _renderer: HTMLRenderer, text: str, align: str | None = None, head: bool = False
) -> str:
    tag, scope = ("th", ' scope="col"') if head else ("td", "")
    aligned = f' class="{_ALIGNMENTS[align]}"' if align else ""
    return f"<{tag}{scope}{aligned}>{text}</{tag}>\n"


def _parse_formula(_parser: InlineParser, found: re.Match[str], state: InlineState) -> int:
    state.append_token({"type": "formula", "raw": found["latex"]})
    return found.end()


def _formula(_renderer: HTMLRenderer, latex: str) -> str:
    return mathml(latex, is_block=False)


def _formula_block(_renderer: HTMLRenderer, latex: str) -> str:
    return f'<section class="formula" tabindex="0">{mathml(latex, is_block=True)}</section>\n'


def _task(_renderer: HTMLRenderer, text: str, checked: bool = False) -> str:
    """Return an item of a task list; its style draws the box, which nobody can tick."""
    said = "Done: " if checked else "To do: "
    classes = "task task-done" if checked else "task"
    marked = f'<span class="visually-hidden">{said}</span>'
    body = text.replace("<p>", f"<p>{marked}", 1) if text.startswith("<p>") else marked + text
    return f'<li class="{classes}">{body}</li>\n'


def _note_mark(_renderer: HTMLRenderer, key: str, index: int) -> str:
    link = f'<a href="#note-{index}" aria-label="Note {index}">{index}</a>'
    return f'<sup id="note-from-{index}">{link}</sup>'


def _note(_renderer: HTMLRenderer, text: str, key: str, index: int) -> str:
    back = f' <a href="#note-from-{index}" aria-label="Back to the text">&#8617;</a>'
    body = text.rstrip()
    ended = f"{body[:-4]}{back}</p>" if body.endswith("</p>") else body + back
    return f'<li id="note-{index}">{ended}</li>\n'


def _settle_headings(_markdown: Markdown, state: BlockState) -> None:
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


_markdown = create_markdown(
    escape=True,
    renderer=_Renderer(),
    plugins=["table", "strikethrough", "task_lists", "footnotes"],
)
_markdown.inline.register("formula", _FORMULA, _parse_formula, before="codespan")
_markdown.block.register("block_math", BLOCK_MATH_PATTERN, parse_block_math, before="list")
for _rules in (_markdown.block.block_quote_rules, _markdown.block.list_rules):
    _markdown.block.insert_rule(_rules, "block_math", before="list")
for _name, _method in {
    "table_cell": _table_cell,
    "task_list_item": _task,
    "formula": _formula,
    "block_math": _formula_block,
    "footnote_ref": _note_mark,
    "footnote_item": _note,
}.items():
    _markdown.renderer.register(_name, _method)  # type: ignore[union-attr,arg-type]  # there is one
_markdown.before_render_hooks.append(_settle_headings)
