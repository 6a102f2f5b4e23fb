"""How lessons are written, by examples."""

EXAMPLES = (
    ("A heading", "## Seeds and soil"),
    ("Words that stand out", "**Bold**, *italic* and `code`"),
    ("A list, and one within it", "1. Dig\n  - with a spade\n  - or a fork\n2. Plant"),
    ("Tasks", "- [ ] Buy seeds\n- [x] Find a pot"),
    ("A link", "[The royal garden](https://example.org/garden)"),
    ("A picture: what it shows, and its number among the course's files", "![A pot](file:12)"),
    ("A file to download", "[The worksheet](file:13)"),
    ("A video from another site: its address on a line of its own", "https://vimeo.com/76979871"),
    ("A quotation", "> Plant in the morning."),
    ("A table", "| Plant | Days |\n| --- | ---: |\n| Bean | 8 |\n| Carrot | 17 |"),
    ("Code, after the name of its language", "```python\nfor pot in pots:\n    water(pot)\n```"),
    ("A formula within a line", "It grows by $`x^2`$ a week."),
    ("A formula on its own line", "$$\n\\frac{a}{b} = c\n$$"),
    ("A note below the text", "It was so.[^1]\n\n[^1]: As she said."),
)
"""What it is, and how it is typed; file 12 is a picture, file 13 a document."""
