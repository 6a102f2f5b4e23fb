"""One-line texts: what is stored of what people type, and of what other systems have kept."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms.texts import cleaned_line, size, typed_line

ZWNJ, ZWJ = "\u200c", "\u200d"

KEPT = [
    "Ana María Núñez-Øster",
    "نیم" + ZWNJ + "فاصله",  # Persian: a joiner inside a word
    "ന" + "\u0d4d" + ZWJ,  # Malayalam: one that shapes the last letter
    "क्" + ZWJ + "ष",
    "Science \U0001f469" + ZWJ + "\U0001f52c",
    "آموزش عربی",
    "שלום",
    "C++ & <b>C#</b> \\ {{7*7}} %s",
    "؀١٢",  # a number sign, which Unicode calls a format character
]
INVISIBLE = [
    "\u200b",
    ZWJ,
    ZWNJ + ZWNJ,
    "\u00ad \ufeff",
    "\u2060",
    "\u3164",  # the Hangul filler, a letter
    "\u115f\u1160",
    "\u2800",  # Braille without dots
    "\u0301",  # an accent on nothing
    "\ufe0f",
    "\u034f",
]
REFUSED = [
    "Ann\x07",
    "Ann\x7f",
    "Ann\x9b",
    "\u202eAnn",
    "\u2066Ann\u2069",
    "Ann\u200e",
    "Ann\u200f",
    "Ann\u061c",
    "Ann\u206a",
    "Ann\U000e0041",
]


@pytest.mark.parametrize("text", KEPT)
def test_what_people_see_is_kept_in_one_form(text: str) -> None:
    for form in ("NFC", "NFD"):
        typed = unicodedata.normalize(form, text)
        assert typed_line(typed) == cleaned_line(typed) == unicodedata.normalize("NFC", text)


def test_blanks_of_any_kind_are_one() -> None:
    assert typed_line("\u00a0 Ann\t\u2003\nLee\u2028 ") == "Ann Lee"


def test_what_nobody_sees_is_left_out() -> None:
    typed = f"{ZWJ} Ann{ZWNJ} \ufeffLee\u200b-{ZWJ}{ZWJ}{ZWJ}So\u00adto{ZWJ} {ZWNJ} "
    assert typed_line(typed) == cleaned_line(typed) == f"Ann Lee-{ZWJ}Soto"


@pytest.mark.parametrize("text", INVISIBLE)
def test_a_text_in_which_nothing_is_visible_is_refused_or_empty(text: str) -> None:
    with pytest.raises(ValueError, match="at least one visible character"):
        typed_line(text)
    assert cleaned_line(text) == ""


@pytest.mark.parametrize("text", REFUSED)
def test_characters_that_control_the_display_are_refused_or_left_out(text: str) -> None:
    with pytest.raises(ValueError, match="invisible control characters"):
        typed_line(text)
    assert cleaned_line(text) == "Ann"


def test_what_no_database_can_store_is_refused_or_left_out() -> None:
    with pytest.raises(ValueError, match="can't be stored"):
        typed_line("Ann\x00")
    assert cleaned_line("Ann\x00") == "Ann"


def test_nothing_is_no_text() -> None:
    assert typed_line(" \t ") == cleaned_line("") == ""


def test_a_long_text_costs_little() -> None:
    began = time.process_time()
    assert len(cleaned_line(f"ö{ZWJ}" * 200_000)) == 2 * 200_000 - 1
    assert time.process_time() - began < 1


@given(st.text())
def test_whatever_is_cleaned_can_be_typed(text: str) -> None:
    cleaned = cleaned_line(text)
    assert typed_line(cleaned) == cleaned_line(cleaned) == cleaned


def test_sizes_are_rounded_to_the_nearest() -> None:
    told = {
        0: "0 KB",
        1: "1 KB",
        1_400: "1 KB",
        1_600: "2 KB",
        999_499: "999 KB",
        999_500: "1.0 MB",
        2_140_000: "2.1 MB",
        99_949_999: "99.9 MB",
        250_000_000: "250 MB",
        999_500_000: "1.00 GB",
        5_000_000_000: "5.00 GB",
    }
    assert {count: size(count) for count in told} == told
