"""Chapters as HTML: what authors may write, and what must never reach a page."""

import re
from html import escape
from html.parser import HTMLParser

import pytest

from lms.web.markdown import plain_text, render

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe src='https://evil.example'></iframe>",
    "<style>body{display:none}</style>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](file:///etc/passwd)",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml;base64,PHN2Zy8+)",
    '![x](https://evil.example/a.png"onerror="alert(1))',
    '![x" onerror="alert(1)](/a.png)',
    '[x](https://example.org "a\\" onclick=\\"alert(1)")',
    "<javascript:alert(1)>",
    "[a]: javascript:alert(1)\n\n[a]",
    "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
    '```"><script>alert(1)</script>\nx\n```',
    "<form action=https://evil.example><input name=p></form>",
    "<base href=https://evil.example>",
    '<p style="position:fixed">x</p>',
    "<!--><script>alert(1)</script>-->",
    "# <img src=x onerror=alert(1)>",
    '# x" onclick="alert(1)',
    '[^x"onclick="alert(1)]\n\n[^x"onclick="alert(1)]: y',
    "[^1]\n\n[^1]: <script>alert(1)</script>",
    r"$`\text{<script>alert(1)</script>}`$",
    r"$`\text{</mtext></math><img src=x onerror=alert(1)>}`$",
    r"$`\href{javascript:alert(1)}{x}`$",
    "```math\n<style><img src=x onerror=alert(1)>\n```",
    "$$\n</math><svg/onload=alert(1)>\n$$",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<video src=https://evil.example/a.mp4 autoplay></video>",
    '<iframe src="javascript:alert(1)"></iframe>',
    "![x](file:1)",
    "[x](file:1/../../etc)",
    '```python"><script>alert(1)</script>\n"<img src=x onerror=alert(1)>"\n```',
    'https://www.youtube.com/watch?v=dQw4w9WgXcQ"onclick="alert(1)',
]


TEXT = {"p", "a", "img", "pre", "code", "h2", "sup", "section", "ol", "li"}
MATH = {"math", "mrow", "mi", "mo", "mtext", "mn"}
TABLE = {"table", "thead", "tbody", "tr", "th", "td"}


