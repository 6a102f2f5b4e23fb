"""Lists as most people type them, and code in them, which comes out as it was typed."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms.web.markdown import render
from lms.web.markdown.lists import deepen_lists

LIST = "\n\n1. a\n  - b"
LINES = st.lists(
    st.builds(
        "{}{}".format,
        st.sampled_from(["", " ", "  ", "    ", "       "]),
        st.sampled_from(
            ["x", "- y", "10. z", "# no heading", "> said", "", "$$", "``", "```x", "~~"]
        ),
    ).map(lambda line: line if line.strip() else ""),
    min_size=1,
    max_size=6,
)


def code_in(html: str) -> str:
    [code] = re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", html, re.DOTALL)
    return unescape(re.sub(r"<[^>]*>", "", code))


def is_nested(html: str) -> bool:
    return re.search(r"<li>a\s*<ul>\s*<li>b</li>", html) is not None


@given(
    lines=LINES,
    markers=st.lists(st.sampled_from(["-", "*", "1.", "2)", "10.", "100."]), max_size=3),
    fence=st.sampled_from(["```", "````", "~~~"]),
    is_beside=st.booleans(),
    is_narrow=st.booleans(),
)
def test_code_comes_out_as_it_was_typed(
    lines: list[str], markers: list[str], fence: str, is_beside: bool, is_narrow: bool
) -> None:
    lines = ["begin", *lines, "end"]
    typed, indent = "", 0
    for marker in markers:
        typed += f"{' ' * indent}{marker} words\n\n"
        indent += 2 if is_narrow else len(marker) + 1
    if is_beside and markers:
        typed = typed.removesuffix("words\n\n")
    body = "".join(f"{' ' * indent}{line}\n" if line else "\n" for line in [*lines, fence])
    typed += f"{'' if is_beside and markers else ' ' * indent}{fence}\n{body}"
    html = render(f"{typed}\nwords{LIST}")
    assert code_in(html) == "".join(f"{line}\n" for line in lines), typed
    assert is_nested(html)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("1. ```yaml\n   steps:\n   10. x\n     y\n   ```", "steps:\n10. x\n  y\n"),
        ("- ```\n  code\n  ```", "code\n"),
        ("10. ```\n  code\n    more\n  ```", "code\n  more\n"),
        ("- 1. ```\n    code\n      more\n    ```", "code\n  more\n"),
        ("10.\n  ```\n  - x\n    y\n  ```", "- x\n  y\n"),
        ("-\t```\n\t10. x\n\t  y\n\t```", "10. x\n  y\n"),
        ("1. a\n   ```\ncode\n   ```", "code\n"),
        ("- - -\n\n      10. x\n        y", "  10. x\n    y\n"),
        ("- a\n\n      10. x\n        y", "10. x\n  y\n"),
    ],
)
def test_what_looks_like_a_list_within_code_stays_and_lists_after_it_are_nested(
    typed: str, code: str
) -> None:
    html = render(typed + "\n\nwords" + LIST)
    assert code_in(html).rstrip() == code.rstrip()
    assert is_nested(html), html


@pytest.mark.parametrize(
    "typed", ["```x```", "words\n    ```", "- a\n\n      ```", "$$", "- $$\n\nwords", "-     ```"]
)
def test_what_opens_no_block_leaves_the_lists_after_it(typed: str) -> None:
    assert is_nested(render(f"{typed}\n\nwords{LIST}"))


@pytest.mark.parametrize("beginning", ["", "- a\n  ", "- "])
def test_the_lines_of_a_formula_stay(beginning: str) -> None:
    blanks = "  " if beginning else ""
    typed = f"{beginning}$$\n{blanks}10. x\n{blanks}  + y\n{blanks}$$"
    assert deepen_lists(typed) == typed
    assert is_nested(render(f"{typed}\n\nwords{LIST}"))
