"""Code in chapters: its language by name, its parts by classes of ours."""

import re
from collections.abc import MutableMapping
from functools import cache
from typing import Any

from markupsafe import escape

_LONGEST = 4_000
_LONGEST_OF_ALL = 20_000
"""Characters of one block, and of a lesson. Some lexers need seconds for 20,000 at once."""
_HARD = re.compile(r"[^\n]{301}|\n(?:[^\S\n]*\n){51}|\s{101}")
"""Long lines, many blank ones, much white space: a lexer's time grows with their square or cube."""
_KINDS = {
    "Keyword.Constant": "literal",
    "Keyword": "keyword",
    "Operator.Word": "keyword",
    "Name.Tag": "keyword",
    "Name.Function": "name",
    "Name.Class": "name",
    "Name.Decorator": "name",
    "Name.Attribute": "name",
    "Name.Builtin": "name",
    "Name.Variable": "name",
    "Literal.String": "string",
    "Literal.Number": "literal",
    "Literal": "literal",
    "Comment": "comment",
    "Generic.Deleted": "deleted",
    "Generic.Inserted": "inserted",
    "Generic.Heading": "name",
    "Generic.Prompt": "comment",
}
CLASSES = {f"code-{kind}" for kind in _KINDS.values()}


def code_block(code: str, info: str, env: MutableMapping[str, Any]) -> str:
    """Return code with its language above it; as it was typed where the language is unknown.

    It is plain, too, where coloring it would take long, alone or with the other code of its lesson,
    whose `env` counts the characters.
    """
    lexer = _lexer(info.split(maxsplit=1)[0].lower()) if info.split() else None
    colored = env.get("colored", 0) + len(code)
    if (
        lexer is None
        or len(code) > _LONGEST
        or colored > _LONGEST_OF_ALL
        or _HARD.search(f"\n{code}")
    ):
        return f"<pre><code>{escape(code)}</code></pre>\n"
    env["colored"] = colored
    parts = (_part(_kind(token), text) for token, text in lexer.get_tokens(code))
    caption = f"<figcaption>{escape(lexer.name)}</figcaption>"
    written = "".join(parts)
    return f'<figure class="code">{caption}<pre><code>{written}</code></pre></figure>\n'


@cache
def _known() -> dict[str, str]:
    """Return the name of each lexer by what authors call it; finding one by one reads all."""
    from pygments.lexers import get_all_lexers  # noqa: PLC0415 - as below

    return {
        alias: aliases[0] for _, aliases, _, _ in get_all_lexers(plugins=False) for alias in aliases
    }


def _lexer(name: str) -> Any:
    # Imported here: its tables take memory that processes without such a chapter never need.
    from pygments.lexers import get_lexer_by_name  # noqa: PLC0415

    if name not in _known() or _known()[name] == "text":
        return None
    return get_lexer_by_name(_known()[name], stripnl=False, ensurenl=False)


@cache
def _kind(token: Any) -> str | None:
    while token.parent is not None:
        if kind := _KINDS.get(str(token).removeprefix("Token.")):
            return kind
        token = token.parent
    return None


def _part(kind: str | None, text: str) -> str:
    written = str(escape(text))
    return f'<span class="code-{kind}">{written}</span>' if kind and text.strip() else written
