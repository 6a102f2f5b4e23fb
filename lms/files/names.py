"""What a file may be called: what a person sees, and no system takes for anything else."""

import re

from lms.models.files import LONGEST_FILE_NAME
from lms.texts import cleaned_line

_FORBIDDEN = re.compile(r'[<>:"|?*]')
"""What a file of Windows can't have in its name."""
_LONGEST_ENDING = 20
_PROGRAMS = frozenset(
    {"app", "bat", "cmd", "com", "cpl", "dll", "exe", "hta", "jar", "jse", "lnk", "msi"}
    | {"msp", "pif", "reg", "scr", "vbe", "vbs", "wsf", "wsh"}
)
"""Endings of programs, whatever is in the file; what people also read, such as .js, is none."""


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


def program_in(given: str) -> str:
    """Return what to say of a name that is a program's, in whatever case; blank of any other."""
    _, dot, ending = cleaned_name(given).lower().rpartition(".")
    if not dot or ending not in _PROGRAMS:
        return ""
    return f"Programs aren't accepted, and .{ending} is the ending of one. Use another name."
