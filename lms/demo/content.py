"""The courses of the demo school, read from the Markdown files in `content/`.

A file is TOML between two `+++` lines, then one `# Heading` per chapter with its text below.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

from lms.models.catalog import CourseFields


@dataclass(frozen=True, kw_only=True)
class DemoChapter:
    """One chapter; `body` is Markdown whose headings start at the second level."""

    title: str
    body: str


@dataclass(frozen=True, kw_only=True)
class DemoCourse(CourseFields):
    """One course; `slug` is its file's name."""

    slug: str
    chapters: tuple[DemoChapter, ...]


class MalformedCourseError(ValueError):
    """A course file cannot be read; the message names it and what is wrong."""


def courses() -> tuple[DemoCourse, ...]:
    """Return every course of the demo school, in the order of the file names."""
    files = resources.files(__package__).joinpath("content").iterdir()
    markdown = sorted((file for file in files if file.name.endswith(".md")), key=lambda f: f.name)
    return tuple(
        parse_course(file.name.removesuffix(".md"), file.read_text(encoding="utf-8"))
        for file in markdown
    )


def parse_course(slug: str, text: str) -> DemoCourse:
    """Return the course that a file's text describes, or raise MalformedCourseError."""
    parts = re.fullmatch(r"\+\+\+\n(.*?)^\+\+\+\n(.*)", text, re.DOTALL | re.MULTILINE)
    if parts is None:
        raise MalformedCourseError(f"{slug}.md: does not start with TOML between two +++ lines")
    front_matter, chapters = parts.groups()
    try:
        fields = tomllib.loads(front_matter)
        return DemoCourse(slug=slug, chapters=tuple(_chapters(chapters)), **fields)
    except (TypeError, ValueError) as error:
        raise MalformedCourseError(f"{slug}.md: {error}") from error


def _chapters(text: str) -> Iterator[DemoChapter]:
    """Yield the chapters of a course; a `#` inside a code block is a comment, not a chapter."""
    title: str | None = None
    lines: list[str] = []
    in_code = False
    for line in text.splitlines():
        in_code ^= line.startswith("```")
        if line.startswith("# ") and not in_code:
            if title is not None:
                yield DemoChapter(title=title, body="\n".join(lines).strip())
            title, lines = line.removeprefix("# ").strip(), []
        elif title is None and line.strip():
            raise ValueError(f"text before the first chapter: {line!r}")
        else:
            lines.append(line)
    if title is None:
        raise ValueError("no chapter: expected a line '# Chapter title'")
    yield DemoChapter(title=title, body="\n".join(lines).strip())
