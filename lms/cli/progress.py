"""A progress bar for work that takes longer than two seconds at a terminal."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

PATIENCE_SECONDS = 2


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Lend a function that takes how much is done, of how much."""
    bar = click.progressbar(length=1000, label=label, file=sys.stderr)
    began = time.monotonic()
    shown = False

    def tell(done: int, total: int) -> None:
        nonlocal shown
        if not sys.stderr.isatty():
            return
        if not shown and time.monotonic() - began > PATIENCE_SECONDS:
            bar.render_progress()
            shown = True
        if shown:
            bar.update(1000 * done // (total or 1) - bar.pos)

    try:
        yield tell
    finally:
        if shown:
            bar.render_finish()
