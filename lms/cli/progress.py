"""A progress bar on a terminal for work that takes longer than two seconds."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, Timer

import click

PATIENCE_SECONDS = 2


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function that takes how much is done and the total.

    The bar appears after two seconds, whether or not any progress was reported by then.
    """
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    bar = click.progressbar(length=1000, label=label, file=sys.stderr)
    drawing = Lock()
    shown = False

    def show() -> None:
        nonlocal shown
        with drawing:
            shown = True
            bar.render_progress()

    def report(done: int, total: int) -> None:
        with drawing:
            bar.make_step(1000 * done // (total or 1) - bar.pos)
            if shown:
                bar.render_progress()

    patience = Timer(PATIENCE_SECONDS, show)
    patience.daemon = True
    patience.start()
    try:
        yield report
    finally:
        patience.cancel()
        patience.join()  # a fork must not copy a running thread
        if shown:
            bar.render_finish()
