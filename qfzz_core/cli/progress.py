"""How far long work is, on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from qfzz_core.cli.output import console, visible


@contextmanager
def progress_line() -> Iterator[Callable[[str], None]]:
    """Give a function that shows a text in the place of the last one, on stderr, if that is a terminal."""
    stderr = console(stderr=True)
    if not stderr.is_terminal:
        yield lambda text: None
        return
    with stderr.status("") as status:
        yield lambda text: status.update(visible(text))
