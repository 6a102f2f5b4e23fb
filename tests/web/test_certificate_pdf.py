"""The certificate as a PDF: names of the world are drawn as they are, or honestly not at all."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from lms.queries.student import StudentCertificate
from lms.web.certificate_pdf import draw

ADDRESS = "https://school.example.org/certificates/AAAA"


def drawn(
    name: str, course: str = "Botany", *, school: str = "Hill School", zone: str = "UTC"
) -> PdfReader:
    moment = datetime(2026, 11, 3, 23, 59, 58, 765432, tzinfo=UTC)
    certificate = StudentCertificate(
        id=1,
        code="7K3M-9QXT-AB12-CD34-EF56-GH78",
        course_id=1,
        course_title=course,
        student_name=name,
        completed_at=moment,
        issued_at=moment,
        revoked_at=None,
    )
    return PdfReader(BytesIO(draw(certificate, school=school, zone=zone, address=ADDRESS)))


def said(pdf: PdfReader) -> str:
    """Return the text without spaces, which extraction adds and leaves out."""
    [page] = pdf.pages
    return "".join(page.extract_text().split())


@pytest.mark.parametrize(
    "name",
    [
        "Zażółć Gęślą-Jaźń",
        "Ngọc Anh Phạm",
        "Юлия Ёлкина",
        "Αθηνά Ωμέγα",
        "田中 太郎",
        "김철수",
        "刘美玲",
        "สมชาย ใจดี",
    ],
)
def test_a_name_is_drawn_letter_by_letter(name: str) -> None:
    assert "".join(name.split()) in said(drawn(name))


@pytest.mark.parametrize(
    "name", ["محمد علي", "שרה כהן", "अनन्या शर्मा", "தமிழ்ச்செல்வி", "తెలుగు", "ខ្មែរ", "سارة Smith"]
)
def test_a_name_is_drawn_in_scripts_whose_letters_join_or_run_to_the_left(name: str) -> None:
    text = said(drawn(name))  # extraction reads the glyphs in the order in which they are drawn
    assert set(name) - {" "} <= set(text)
    assert "theholder" not in text


def test_accents_typed_apart_are_drawn_as_one_letter() -> None:
    assert "AnaGarcía" in said(drawn("Ana Garci\N{COMBINING ACUTE ACCENT}a"))


def test_a_byte_order_mark_from_a_paste_shows_nothing() -> None:
    mark = "\N{ZERO WIDTH NO-BREAK SPACE}"
    assert "thatAdahas" in said(drawn(f"{mark}A{mark}da"))


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Ada 🎓 Lovelace", "AdaLovelace"),
        ("\N{WOMAN}\N{ZERO WIDTH JOINER}\N{ROCKET} 田中", "田中"),
        ("Ada🎓\N{COMBINING ACUTE ACCENT}", "Ada"),
        ("রাহুল Ada", "Ada"),
        ("བོད Ada", "Ada"),
    ],
)
def test_a_sign_that_cannot_be_drawn_is_left_out_alone(typed: str, shown: str) -> None:
    for pdf, around in ((drawn(typed), "that{}has"), (drawn("Ada", typed), "of{}Completed")):
        assert around.format(shown) in said(pdf).replace("\N{ZERO WIDTH JOINER}", "")
        assert pdf.metadata is not None
        assert typed in str(pdf.metadata.title)


def test_where_nothing_can_be_drawn_it_says_where_to_read_it() -> None:
    text = said(drawn("🎓🎓", "🧪"))
    assert "theholdernamedattheaddressbelow" in text
    assert "thecoursenamedattheaddressbelow" in text
    assert ADDRESS in text


def test_letters_that_cannot_be_drawn_together_are_told_where_to_read() -> None:
    mix = "\N{ARABIC LEFT ARROWHEAD ABOVE}\u224c\u1dd1\u233c"
    for pdf in (drawn(mix), drawn("Ada", school=mix)):
        assert "theholdernamedattheaddressbelow" in said(pdf)


def test_what_looks_like_markup_is_a_name() -> None:
    assert '#panic("x")*_$\\[]' in said(drawn('#panic("x") *_$\\[]'))


def test_a_certificate_is_the_same_file_each_time() -> None:
    assert drawn("Ada").stream.read() == drawn("Ada").stream.read()


def test_it_can_be_read_aloud() -> None:
    root: Any = drawn("Ada").trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert str(root["/Lang"]) == "en"
    assert "pdfuaid" in root["/Metadata"].get_object().get_data().decode()


def test_certificates_drawn_at_once_are_each_their_own() -> None:
    names = [f"Student {number}" for number in range(24)]
    with ThreadPoolExecutor(8) as threads:
        for name, pdf in zip(names, threads.map(drawn, names), strict=True):
            assert name.replace(" ", "") in said(pdf)


def test_long_names_and_titles_stay_on_the_one_page() -> None:
    name, course = "Wolfeschlegelstein " * 6, "W" * 200
    text = said(drawn(name.strip(), course))
    assert text.count("Wolfeschlegelstein") == 6
    assert course in text
    assert "3November2026(UTC)" in text


def test_the_day_is_that_of_the_schools_zone_which_is_named() -> None:
    assert "4November2026(Berlintime)" in said(drawn("Ada", zone="Europe/Berlin"))


def test_the_address_can_be_clicked() -> None:
    [page] = drawn("Ada").pages
    assert page.annotations is not None
    [link] = page.annotations
    assert link.get_object()["/A"]["/URI"] == ADDRESS
