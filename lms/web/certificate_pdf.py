"""The certificate as people print it, drawn by typst from templates/certificates/certificate.typ.

Its Noto typefaces, and one for Hebrew, draw the names of most of the world. What none of them can
draw is left out, never shown as a box or a question mark.
"""

import unicodedata
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import Any

from typst import Compiler, TypstError

from lms.queries.student import StudentCertificate

_TYPEFACES = (
    *("fontpkg_noto_serif", "fontpkg_frank_ruhl_libre", "fontpkg_noto_sans_arabic"),
    *("fontpkg_noto_sans_devanagari", "fontpkg_noto_sans_khmer", "fontpkg_noto_sans_tamil"),
    *("fontpkg_noto_sans_telugu", "fontpkg_noto_sans_thai", "noto_cjk_sans_jp_regular"),
)
_TEMPLATES = Path(__file__).parents[2] / "templates" / "certificates"
_ELSEWHERE = "named at the address below"
_one_at_a_time = Lock()


def draw(certificate: StudentCertificate, *, school: str, address: str) -> bytes:
    """Return the PDF of a certificate, tagged for screen readers; `address` is its public page."""
    name, course = _composed(certificate.student_name), _composed(certificate.course_title)
    day, completed = certificate.issued_at, certificate.completed_at
    words = {
        "title": f"Certificate of completion: {name}, {course}",
        "school": _composed(school),
        "address": address,
        "name": name,
        "course": course,
        "year": str(day.year),
        "month": str(day.month),
        "day": str(day.day),
        "completed": f"{completed:%-d %B %Y} (UTC)",
        "code": certificate.code,
    }
    try:
        return _drawn("certificate.typ", words)
    except TypstError:  # the standard for tagged files refuses what no typeface can draw
        words["school"] = _drawable(words["school"])
        words["name"] = _drawable(name) or f"the holder {_ELSEWHERE}"
        words["course"] = _drawable(course) or f"the course {_ELSEWHERE}"
        return _drawn("certificate.typ", words)


def _composed(text: str) -> str:
    """Return the text with each letter and its accents as one character, where there is one."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _drawable(text: str) -> str:
    return " ".join("".join(filter(_can_be_drawn, text)).split())


@lru_cache(4096)
def _can_be_drawn(character: str) -> bool:
    if unicodedata.category(character).startswith(("M", "Cf")):
        return True  # alone it would fail; beside a letter that is left out it shows nothing
    try:
        _drawn("character.typ", {"text": character})
    except TypstError:
        return False
    return True


def _drawn(template: str, words: dict[str, str]) -> bytes:
    with _one_at_a_time:  # a compiler refuses a second thread
        pdf: Any = _compiler().compile(
            str(_TEMPLATES / template), format="pdf", pdf_standards=["ua-1"], sys_inputs=words
        )
    return bytes(pdf)


@cache
def _compiler() -> Compiler:
    """Return the compiler, which keeps the typefaces that it has read."""
    return Compiler(
        root=str(_TEMPLATES),
        font_paths=[str(files(package)) for package in _TYPEFACES],
        ignore_system_fonts=True,
    )
