"""Errors as the user of a command sees them: a sentence on stderr and an exit code."""

from __future__ import annotations

import errno
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from qfzz_core.cli.output import sentence, visible
from qfzz_core.cli.session import Session
from qfzz_core.errors import PluginWarning, QfzzError

INTERRUPTED = 130  # 128 + SIGINT, as shells report it


@contextmanager
def reported(session: Session) -> Iterator[None]:
    """Turn errors into sentences with exit code 1, Ctrl-C into exit code 130, warnings of plugins into lines.

    With `debug` every error is raised as it is, and the log goes to stderr.
    """
    with warnings_as_lines(), _log_shown(session):
        try:
            yield
        except (KeyboardInterrupt, click.Abort) as error:
            # a prompt turns Ctrl-C into the same exception as the end of its input
            if isinstance(error, click.Abort) and not isinstance(error.__context__, KeyboardInterrupt):
                raise
            click.echo("Interrupted.", err=True)
            raise click.exceptions.Exit(INTERRUPTED) from None
        except click.ClickException as error:
            make_visible(error)
            raise
        except click.exceptions.Exit:
            raise
        except Exception as error:
            # nobody reads the output any more, as in `qfzz ... | head`: click ends silently then
            broken_pipe = isinstance(error, OSError) and error.errno == errno.EPIPE
            if session.debug or broken_pipe:
                raise
            raise click.ClickException(sentence(_said(error))) from error


def make_visible(error: click.ClickException) -> None:
    """Let an error of click say what it says as a terminal may be given it."""
    vars(error)["message"] = sentence(error.message)  # which it declares as final


def _said(error: Exception) -> str:
    if isinstance(error, QfzzError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        place = "" if error.filename is None else f"{error.filename}: "
        return f"{place}{error.strerror}"
    return f"unexpected {type(error).__name__}: {error} (--debug shows where)"


@contextmanager
def warnings_as_lines() -> Iterator[None]:
    """Write each `PluginWarning` as one line on stderr."""
    with warnings.catch_warnings():
        # by default Python shows a warning once for each line of code, and all come from the same line
        warnings.simplefilter("always", PluginWarning)
        others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any, **rest: Any) -> None:
            if issubclass(category, PluginWarning):
                click.echo(f"warning: {visible(sentence(message))}", err=True)
            else:
                others(message, category, *place, **rest)

        warnings.showwarning = show
        yield


class _LogLines(logging.Formatter):
    """Writes records as a terminal may be given them."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record."""
        return sentence(super().format(record))


@contextmanager
def _log_shown(session: Session) -> Iterator[None]:
    """Write the library's log to stderr if `debug` is on, which the options of the command may still turn on."""
    handler = logging.StreamHandler()
    handler.setFormatter(_LogLines("%(levelname)s %(name)s: %(message)s"))
    handler.addFilter(lambda record: session.debug)
    logger = logging.getLogger("qfzz")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
