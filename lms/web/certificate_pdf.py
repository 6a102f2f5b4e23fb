"""The certificate as people print it, drawn by typst from templates/certificates/certificate.typ.

Its Noto typefaces, and one for Hebrew, draw the names of most of the world. What none of them can
draw is left out, never shown as a box or a question mark.
"""

import unicodedata
from functools import lru_cache
from pathlib import Path

from lms.queries.student import StudentCertificate
from lms.times import local, place
from lms.web.typesetter import NotDrawn, Typesetter

_TYPEFACES = (
    *("fontpkg_noto_serif", "fontpkg_frank_ruhl_libre", "fontpkg_noto_sans_arabic"),
    *("fontpkg_noto_sans_devanagari", "fontpkg_noto_sans_khmer", "fontpkg_noto_sans_tamil"),
    *("fontpkg_noto_sans_telugu", "fontpkg_noto_sans_thai", "noto_cjk_sans_jp_regular"),
)
_ELSEWHERE = {
    "name": "the holder named at the address below",
    "course": "the course named at the address below",
}
typesetter = Typesetter(Path(__file__).parents[2] / "templates" / "certificates", _TYPEFACES)


def draw(
    certificate: StudentCertificate,
    *,
    school: str,
    zone: str,
    address: str,
    logo: Path | None = None,
) -> bytes:
    """Return the PDF of a certificate, tagged for screen readers; `address` is its public page."""
    name, course = _composed(certificate.student_name), _composed(certificate.course_title)
    heading = _composed(school.upper())
    drawn = _drawable("".join(sorted({*name, *course, *heading})))
    words = {
        "title": f"Certificate of completion: {name}, {course}",
        "author": school,
        "address": address,
        "heading": _only(drawn, heading),
        "name": _only(drawn, name) or _ELSEWHERE["name"],
        "course": _only(drawn, course) or _ELSEWHERE["course"],
        "completed": f"{local(certificate.completed_at, zone):%-d %B %Y} ({place(zone)})",
        "code": certificate.code,
        "logo": str(logo or ""),
    }
    issued = certificate.issued_at.replace(microsecond=0)  # a PDF counts whole seconds
    try:
        return typesetter.drawn("certificate.typ", words, issued)
    except NotDrawn:
        if logo:  # damaged, or just replaced
            return draw(certificate, school=school, zone=zone, address=address)
        # typst 0.15 cannot draw some mixes of three scripts, each drawable
        return typesetter.drawn("certificate.typ", words | _ELSEWHERE | {"heading": ""}, issued)


def drawable(text: str) -> str:
    """Return the text without what no typeface can draw."""
    composed = _composed(text)
    return _only(_drawable("".join(sorted(set(composed)))), composed)


def _composed(text: str) -> str:
    """Return the text with each letter and its accents as one character, where there is one."""
    spoken = text.replace("\ufeff", "")  # shows nothing, and a tagged file must not contain it
    return " ".join(unicodedata.normalize("NFC", spoken).split())


def _drawable(characters: str) -> set[str]:
    """Return those of the characters that a typeface has.

    They are known before a line is drawn: typst 0.15 fails for good, rather than with an error, on
    some lines with others.
    """
    if _can_be_drawn(characters):
        return set(characters)
    if len(characters) == 1:
        return set()
    half = len(characters) // 2
    return _drawable(characters[:half]) | _drawable(characters[half:])


@lru_cache(1024)
def _can_be_drawn(characters: str) -> bool:
    try:
        typesetter.drawn("characters.typ", {"characters": characters})
    except NotDrawn:  # the standard for tagged files refuses what no typeface has
        return False
    return True


def _only(drawable: set[str], text: str) -> str:
    """Return the text without what cannot be drawn, and without the accents on that."""
    shown = []
    letter = True
    for character in text:
        if not unicodedata.category(character).startswith("M"):
            letter = character in drawable
        if letter and character in drawable:
            shown.append(character)
    return " ".join("".join(shown).split())
