"""What commands have in common: how one is made, and its options. Imports nothing but click, for a quick start."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from qfzz_core.cli.session import Session


def session_of(ctx: click.Context) -> Session:
    """Return the session of this invocation, which every command gets as its object."""
    from qfzz_core.cli.session import Session

    return ctx.find_root().ensure_object(Session)


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value and param.name:
        setattr(session_of(ctx), param.name, value)


def _global(name: str, help_text: str, **settings: Any) -> click.Option:
    # eager, because `--help` lists the commands of the plugins that the configuration leaves active
    return click.Option([name], is_eager=True, expose_value=False, callback=_remember, help=help_text, **settings)


# They stand before the command or after it.
GLOBAL_OPTIONS: tuple[click.Parameter, ...] = (
    _global("--store", "The store, such as sqlite:///music.db [env QFZZ_STORE].", metavar="URL"),
    _global("--config", "The configuration file [env QFZZ_CONFIG].", metavar="FILE"),
    _global("--debug", "Show the log, and errors with full tracebacks.", is_flag=True),
)
_JSON_OPTION = click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON document.")

_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)\s*(k|m|g|)b?", re.IGNORECASE | re.ASCII)
_UNITS = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}

_Function = Callable[..., Any]


def _keeping_stdout(function: _Function) -> _Function:
    """Return the function of a command during which only the command itself writes to stdout, and no plugin."""

    @wraps(function)
    def kept(*args: Any, **values: Any) -> Any:
        from qfzz_core.cli.output import others_print_to_stderr

        with others_print_to_stderr():
            return function(*args, **values)

    return kept


def command(
    group: click.Group | None = None, name: str | None = None, *, json: bool = True
) -> Callable[[_Function], click.Command]:
    """Make a function a command, of a group if one is given, that gets the session.

    It takes the global options and, unless `json` is False, the option --json, which the function gets as `as_json`.
    """

    def made(function: _Function) -> click.Command:
        make = click.command if group is None else group.command
        new: click.Command = make(name)(click.pass_obj(_keeping_stdout(function)))
        new.params.extend([_JSON_OPTION, *GLOBAL_OPTIONS] if json else GLOBAL_OPTIONS)
        return new

    return made


def listing_group(function: _Function) -> click.Group:
    """Make a function a group that is a command, as `command` makes one, when no subcommand is given."""
    new: click.Group = click.group(invoke_without_command=True)(click.pass_obj(_keeping_stdout(function)))
    new.params.extend([_JSON_OPTION, *GLOBAL_OPTIONS])
    return new


def size(text: str | int) -> int:
    """Return the number of a text that may have a unit of thousands, such as 64K, 4M or 1.5MB."""
    found = _SIZE.fullmatch(str(text))
    number = int(float(found[1]) * _UNITS[found[2].lower()]) if found else 0
    if number < 1:
        raise click.BadParameter(f"{text!r} is no size such as 500K, 4M or 1G")
    return number


def limit_option(least: int) -> Callable[[_Function], _Function]:
    """Return the option -n, at least `least`."""
    settings: dict[str, Any] = {"type": click.IntRange(min=least), "default": 20, "show_default": True}
    return click.option("-n", "--limit", metavar="N", help="How many tracks.", **settings)
