"""What Markdown a text may be written in."""

import re
from typing import Any

from mistune import BlockParser, BlockState, InlineParser, InlineState, create_markdown
from mistune.plugins.math import BLOCK_MATH_PATTERN, parse_block_math
from mistune.util import escape_url

from lms.web.markdown import renderer
from lms.web.markdown.headings import settle_headings
from lms.web.markdown.players import Player, player_of
from lms.web.markdown.surroundings import ELSEWHERE, Surroundings

_FORMULA = r"\$`(?P<latex>[^`\n]+)`\$"
"""As GitHub has it; between bare dollars there would be prices."""
_ADDRESS = (
    r"^ {0,3}(?:\[(?P<video_words>[^\[\]\n]+)\]\((?P<video_linked>https?://[^\s()<>]+)\)"
    r"|<?(?P<video_bare>https?://[^\s<>]+)>?)[ \t]*$"
)
"""A line that is only a link."""

_BARE = r"https?://[^\s<]+"
_BEGINNING = re.compile(r"https?://")
_NEVER_LAST = frozenset(".,:;?!*_~\"'])")


def _parse_bare(inline: InlineParser, found: re.Match[str], state: InlineState) -> int:
    """Take an address without the end of the sentence it is in, as GitHub does."""
    text = found[0].partition("]")[0] if state.brackets else found[0]
    text = text[: _end_of(text)]
    if state.in_link or _BEGINNING.fullmatch(text):
        inline.process_text(text, state)
    else:
        words = [{"type": "text", "raw": text}]
        attrs = {"url": escape_url(text)}
        state.append_token({"type": "link", "children": words, "attrs": attrs, "_autolink": text})
    return found.start() + len(text)


def _end_of(address: str) -> int:
    end = len(address)
    beginning = len(_BEGINNING.match(address)[0])  # type: ignore[index]  # it begins so
    unopened = address.count(")") - address.count("(")
    while end > beginning and address[end - 1] in _NEVER_LAST:
        if address[end - 1] == ")":
            if unopened <= 0:
                break
            unopened -= 1
        end -= 1
    return end


def _parse_formula(_parser: InlineParser, found: re.Match[str], state: InlineState) -> int:
    state.append_token({"type": "formula", "raw": found["latex"]})
    return found.end()


def _parse_video(_parser: BlockParser, found: re.Match[str], state: BlockState) -> int | None:
    """Take a line for a player; any other is a link like all others."""
    address = found["video_linked"] or found["video_bare"]
    words = found["video_words"] or ""
    where: Surroundings = state.env.get("where", ELSEWHERE)
    player = player_of(address, where.video_hosts) if where.files is not None else None
    if player is None:
        return None
    if isinstance(player, Player):
        state.env["frames"].add(player.origin)
        attrs: dict[str, Any] = player._asdict()
        state.append_token({"type": "player", "raw": words, "attrs": attrs})
    else:
        attrs = {"address": address, "why": player}
        state.append_token({"type": "unplayed", "raw": words, "attrs": attrs})
    return found.end() + 1


MARKDOWN = create_markdown(
    escape=True,
    renderer=renderer.Renderer(),
    plugins=["table", "strikethrough", "task_lists", "footnotes"],
)
MARKDOWN.inline.register("url_link", _BARE, _parse_bare)
MARKDOWN.inline.register("formula", _FORMULA, _parse_formula, before="codespan")
MARKDOWN.block.register("block_math", BLOCK_MATH_PATTERN, parse_block_math, before="list")
MARKDOWN.block.register("video", _ADDRESS, _parse_video, before="list")
for _rules in (MARKDOWN.block.block_quote_rules, MARKDOWN.block.list_rules):
    for _rule in ("block_math", "video"):
        MARKDOWN.block.insert_rule(_rules, _rule, before="list")
for _name, _method in {
    "table_cell": renderer.table_cell,
    "task_list_item": renderer.task,
    "formula": renderer.formula,
    "block_math": renderer.formula_block,
    "footnote_ref": renderer.note_mark,
    "footnote_item": renderer.note,
}.items():
    MARKDOWN.renderer.register(_name, _method)  # type: ignore[union-attr,arg-type]  # there is one
MARKDOWN.before_render_hooks.append(settle_headings)
