"""Files of a course within a text: `![Words](file:12)` shows one, `[Words](file:12)` offers it."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from markupsafe import escape

from lms.texts import size

GONE = "This file isn't in the course anymore."
_WAY_OUT = "Upload it again and insert it from the course's files, or delete this from the text."
SHOWN = {"picture", "video", "audio"}
_NAMED = re.compile(r"file:(\d{1,18})", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class LessonFile:
    """A file as texts show it; captions are those of a video or an audio file."""

    id: int
    name: str
    kind: str
    media_type: str
    bytes: int
    href: str
    width: int | None = None
    height: int | None = None
    alt: str = ""
    language: str | None = None
    captions: tuple["LessonFile", ...] = ()


def line_of(file: LessonFile) -> str:
    """Return what to type for a file: shown where that can be, else offered.

    A picture's name says nothing to those who can't see it.
    """
    known = file.alt if file.kind == "picture" else file.alt or file.name
    words = re.sub(r"([\\\[\]])", r"\\\1", " ".join(known.split()))
    return f"{'!' if file.kind in SHOWN else ''}[{words}](file:{file.id})"


def file_id(address: str) -> int | None:
    """Return the number of the file that an address in a text names."""
    found = _NAMED.fullmatch(address.strip())
    return int(found[1]) if found else None


def shown(file: LessonFile, words: str) -> str:
    """Return the file as a part of the page; what can't be one is offered."""
    label = escape(words or file.alt or file.name)
    src, measures = escape(file.href), _measures(file)
    if file.kind == "picture":
        alt = escape(words or file.alt)
        return f'<img loading="lazy" src="{src}" alt="{alt}"{measures}>'
    if file.kind not in {"video", "audio"}:
        return offered(file, str(escape(words)))
    tracks = "".join(_track(each, is_first=not place) for place, each in enumerate(file.captions))
    tag = file.kind
    size = measures if tag == "video" else ""
    return (
        f'<{tag} controls preload="metadata" src="{src}"{size} aria-label="{label}">'
        f"{tracks}{offered(file, '')}</{tag}>"
    )


def offered(file: LessonFile, written: str) -> str:
    """Return a link that downloads the file, with what it is; `written` is HTML."""
    facts = f'<span class="file-facts">{escape(facts_of(file))}</span>'
    named = written or escape(file.name)
    return f'<a class="file" href="{escape(file.href)}" download>{named} {facts}</a>'


def facts_of(file: LessonFile) -> str:
    """Return what a file is, and how large."""
    return f"{_type(file)}, {size(file.bytes)}"


def gone(*, is_preview: bool) -> str:
    """Say at its place that a file is not there, to its author also what to do."""
    text = f"{GONE} {_WAY_OUT}" if is_preview else GONE
    return f'<span class="unshown">{escape(text)}</span>'


def _measures(file: LessonFile) -> str:
    return f' width="{file.width}" height="{file.height}"' if file.width and file.height else ""


def _type(file: LessonFile) -> str:
    ending = PurePosixPath(file.name).suffix.removeprefix(".")
    return ending.upper() if 0 < len(ending) < 6 else file.media_type


def _track(captions: LessonFile, *, is_first: bool) -> str:
    src, language = escape(captions.href), escape(captions.language or "und")
    label = escape(captions.language or captions.name)
    shown = " default" if is_first else ""  # browsers show none that nobody chose
    return f'<track kind="captions" src="{src}" srclang="{language}" label="{label}"{shown}>'
