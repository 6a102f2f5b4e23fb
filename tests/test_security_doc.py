"""docs/security.md answers every requirement of ASVS 5.0, levels 1 and 2, by tests that exist."""

import re
from collections import Counter

from tests.server import ROOT

DOCUMENT = (ROOT / "docs/security.md").read_text()
LEVELS = """
    1.1 22, 1.2 1111122223, 1.3 112222222223, 1.4 222, 1.5 123, 2.1 122, 2.2 112, 2.3 12223, 2.4 23,
    3.1 3, 3.2 113, 3.3 12223, 3.4 11222233, 3.5 11122333, 3.6 3, 3.7 22333, 4.1 12233, 4.2 23333,
    4.3 22, 4.4 1222, 5.1 2, 5.2 112333, 5.3 113, 5.4 222, 6.1 122, 6.2 111111112222, 6.3 11223333,
    6.4 112233, 6.5 22222333, 6.6 2223, 6.7 33, 6.8 2222, 7.1 222, 7.2 1111, 7.3 22, 7.4 11222,
    7.5 223, 7.6 22, 8.1 1233, 8.2 1123, 8.3 133, 8.4 23, 9.1 111, 9.2 1222, 10.1 22, 10.2 223,
    10.3 22223, 10.4 1111122222233333, 10.5 22222, 10.6 22, 10.7 222, 11.1 2233, 11.2 22233,
    11.3 11233, 11.4 1222, 11.5 23, 11.6 23, 11.7 33, 12.1 12233, 12.2 11, 12.3 22223, 13.1 2333,
    13.2 222223, 13.3 2233, 13.4 1222233, 14.1 22, 14.2 12223333, 14.3 122, 15.1 12233, 15.2 12233,
    15.3 1222222, 15.4 3333, 16.1 2, 16.2 22222, 16.3 2222, 16.4 222, 16.5 2223, 17.1 23,
    17.2 22223333, 17.3 22
"""
"""Of each section the levels of its requirements, in their order."""
WITHOUT_TEST = ("Doesn't apply: ", "The operator's: ", "The operator's and ours: ", "Open: ", "[")
"""How the words begin that stand for a test, or lead to the document that is asked for."""


def test_every_requirement_of_levels_1_and_2_is_answered_once() -> None:
    required = Counter(
        f"{section}.{number}"
        for section, levels in re.findall(r"(\d+\.\d+) (\d+)", LEVELS)
        for number, level in enumerate(levels, 1)
        if level in "12"
    )
    assert required.total() == 253
    assert Counter(number for row in _rows() for number in row[0].split(", ")) == required


def test_each_answer_names_a_test_or_says_why_there_is_none() -> None:
    for numbers, _, how, proof in _rows():
        assert proof != "-" or how.startswith(WITHOUT_TEST), numbers


def test_the_tests_that_it_names_exist() -> None:
    named = {name for *_, proof in _rows() for name in re.findall(r"`([^`]+)`", proof)}
    missing = [
        name
        for name in named
        for path, _, function in [name.partition("::")]
        if f"\ndef {function}(" not in (ROOT / "tests" / path).read_text()
    ]
    assert missing == []
    assert len(named) > 100


def test_what_is_open_is_listed_as_open() -> None:
    listed = DOCUMENT.partition("\n## Open\n")[2].partition("\n## ")[0]
    answered = {
        number
        for numbers, _, how, _ in _rows()
        if how.startswith("Open: ")
        for number in numbers.split(", ")
    }
    assert answered == set(re.findall(r"\*\*(\d+\.\d+\.\d+)\*\*", listed))


def _rows() -> list[list[str]]:
    rows = re.findall(r"^\| (\d+\.\d+\.\d+.*) \|$", DOCUMENT, re.MULTILINE)
    return [row.split(" | ") for row in rows]