class Tags(HTMLParser):
    """The tags of a page with their attributes, as a browser takes them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_that_runs_reaches_the_page(attack: str) -> None:
    for tag, attributes in Tags(render(attack)).found:
        assert tag in {
            "p",
            "a",
            "img",
            "pre",
            "code",
            "h2",
            "sup",
            "section",
            "ol",
            "li",
            "figure",
            "figcaption",
            "span",
            *TABLE,
            *MATH,
        }
        allowed = {"href", "src", "alt", "title", "rel", "loading", "scope", "tabindex"}
        allowed |= {"id", "class", "aria-label", "display", "stretchy"}
        assert attributes.keys() <= allowed
        for name in attributes.keys() & {"href", "src"}:
            assert re.match(r"https?://|/|#", attributes[name] or ""), attributes


def test_the_usual_markdown_is_shown() -> None:
    blocks = [
        "**b** *i* ~~s~~ `c`",
        "- one\n- two",
        "3. three",
        "> said",
        "```py\nx < 1\n```",
        "---",
    ]
    html = render("\n\n".join(blocks))
    for part in (
        "<strong>b</strong> <em>i</em> <del>s</del> <code>c</code>",
        "<li>one</li>",
        '<ol start="3">',
        "<blockquote>",
        "x &lt; ",
        "<hr>",
    ):
        assert part in html


def test_tables_are_aligned_without_style_attributes() -> None:
    html = render("| a | b | c |\n|:--|:-:|--:|\n| 1 | 2 | 3 |")
    assert '<th scope="col" class="text-start">a</th>' in html
    assert '<td class="text-center">2</td>' in html
    assert '<td class="text-end">3</td>' in html
    assert "style=" not in html


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("#", "h2"),
        ("###", "h2"),
        ("# ##", "h2 h3"),
        ("# ###", "h2 h3"),
        ("### # ##", "h2 h2 h3"),
        ("## #### ### ##", "h2 h3 h3 h2"),
        ("# ## ### #### ##### ######", "h2 h3 h4 h5 h6 h6"),
    ],
)
def test_headings_begin_at_h2_and_skip_none(typed: str, shown: str) -> None:
    html = render("\n\n".join(f"{marks} Heading" for marks in typed.split()))
    assert re.findall(r"<(h\d) ", html) == shown.split()


def test_headings_inside_quotes_leave_the_page_its_only_h1() -> None:
    assert "<h1" not in render("> # Said\n\n- # Listed")


def test_links_lead_out_without_a_way_back() -> None:
    html = render('[out](https://example.org/a?b=1&c=2 "Title") [in](/student/courses)')
    assert 'href="https://example.org/a?b=1&amp;c=2"' in html
    assert html.count('rel="noopener noreferrer"') == 2


def test_images_of_the_portal_are_shown_and_foreign_ones_are_links() -> None:
    assert render("![Stars](/static/stars.png)") == (
        '<p><img loading="lazy" src="/static/stars.png" alt="Stars"></p>\n'
    )
    for address in ("https://example.org/a.png", "//example.org/a.png"):
        html = render(f"![A map]({address})")
        assert "<img" not in html
        assert f'<a href="{address}"' in html
        assert ">A map</a>" in html


def test_scrolling_parts_are_reached_by_keyboard() -> None:
    assert '<pre tabindex="0">' in render("    code")


@pytest.mark.parametrize("text", ["", " ", "\x00", "[" * 3000, ">" * 3000, "*" * 3000])
def test_odd_text_is_shown_in_time_without_an_error(text: str) -> None:
    assert isinstance(render(text), str)


def test_headings_have_anchors_that_links_lead_to() -> None:
    html = render("# Erste Schritte & más\n\n## Erste Schritte & más\n\n# !\n\n# Main")
    found = [attributes["id"] for tag, attributes in Tags(html).found if tag.startswith("h")]
    assert found == [
        "section-erste-schritte-mas",
        "section-erste-schritte-mas-2",
        "section",
        "section-main",
    ]


def test_entities_are_the_signs_they_stand_for() -> None:
    assert render("&copy; 2026&nbsp;A &lt;b&gt; &unknown;") == (
        "<p>© 2026&nbsp;A &lt;b&gt; &amp;unknown;</p>\n"
    )
    assert "<code>&amp;copy;</code>" in render("`&copy;`")


def test_a_note_is_below_the_text_and_leads_back() -> None:
    html = render("It is so.[^a]\n\n[^a]: As **she** said.")
    assert 'id="note-from-1"><a href="#note-1" aria-label="Note 1"' in html
    assert '<li id="note-1"><p>As <strong>she</strong> said.' in html
    assert 'href="#note-from-1" aria-label="Back to the text"' in html


def test_a_task_says_whether_it_is_done() -> None:
    html = render("- [ ] one\n- [x] two")
    assert '<li class="task"><span class="visually-hidden">To do: </span>one</li>' in html
    assert '<li class="task task-done"><span class="visually-hidden">Done: </span>two</li>' in html


def test_a_telephone_number_can_be_called() -> None:
    assert 'href="tel:+4930123"' in render("[Call us](tel:+4930123)")


def test_plain_text_has_no_marks() -> None:
    typed = "# Learn **now** &amp; `here`\n\n- one <b>\n- [two](https://example.org)\n"
    assert plain_text(typed) == "Learn now & here one <b> two"


@pytest.mark.parametrize(
    "typed", ["$$x^2$$", "$$\nx^2\n$$", "```math\nx^2\n```", "Before\n\n$$\nx^2\n$$\n\nAfter"]
)
def test_formulas_are_mathml(typed: str) -> None:
    html = render(typed)
    assert '<section class="formula" tabindex="0"><math display="block">' in html
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in html


def test_a_formula_stands_within_a_line_and_prices_are_none() -> None:
    html = render("It costs $5 or $6, and $`\\frac{1}{2}`$ of `$x$`.")
    assert html.startswith('<p>It costs $5 or $6, and <math display="inline"><mrow><mfrac>')
    assert html.endswith("</math> of <code>$x$</code>.</p>\n")


@pytest.mark.parametrize("latex", ["x^", "\\frac{", "x+" * 2000])
def test_what_is_no_formula_stands_as_it_was_typed(latex: str) -> None:
    assert f'<code class="unread">{latex}</code>' in render(f"```math\n{latex}\n```")


def test_the_texts_of_a_formula_end_nothing() -> None:
    html = render(r"Let $`\text{for x<y & z we have } z = 1`$ and so on.")
    assert "<mtext>for&nbsp;x&lt;y&nbsp;&amp;&nbsp;z&nbsp;we&nbsp;have&nbsp;</mtext>" in html
    assert "<mn>1</mn>" in html
    assert html.endswith("</math> and so on.</p>\n")


@pytest.mark.parametrize("typed", ["- $$x$$", "> $$x$$", "1. one\n\n   $$\n   x\n   $$"])
def test_formulas_stand_in_lists_and_quotes(typed: str) -> None:
    assert '<math display="block">' in render(typed)


def test_what_makes_a_formula_mean_something_else_stays() -> None:
    html = render(r"$`a \not= b`$, $`\binom{n}{k}`$, $`\cancel{x}`$")
    for part in ('<mpadded width="0">', 'linethickness="0"', 'notation="updiagonalstrike"'):
        assert part in html


@pytest.mark.parametrize(
    ("marker", "tags"),
    [
        ("1.", ("<ol>", "</ol>")),
        ("10.", ('<ol start="10">', "</ol>")),
        ("1)", ("<ol>", "</ol>")),
        ("-", ("<ul>", "</ul>")),
    ],
)
def test_two_spaces_are_enough_for_a_list_within_a_list(marker: str, tags: tuple[str, str]) -> None:
    html = render(f"{marker} one\n  - two\n    - three\n{marker} four")
    nested = "<li>one<ul><li>two<ul><li>three</li></ul></li></ul></li><li>four</li>".join(tags)
    assert html.replace("\n", "") == nested


def test_what_follows_an_item_by_two_spaces_stays_in_it_and_code_keeps_its_shape() -> None:
    html = render("1. one\n\n  ```\n  a\n    b\n  ```\n\n  more\n2. two")
    assert html.count("<ol>") == 1
    assert "a\n  b\n" in html
    assert "<p>more</p>\n</li>" in html


def test_lines_that_are_no_list_stay_as_they_are() -> None:
    typed = "```\n1. a\n  - b\n```\n\n    1. a\n      - b\n"
    assert "1. a\n  - b\n" in render(typed)
    assert render(typed).count("- b") == 2
    assert "<li>" not in render(typed)


def test_code_is_marked_up_for_its_language_which_is_named() -> None:
    html = render('```py\ndef hi():  # say <hi>\n    return "x" + 1\n```')
    assert "<figcaption>Python</figcaption>" in html
    for kind, text in (
        ("keyword", "def"),
        ("name", "hi"),
        ("comment", "# say &lt;hi&gt;"),
        ("literal", "1"),
    ):
        assert f'<span class="code-{kind}">{text}</span>' in html


@pytest.mark.parametrize("info", ["", "no-such-language", "text", "../../etc", "x" * 5_000])
def test_code_in_an_unknown_language_is_plain(info: str) -> None:
    html = render(f"```{info}\ndef <x>\n```")
    assert html == '<pre tabindex="0"><code>def &lt;x&gt;\n</code></pre>\n'


@pytest.mark.parametrize(
    "code",
    [
        "x = 1\n" * 667,
        f"# {'y' * 299}\n",
        f"x\n{chr(10) * 51}y\n",
        "x\n" + " \n" * 51,
        f"x{' ' * 101}y",
    ],
    ids=["long", "a long line", "blank lines", "lines of blanks", "blanks"],
)
def test_code_that_takes_long_to_color_is_plain(code: str) -> None:
    html = render(f"```py\n{code}\n```")
    assert html == f'<pre tabindex="0"><code>{escape(code)}\n</code></pre>\n'


@pytest.mark.parametrize(
    "code", ["x = 1\n" * 666, f"# {'y' * 298}\n", f"x\n{chr(10) * 50}y\n", f"x{' ' * 100}y"]
)
def test_other_code_is_colored(code: str) -> None:
    assert "<figcaption>" in render(f"```py\n{code}\n```")


def test_a_lesson_has_20_000_characters_of_its_code_colored() -> None:
    block = f"```py\n{'x = 1' + chr(10)}```\n\n"
    long = f"```py\n{('y' * 190 + ' = 1234' + chr(10)) * 2}{'y' * 3}\n```\n\n"
    assert render(long * 50 + block).count("<figcaption>") == 50
    assert render(long * 49 + block * 2 + "words\n\n" + long).count("<figcaption>") == 51
    assert render(block).count("<figcaption>") == 1


def test_an_address_is_a_link_wherever_it_stands() -> None:
    html = render("See https://example.org/a?b=1&c=2, or\n\nhttps://vimeo.com/76979871")
    assert '<a href="https://example.org/a?b=1&amp;c=2"' in html
    assert '<a href="https://vimeo.com/76979871"' in html
    assert "player" not in html


@pytest.mark.parametrize(
    ("typed", "address", "after"),
    [
        ("https://c.example/x_(y).", "https://c.example/x_(y)", "."),
        ("(see https://c.example/x_(y))", "https://c.example/x_(y)", ")"),
        ("(https://c.example/x).", "https://c.example/x", ")."),
        ("https://c.example/(a)_(b)?!", "https://c.example/(a)_(b)", "?!"),
        ("https://c.example/a(b", "https://c.example/a(b", ""),
        ("**https://c.example/a**", "https://c.example/a", ""),
        ('"https://c.example/a";', "https://c.example/a", '"'),
        ("[https://c.example/x_(y)] z", "https://c.example/x_(y)", "]"),
    ],
)
def test_a_bare_address_ends_where_its_sentence_goes_on(
    typed: str, address: str, after: str
) -> None:
    html = render(typed)
    found = re.findall(r'<a href="([^"]*)"[^>]*>([^<]*)</a>(?:</strong>)?([^<]*)', html)
    assert [(href, words) for href, words, _ in found] == [(address, address)], html
    assert found[0][2].startswith(after)


@pytest.mark.parametrize("typed", ["https://...", "https://)", "https://" + ")." * 9_000])
def test_what_has_only_the_beginning_of_an_address_is_text(typed: str) -> None:
    assert render(typed) == f"<p>{typed}</p>\n"
