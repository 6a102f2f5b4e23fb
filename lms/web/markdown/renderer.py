"""The HTML of each part of a text."""

import re
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from markupsafe import escape
from mistune import BlockState, HTMLRenderer
from mistune.util import safe_entity, striptags

from lms.web.formulas import mathml
from lms.web.markdown import files, players
from lms.web.markdown.allowed import ALIGNMENTS
from lms.web.markdown.code import code_block
from lms.web.markdown.surroundings import ELSEWHERE, Surroundings

_PLACED = {"image", "link", "player", "unplayed", "inline_html", "block_html"}
"""What depends on where the text stands."""
_FRAME = re.compile(r"<iframe\b", re.IGNORECASE)
_FRAME_END = re.compile(r"</iframe\s*>", re.IGNORECASE)
_SOURCE = re.compile(r"""\bsrc\s*=\s*["']?(https?://[^\s"'<>]+)""", re.IGNORECASE)
_USE_ADDRESS = "Not shown: an iframe. Put the video's address on a line of its own instead."


class Renderer(HTMLRenderer):
    """HTML for a page that has its own h1, allows no style attribute and loads nothing foreign."""

    def render_token(self, token: dict[str, Any], state: BlockState) -> str:
        """Tell those parts that depend on it where the text stands."""
        if token["type"] == "block_code":
            return self._code(token["raw"], token.get("attrs", {}).get("info", ""), state)
        if token["type"] not in _PLACED:
            return super().render_token(token, state)
        text = token["raw"] if "raw" in token else self.render_tokens(token["children"], state)
        where: Surroundings = state.env.get("where", ELSEWHERE)
        write = getattr(self, f"placed_{token['type']}")
        return str(write(where, text, **token.get("attrs", {})))

    def text(self, text: str) -> str:
        """Escape the text, in which &copy; is a sign, as CommonMark has it."""
        return safe_entity(text)

    def placed_image(
        self, where: Surroundings, text: str, url: str, title: str | None = None
    ) -> str:
        """Show a picture of the portal, or a file of the course; foreign ones are links."""
        if (number := files.file_id(url)) is not None:
            return _file(where, number, unescape(striptags(text)), is_shown=True)
        if url.startswith("/") and not url.startswith("//"):
            return self.image(text, url, title).replace("<img ", '<img loading="lazy" ', 1)
        told = (
            f"Not shown: a picture {_whence(url)}. Upload it to the course's files and insert it."
        )
        if url.lower().startswith("data:"):
            return text + where.note(told)
        return self.link(text or str(escape(url)), url, title) + where.note(told)

    def placed_link(
        self, where: Surroundings, text: str, url: str, title: str | None = None
    ) -> str:
        """Lead to an address, or offer a file of the course."""
        if (number := files.file_id(url)) is not None:
            return _file(where, number, text, is_shown=False)
        return self.link(text, url, title)

    def placed_player(
        self, where: Surroundings, text: str, site: str, address: str, frame: str
    ) -> str:
        """Offer the player of a site."""
        return players.offered(players.Player(site, address, frame), text)

    def placed_unplayed(self, where: Surroundings, text: str, address: str, why: str) -> str:
        """Lead to a video without a player, and tell the author why it has none."""
        link = self.link(str(escape(text or address)), address)
        return f"<p>{link}{where.note(f'Not shown: {why}')}</p>\n"

    def placed_inline_html(self, where: Surroundings, text: str) -> str:
        """Show HTML as it was typed; of a frame, the link it leads to."""
        return self._frame(where, text) or self.escape_raw(text)

    def placed_block_html(self, where: Surroundings, text: str) -> str:
        """Do so with a block of it."""
        return f"<p>{self._frame(where, text) or self.escape_raw(text.strip())}</p>\n"

    def _code(self, code: str, info: str, state: BlockState) -> str:
        """Show code in its language's colors, and what is called math as a formula."""
        if info.strip().lower() == "math":
            return formula_block(self, code)
        return code_block(code, info, state.env)

    def _frame(self, where: Surroundings, html: str) -> str:
        if _FRAME_END.fullmatch(html):
            return " "
        found = _SOURCE.search(html) if _FRAME.search(html) else None
        return (
            self.link(str(escape(found[1])), found[1]) + where.note(_USE_ADDRESS) if found else ""
        )


def _whence(address: str) -> str:
    try:
        host = urlsplit(address).hostname
    except ValueError:
        host = None
    return f"from {host}" if host else "from elsewhere"


def _file(where: Surroundings, number: int, text: str, *, is_shown: bool) -> str:
    if where.files is None:
        return str(escape(text)) if is_shown else text
    file = where.by_id.get(number)
    if file is None:
        return files.gone(is_preview=where.is_preview)
    return files.shown(file, text) if is_shown else files.offered(file, text)


def table_cell(
    _renderer: HTMLRenderer, text: str, align: str | None = None, head: bool = False
) -> str:
    """Return a cell, aligned without a style attribute."""
    tag, scope = ("th", ' scope="col"') if head else ("td", "")
    aligned = f' class="{ALIGNMENTS[align]}"' if align else ""
    return f"<{tag}{scope}{aligned}>{text}</{tag}>\n"


def formula(_renderer: HTMLRenderer, latex: str) -> str:
    """Return a formula within a line."""
    return mathml(latex, is_block=False)


def formula_block(_renderer: HTMLRenderer, latex: str) -> str:
    """Return a formula of its own."""
    return f'<section class="formula" tabindex="0">{mathml(latex, is_block=True)}</section>\n'


def task(_renderer: HTMLRenderer, text: str, checked: bool = False) -> str:
    """Return an item of a task list; its style draws the box, which nobody can tick."""
    said = "Done: " if checked else "To do: "
    classes = "task task-done" if checked else "task"
    marked = f'<span class="visually-hidden">{said}</span>'
    body = text.replace("<p>", f"<p>{marked}", 1) if text.startswith("<p>") else marked + text
    return f'<li class="{classes}">{body}</li>\n'


def note_mark(_renderer: HTMLRenderer, key: str, index: int) -> str:
    """Return the number that leads to a note."""
    link = f'<a href="#note-{index}" aria-label="Note {index}">{index}</a>'
    return f'<sup id="note-from-{index}">{link}</sup>'


def note(_renderer: HTMLRenderer, text: str, key: str, index: int) -> str:
    """Return a note, which leads back."""
    back = f' <a href="#note-from-{index}" aria-label="Back to the text">&#8617;</a>'
    body = text.rstrip()
    ended = f"{body[:-4]}{back}</p>" if body.endswith("</p>") else body + back
    return f'<li id="note-{index}">{ended}</li>\n'
