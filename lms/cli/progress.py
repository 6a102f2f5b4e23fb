"""A progress bar on a terminal for work that takes longer than two seconds."""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, Timer

import click

PATIENCE_SECONDS = 2
_OBJECTS = 20_000
"""After how many new objects Python looks for garbage, of which there is little here."""


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function that takes how much is done and the total.

    The bar appears after two seconds, whether or not any progress was reported by then.
    """
    with _rare_collections(), _bar(label) as report:
        yield report


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Spare long work a fifth of its time: the search for cycles in all that modules hold."""
    usual, is_frozen = gc.get_threshold(), gc.get_freeze_count() > 0
    if not is_frozen:
        gc.freeze()
    gc.set_threshold(_OBJECTS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        if not is_frozen:
            gc.unfreeze()


@contextmanager
def _bar(label: str) -> Iterator[Callable[[int, int], None]]:
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
