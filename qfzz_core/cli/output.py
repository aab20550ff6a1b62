"""Writing to stdout and stderr. rich is imported when something is really written with it.

While a command of ours runs, the functions of this module alone write to stdout: what plugins print goes to stderr.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import click

from qfzz_core.model.credentials import without_credentials

if TYPE_CHECKING:
    from rich.console import Console

# C0, DEL and C1 steer a terminal; line and paragraph separators begin a line, and overrides and isolates turn the
# direction of what follows, so that a name can show as another one.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
UNLIMITED = 10_000  # columns: what goes into a file or a pipe is never cut or folded
_READABLE = 100  # columns of running text, about the longest line that the eye finds its way back from


_AS_IT_IS = object()
_stdout: ContextVar[Any] = ContextVar("stdout", default=_AS_IT_IS)  # None where a process has none


@contextmanager
def others_print_to_stderr() -> Iterator[None]:
    """Let `print` write to stderr, so that what plugins print is no part of a result such as a JSON document."""
    token = _stdout.set(_stream())
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _stdout.reset(token)


def _stream() -> Any:
    """Return the stream of results."""
    held = _stdout.get()
    return sys.stdout if held is _AS_IT_IS else held


def echo(text: str | bytes = "", *, nl: bool = True) -> None:
    """Write text to stdout as it is."""
    stream = _stream()
    if _encoding(stream) == "ascii":  # click writes UTF-8 to it, but only where it finds the stream itself
        with redirect_stdout(stream):
            click.echo(text, nl=nl)
    elif stream is not None:
        # not by redirecting: a plugin may print in another thread at the same moment
        click.echo(text, file=stream, nl=nl)


def _encoding(stream: Any) -> str:
    return str(getattr(stream, "encoding", None) or "ascii").lower().replace("-", "")


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Write one JSON document to stdout, on one line without `indent`; objects as their `to_dict` gives them."""
    # `main` has a character that the encoding lacks written as \xe9, which is no JSON; json.dumps writes \u00e9
    utf8 = _encoding(_stream()) == "utf8"
    dumped = json.dumps(value, indent=indent, ensure_ascii=not utf8, default=lambda each: each.to_dict())
    echo(_CONTROL.sub(lambda found: found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}", dumped))


def print_line(text: object) -> None:
    """Write a line to stdout, with its control characters made visible."""
    echo(visible(text))


def print_result(value: Any, as_json: bool, text: str) -> None:
    """Write what a command did: as one JSON document, or as a line."""
    print_json(value) if as_json else print_line(text)


def print_file(content: bytes) -> None:
    """Write the content of a file to stdout: as it is, but to a terminal with its control characters made visible."""
    text = visible(content.decode(errors="backslashreplace"), kept="\t\n") if _stream().isatty() else None
    echo(content if text is None else text, nl=False)


def note(text: object) -> None:
    """Write a line beside the result, to stderr, with its control characters made visible."""
    click.echo(visible(text), err=True)


def console(*, stderr: bool = False) -> Console:
    """Return where rich writes. Text is shown as it is: no markup, no emoji codes, nothing highlighted."""
    from rich.console import Console

    made = Console(file=None if stderr else _stream(), stderr=stderr, markup=False, emoji=False, highlight=False)
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


@contextmanager
def progress_bar(title: str, total: int) -> Iterator[Callable[[int], None] | None]:
    """Give a function that shows how many bytes of a total were read, on stderr; None if that is no terminal."""
    stderr = console(stderr=True)
    if not stderr.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(title), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda done: progress.update(task, completed=done)


def visible(value: object, *, kept: str = "") -> str:
    """Return a value as text on one line, in which control characters show instead of steering the terminal.

    Those in `kept` stay as they are.
    """
    return _CONTROL.sub(lambda found: found[0] if found[0] in kept else ascii(found[0])[1:-1], str(value))


def sentence(error: object) -> str:
    """Return what an error says as a terminal may be given it, on the lines that it has, without credentials."""
    return visible(without_credentials(str(error)), kept="\n")
