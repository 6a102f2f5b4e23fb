"""What a form showed when it was opened, so that nothing saved since is overwritten unseen."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from lms.models.catalog import CourseFields
from lms.refusals import ContentChanged

ENTRY = (
    *("is_default_unlocked", "is_public", "requires_approval"),
    *("price_cents", "currency", "allows_promotion_codes", "capacity"),
)
"""How students get into a course: one answer, of which nobody wants half of another's."""


def of_chapter(chapter: Any) -> dict[str, Any]:
    """Return the values of a chapter that its form shows."""
    return {"title": chapter.title, "body": chapter.body}


def of_course(course: Any) -> dict[str, Any]:
    """Return the values of a course that its form shows."""
    return asdict(CourseFields.of(course))


def of_file(file: Any) -> dict[str, Any]:
    """Return the values of a course's file that its form shows."""
    of_captions = {"captions_of": file.captions_of, "language": file.language}
    return {"name": file.name, "alt": file.alt} | (of_captions if file.kind == "captions" else {})


def seen_of(values: Mapping[str, Any]) -> str:
    """Return what a form carries of the values that it shows: a short digest of each."""
    return ".".join(f"{name}-{_digest(value)}" for name, value in values.items())


def merged(
    saved: Mapping[str, Any],
    wished: Mapping[str, Any],
    seen: str | None,
    *,
    together: Iterable[str] = (),
) -> dict[str, Any]:
    """Return what to save of a form that was opened when values were as `seen`.

    Of two who change different things, both have their way: what a form left as it was shown is
    no wish, and stays as it is saved by now. Those `together` are one thing. Raises ContentChanged
    where both have changed the same to something else. None has seen nothing, and overwrites all.
    """
    if seen is None:
        return dict(wished)
    shown = dict(each.partition("-")[::2] for each in seen.split("."))
    group = tuple(together)
    things = [group] if group else []
    things += [(name,) for name in saved if name not in group]
    values = dict(saved)
    differing: list[str] = []
    untouched: list[str] = []
    for names in things:
        others = [name for name in names if _digest(wished[name]) != _digest(saved[name])]
        if all(_digest(wished[name]) == shown.get(name) for name in names):
            untouched += names
        elif all(_digest(saved[name]) == shown.get(name) for name in names):
            values |= {name: wished[name] for name in names}
        else:
            differing += others  # none where somebody has had the same wish, or pressed twice
    if differing:
        in_order = tuple(name for name in saved if name in differing)
        raise ContentChanged(dict(saved), differing=in_order, untouched=tuple(untouched))
    return values


def merged_course(course: Any, wished: CourseFields, seen: str | None) -> CourseFields:
    """Return what saving a course's form comes to, as things are; raises ContentChanged."""
    return CourseFields(**merged(of_course(course), asdict(wished), seen, together=ENTRY))


def _digest(value: Any) -> str:
    """Tell values apart but for what a browser and its form change of a text by themselves."""
    text = "" if value is None else str(value).replace("\r\n", "\n").replace("\r", "\n").strip()
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]
