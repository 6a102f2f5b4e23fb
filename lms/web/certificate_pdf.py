"""The certificate as people print it: one page, A4 landscape, in a typeface for most of the world.

Noto Serif draws Latin, Greek and Cyrillic, Noto Sans CJK draws Chinese, Japanese and Korean. What
neither can draw is never shown as boxes or question marks: the line then says where to read it.
"""

import unicodedata
from pathlib import Path
from typing import cast

import fontpkg_noto_serif
import noto_cjk_sans_jp_regular
from fpdf import FPDF
from fpdf.enums import Align, MethodReturnValue
from fpdf.fonts import TTFFont

from lms.queries.student import StudentCertificate

_SERIF = Path(fontpkg_noto_serif.ROOT) / "files" / "NotoSerif[wdth,wght].ttf"
_CJK = Path(str(noto_cjk_sans_jp_regular.FONT_PATH))
_WIDTH, _HEIGHT = 297.0, 210.0
_TEXT = 225.0
"""How wide a line may be, in millimetres."""
_INK, _SOFT, _ACCENT, _WASH = (22, 32, 42), (83, 96, 108), (11, 100, 119), (246, 249, 250)
_ELSEWHERE = "named at the address below"


def draw(certificate: StudentCertificate, *, school: str, address: str) -> bytes:
    """Return the PDF of a certificate; `address` is its public page."""
    paper = _Paper(orientation="L", format="A4")
    name, course = _composed(certificate.student_name), _composed(certificate.course_title)
    paper.prepare(name + course + school)
    paper.set_title(f"Certificate of completion: {name}, {course}")
    paper.set_author(school)
    paper.set_subject(address)
    paper.set_creation_date(certificate.issued_at)
    paper.frame()
    paper.line_of(paper.shown(school, "").upper(), y=33, size=12, color=_ACCENT, spacing=1.6)
    paper.line_of("Certificate of Completion", y=47, size=36)
    paper.line_of("This certifies that", y=73, size=13, color=_SOFT)
    paper.block(paper.shown(name, f"the holder {_ELSEWHERE}"), y=83, most=30, room=21)
    paper.rule(y=106)
    paper.line_of("has completed every chapter of", y=110, size=13, color=_SOFT)
    paper.block(paper.shown(course, f"the course {_ELSEWHERE}"), y=119, most=21, room=24)
    day = f"{certificate.completed_at:%-d %B %Y} (UTC)"
    paper.foot(day, certificate.code, address)
    return bytes(paper.output())


def _composed(text: str) -> str:
    """Return the text with each letter and its accents as one character, where there is one."""
    return " ".join(unicodedata.normalize("NFC", text).split())


class _Paper(FPDF):
    def prepare(self, words: str) -> None:
        """Load the typefaces; the large one only where the words need it."""
        self.set_auto_page_break(False)
        self.set_margin(0)
        self.set_lang("en")
        self.add_page()
        self._letters = self._added("serif", _SERIF)
        if any(ord(letter) not in self._letters for letter in words):
            self._letters |= self._added("cjk", _CJK)
            self.set_fallback_fonts(["cjk"], exact_match=False)

    def shown(self, text: str, otherwise: str) -> str:
        """Return the text if every letter of it can be drawn, else what to say instead."""
        return text if all(ord(letter) in self._letters for letter in text) else otherwise

    def frame(self) -> None:
        """Draw the border and its corners."""
        self.set_fill_color(*_WASH)
        self.rect(0, 0, _WIDTH, _HEIGHT, style="F")
        self.set_fill_color(255, 255, 255)
        self.set_draw_color(*_ACCENT)
        self.set_line_width(1.1)
        self.rect(11, 11, _WIDTH - 22, _HEIGHT - 22, style="DF")
        self.set_line_width(0.25)
        self.rect(14, 14, _WIDTH - 28, _HEIGHT - 28)
        self.set_fill_color(*_ACCENT)
        for x in (14.0, _WIDTH - 14):
            for y in (14.0, _HEIGHT - 14):
                self.circle(x, y, 1.5, style="F")

    def line_of(
        self,
        text: str,
        *,
        y: float,
        size: float,
        color: tuple[int, int, int] = _INK,
        spacing: float = 0,
    ) -> None:
        """Write one centered line, smaller where it would be too long."""
        self.set_text_color(*color)
        self.set_char_spacing(spacing)
        self.set_font("serif", size=self._fitting(text, size, lines=1))
        self.set_xy((_WIDTH - _TEXT) / 2, y)
        self.cell(_TEXT, size / 2, text, align=Align.C)
        self.set_char_spacing(0)

    def block(self, text: str, *, y: float, most: float, room: float) -> None:
        """Write a name or title, in the middle of `room`, on two lines where one is too short."""
        size = self._fitting(text, most, lines=2)
        self.set_font("serif", size=size)
        self.set_text_color(*_INK)
        height = size * 0.46
        left = (_WIDTH - _TEXT) / 2
        taken = self.multi_cell(
            _TEXT, height, text, align=Align.C, dry_run=True, output=MethodReturnValue.HEIGHT
        )
        self.set_xy(left, y + max(0.0, (room - cast("float", taken)) / 2))
        self.multi_cell(_TEXT, height, text, align=Align.C)

    def rule(self, *, y: float) -> None:
        """Draw the line under the name."""
        self.set_draw_color(*_ACCENT)
        self.set_line_width(0.35)
        self.line(_WIDTH / 2 - 45, y, _WIDTH / 2 + 45, y)

    def foot(self, day: str, code: str, address: str) -> None:
        """Draw the date and how to verify the certificate."""
        self._seal(_WIDTH / 2, 162)
        for x, label, text in ((33.0, "Completed on", day), (189.0, "Verification code", code)):
            self.set_text_color(*_SOFT)
            self.set_font("serif", size=9)
            self.set_xy(x, 155)
            self.cell(75, 5, label, align=Align.C)
            self.set_text_color(*_INK)
            self.set_font("serif", size=11)
            self.set_xy(x, 161)
            self.cell(75, 6, text, align=Align.C)
        self.set_text_color(*_SOFT)
        self.set_font("serif", size=9)
        self.set_xy((_WIDTH - _TEXT) / 2, 182)
        self.cell(_TEXT, 5, f"Verify it at {address}", align=Align.C, link=address)

    def _added(self, family: str, path: Path) -> set[int]:
        """Add a typeface and return the letters that it can draw."""
        self.add_font(family, "", path)
        return set(cast("TTFFont", self.fonts[family]).cmap)

    def _seal(self, x: float, y: float) -> None:
        self.set_fill_color(*_ACCENT)
        for side in (-1, 1):
            ribbon = [(x + side * 2, y + 8), (x + side * 8, y + 6), (x + side * 9.5, y + 17)]
            self.polygon([*ribbon, (x + side * 6, y + 14.5)], style="F")
        self.circle(x, y, 11, style="F")
        self.set_draw_color(255, 255, 255)
        self.set_line_width(0.4)
        self.circle(x, y, 9.2)
        self.set_line_width(1.5)
        self.polyline([(x - 4.2, y + 0.4), (x - 1.2, y + 3.4), (x + 4.6, y - 3.4)])

    def _fitting(self, text: str, size: float, *, lines: int) -> float:
        """Return the size, or the largest below it at which the text takes no more lines."""
        self.set_font("serif", size=size)
        width = self.get_string_width(text)
        room = _TEXT * (0.85 * lines if lines > 1 else 1)  # words do not break where a line ends
        return size if width <= _TEXT or width <= room else max(9.0, size * room / width)
