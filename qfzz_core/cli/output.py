"""Writing to stdout and stderr. rich is imported when something is really written with it."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
UNLIMITED = 10_000  # columns: what goes into a file or a pipe is never cut or folded
_READABLE = 100  # columns of running text, about the longest line that the eye finds its way back from


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Write one JSON document to stdout, on one line without `indent`; objects as their `to_dict` gives them."""
    # `main` has a character that the encoding lacks written as \xe9, which is no JSON; json.dumps writes \u00e9
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    dumped = json.dumps(value, indent=indent, ensure_ascii=encoding != "utf8", default=lambda each: each.to_dict())
    click.echo(dumped)


def print_line(text: object) -> None:
    """Write a line to stdout, with its control characters made visible."""
    click.echo(visible(text))


def print_result(value: Any, as_json: bool, text: str) -> None:
    """Write what a command did: as one JSON document, or as a line."""
    print_json(value) if as_json else print_line(text)


def note(text: object) -> None:
    """Write a line beside the result, to stderr, with its control characters made visible."""
    click.echo(visible(text), err=True)


def console(*, stderr: bool = False) -> Console:
    """Return where rich writes. Text is shown as it is: no markup, no emoji codes, nothing highlighted."""
    from rich.console import Console

    made = Console(stderr=stderr, markup=False, emoji=False, highlight=False)
    if not made.is_terminal and not os.environ.get("COLUMNS"):
        made.width = UNLIMITED
    return made


def prose_console() -> Console:
    """Return a console for running text, folded so that it reads well wherever it goes."""
    made = console()
    made.width = min(made.width, _READABLE)
    return made


@contextmanager
def progress_line() -> Iterator[Callable[[str], None]]:
    """Give a function that shows text in the place of the last one, on stderr, if that is a terminal."""
    stderr = console(stderr=True)
    if not stderr.is_terminal:
        yield lambda text: None
        return
    with stderr.status("") as status:
        yield lambda text: status.update(visible(text))


def visible(value: object) -> str:
    """Return a value as text on one line, in which control characters show instead of steering the terminal."""
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], str(value))
