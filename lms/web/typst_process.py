"""The process in which typst draws: run as a file, so that it loads nothing else of the portal.

Takes orders as lines of JSON, and answers each with a line and, where it was drawn, the PDF. Ends
when whoever asks has ended, however that happened, and when nobody has asked for a while.
"""

import json
import select
import signal
import sys
from datetime import datetime
from importlib.resources import files
from typing import Any

from typst import Compiler, Fonts, TypstError


def main(folder: str, idle_seconds: str, *typefaces: str) -> None:
    """Draw what is asked for, one after the other."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends who asks, and then this
    fonts = Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(files(package)) for package in typefaces],
    )
    compiler = Compiler(root=folder, font_paths=fonts)
    orders, answers = sys.stdin.buffer, sys.stdout.buffer
    while select.select([orders], [], [], float(idle_seconds))[0]:
        if not (order := orders.readline()):
            break
        answers.write(_drawn(compiler, **json.loads(order)))
        answers.flush()


def _drawn(compiler: Compiler, template: str, words: dict[str, str], moment: str | None) -> bytes:
    try:
        pdf: Any = compiler.compile(
            template,
            format="pdf",
            pdf_standards="ua-1",
            sys_inputs=words,
            root="/",  # what pictures of the store are in, too; the templates are our own
            timestamp=datetime.fromisoformat(moment) if moment else None,
        )
    except TypstError as error:
        return json.dumps({"refused": str(error)}).encode() + b"\n"
    return json.dumps({"bytes": len(pdf)}).encode() + b"\n" + bytes(pdf)


if __name__ == "__main__":
    main(*sys.argv[1:])
