"""The certificate as a PDF: names of the world are drawn as they are, or honestly not at all."""

from datetime import UTC, datetime
from io import BytesIO

import pytest
from pypdf import PdfReader

from lms.queries.student import StudentCertificate
from lms.web.certificate_pdf import draw

ADDRESS = "https://school.example.org/certificates/AAAA"


def drawn(name: str, course: str = "Botany") -> PdfReader:
    moment = datetime(2026, 11, 3, 23, 59, tzinfo=UTC)
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
    return PdfReader(BytesIO(draw(certificate, school="Hill School", address=ADDRESS)))


def said(pdf: PdfReader) -> str:
    """Return the text without what extraction adds: blanks, and pypdf NULs in OpenType fonts."""
    [page] = pdf.pages
    return "".join(page.extract_text().replace("\x00", "").split())


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
    ],
)
def test_a_name_is_drawn_letter_by_letter(name: str) -> None:
    assert "".join(name.split()) in said(drawn(name))


def test_accents_typed_apart_are_drawn_as_one_letter() -> None:
    assert "AnaGarcía" in said(drawn("Ana Garci\N{COMBINING ACUTE ACCENT}a"))


@pytest.mark.parametrize("name", ["محمد علي", "अनन्या", "Ada 🎓"])
def test_what_cannot_be_drawn_says_so_and_stays_in_the_documents_title(name: str) -> None:
    pdf = drawn(name)
    text = said(pdf)
    assert "theholdernamedattheaddressbelow" in text
    assert "?" not in text
    assert ADDRESS in text
    assert pdf.metadata is not None
    assert name in str(pdf.metadata.title)


def test_long_names_and_titles_stay_on_the_one_page() -> None:
    name, course = "Wolfeschlegelstein " * 6, "W" * 200
    text = said(drawn(name.strip(), course))
    assert text.count("Wolfeschlegelstein") == 6
    assert course in text
    assert "3November2026(UTC)" in text


def test_the_address_can_be_clicked() -> None:
    [page] = drawn("Ada").pages
    assert page.annotations is not None
    [link] = page.annotations
    assert link.get_object()["/A"]["/URI"] == ADDRESS
