"""Captions: which texts a browser's player shows beside a video."""

import re
from typing import BinaryIO

_TIME = r"(?:\d+:)?[0-5]\d:[0-5]\d\.\d{3}"
_TIMES = re.compile(rf"[ \t]*{_TIME}[ \t]*-->[ \t]*{_TIME}(?:[ \t].*)?", re.ASCII)
_OTHERS = (".srt", ".sbv", ".sub", ".ssa", ".ass", ".ttml", ".dfxp", ".vtt")
"""What files of captions are called, whatever is in them."""
ACCEPTED = (
    "Captions have to be WebVTT (.vtt): WEBVTT on the first line, and before each text a line such"
    " as 00:00:01.000 --> 00:00:04.000."
)
_OTHER = f"{ACCEPTED} A program for subtitles converts others, such as SRT (.srt)."


def fault_by_name(name: str) -> str:
    """Return what is wrong with a file that is called captions and isn't; blank for other names."""
    return _OTHER if name.strip().lower().endswith(_OTHERS) else ""


def fault_in(file: BinaryIO) -> str:
    """Return what is wrong with captions that begin as WebVTT does; blank if nothing is.

    A browser leaves out what it can't read, and says nothing.
    """
    file.seek(0)
    lines = file.read().decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(lines[1:], start=2):
        if "-->" in line and not _TIMES.fullmatch(line):
            return f"Line {number} doesn't give a caption's start and end times. {ACCEPTED}"
    if any(line.strip() for line in lines[1:]) and not any("-->" in line for line in lines):
        return f"There are no times in this file. {ACCEPTED}"
    return ""
