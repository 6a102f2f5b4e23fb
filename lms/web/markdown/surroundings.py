"""What a text can refer to where it stands."""

from dataclasses import dataclass
from functools import cached_property

from markupsafe import escape

from lms.web.markdown.files import LessonFile


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The files of a text's course, the players its school allows, and who reads it."""

    files: tuple[LessonFile, ...] | None = None
    """None where texts have no files."""
    video_hosts: str = ""
    """As the school's setting has them."""
    is_preview: bool = False
    """Whether its author reads it, and is told what isn't shown."""

    @cached_property
    def by_id(self) -> dict[int, LessonFile]:
        """The files by the number under which texts name them."""
        return {file.id: file for file in self.files or ()}

    def note(self, text: str) -> str:
        """Return a note for the author; nobody else sees it."""
        return f' <span class="unshown">{escape(text)}</span>' if self.is_preview else ""


ELSEWHERE = Surroundings()
