"""The texts of chapters as pages show them: with what their course has, and their school allows."""

from flask import url_for

from lms.queries import files as queries
from lms.queries.files import FileOfCourse
from lms.school import DEFAULTS
from lms.video_hosts import allowed
from lms.web.markdown import Lesson, LessonFile, Surroundings, lesson
from lms.web.markdown.players import origins
from lms.web.school import school
from lms.web.security import allow_frames


def shown(text: str, course_id: int) -> Lesson:
    """Return a chapter's text for those who learn; the page may show the players in it."""
    files = files_of(course_id) if "file:" in text else ()
    found = lesson(text, Surroundings(files=files, video_hosts=school().video_hosts))
    allow_frames(found.frames)
    return found


def previewed(text: str, files: tuple[LessonFile, ...]) -> Lesson:
    """Return it for its author, who is told what isn't shown."""
    hosts = school().video_hosts
    where = Surroundings(files=files, video_hosts=hosts, is_preview=True)
    return lesson.__wrapped__(text, where)  # what students read stays in the cache


def files_of(course_id: int) -> tuple[LessonFile, ...]:
    """Return the files of a course as its lessons show them, the newest first."""
    found = queries.of_course(course_id)
    captions: dict[int | None, list[LessonFile]] = {}
    for each in found:
        if each.captions_of is not None:
            captions.setdefault(each.captions_of, []).append(_as_shown(each))
    return tuple(_as_shown(each, tuple(captions.get(each.id, ()))) for each in found)


def playable() -> list[str]:
    """Let the page show any player that the school allows; return where they come from."""
    found = origins(allowed(school().video_hosts))
    allow_frames(found)
    return found


def exemplified(text: str) -> Lesson:
    """Return an example of how lessons are written, in which two files are made up."""
    picture = LessonFile(
        id=12,
        name="pot.png",
        kind="picture",
        media_type="image/png",
        bytes=48_000,
        href=url_for("static", filename="img/logo.svg"),
        width=56,
        height=56,
    )
    document = LessonFile(
        id=13,
        name="worksheet.pdf",
        kind="document",
        media_type="application/pdf",
        bytes=210_000,
        href=url_for(".writing"),
    )
    hosts = DEFAULTS["video_hosts"]
    return lesson(text, Surroundings(files=(picture, document), video_hosts=hosts))


def _as_shown(file: FileOfCourse, captions: tuple[LessonFile, ...] = ()) -> LessonFile:
    return LessonFile(
        id=file.id,
        name=file.name,
        kind=file.kind,
        media_type=file.media_type,
        bytes=file.bytes,
        href=url_for("files.read", course_id=file.course_id, file_id=file.id, name=file.name),
        width=file.width,
        height=file.height,
        alt=file.alt,
        language=file.language,
        captions=captions,
    )
