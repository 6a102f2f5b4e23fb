"""Which chapters a student completed, where an old school lists them in one value."""

import json
import re
from typing import Any

from lms.importing.legacy.values import key, line, text


def listed(value: Any) -> list[str] | int | None:
    """Return the ids of the chapters in JSON, an array of PostgreSQL's or a plain list.

    A single number is how many there are. None where there is nothing.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return int(value)
    written = line(text(value))
    if not written:
        return None
    if re.fullmatch(r"\d{1,6}", written):
        return int(written)
    try:
        found = json.loads(written)
    except ValueError:
        found = re.split(r"\s*[,;]\s*", written.strip("{}[]() "))
    if isinstance(found, str):  # JSON in JSON
        return listed(found)
    if isinstance(found, dict):
        found = [each for each, done in found.items() if done]
    if not isinstance(found, list):
        return None
    return list(dict.fromkeys(filter(None, map(_id, found))))


def _id(entry: Any) -> str | None:
    """Return the id in an entry of the list, which may say more than that."""
    if not isinstance(entry, dict):
        return key(entry.strip("\"'") if isinstance(entry, str) else entry)
    if not entry.get("completed", True) or not entry.get("isCompleted", True):
        return None
    for name in ("chapterId", "chapter_id", "lessonId", "lesson_id", "id", "chapter"):
        if entry.get(name) is not None:
            return key(entry[name])
    return None
