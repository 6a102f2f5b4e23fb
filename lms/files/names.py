"""What a file may be called: what a person sees, and no system takes for anything else."""

import re

from lms.models.files import LONGEST_FILE_NAME
from lms.texts import cleaned_line

_FORBIDDEN = re.compile(r'[<>:"|?*]')
"""What a file of Windows can't have in its name."""
_LONGEST_ENDING = 20


def cleaned_name(given: str) -> str:
    """Return the name of an upload: without folders, controls and signs that turn its direction.

    One that is too long is cut before its ending. Of one that has nothing visible, "file" is left.
    """
    last = re.split(r"[/\\]", given)[-1]
    name = _FORBIDDEN.sub("_", cleaned_line(last)).strip(". ") or "file"
    if len(name) <= LONGEST_FILE_NAME:
        return name
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending) > _LONGEST_ENDING:
        return name[:LONGEST_FILE_NAME].strip()
    return f"{stem[: LONGEST_FILE_NAME - len(ending) - 1].strip()}.{ending}"
