"""Options that several commands have. Imports nothing but click: it is loaded before it is known what will run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from qfzz_core.cli.session import Session

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

limit_option = click.option(
    "-n", "--limit", type=click.IntRange(min=0), default=20, show_default=True, metavar="N", help="How many tracks."
)
seed_option = click.option("--seed", type=int, metavar="N", help="Draw the same surprises again.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


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


def command(group: click.Group | None = None, name: str | None = None) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function a command, of a group if one is given, that gets the session and takes the global options."""

    def made(function: Callable[..., Any]) -> click.Command:
        register = click.command(name) if group is None else group.command(name)
        new: click.Command = register(click.pass_obj(function))
        new.params.extend(GLOBAL_OPTIONS)
        return new

    return made


def listing_group(function: Callable[..., Any]) -> click.Group:
    """Make a function a group that does something by itself too; it gets the session and takes the global options."""
    new: click.Group = click.group(invoke_without_command=True)(click.pass_obj(function))
    new.params.extend(GLOBAL_OPTIONS)
    return new


# ---- NAME=WEIGHT ----------------------------------------------------------------------------------------------------

_FIELDS = {
    "genre": "genres",
    "artist": "artists",
    "mood": "moods",
    "energy": "energy_level",
    "tempo": "tempo_preference",
    "discovery": "discovery_factor",
}


def _weights(ctx: click.Context, param: click.Parameter, texts: tuple[str, ...]) -> dict[str, float]:
    """Return names and numbers of `NAME=WEIGHT`; the name may hold `=` itself."""
    weights: dict[str, float] = {}
    for text in texts:
        name, _, weight = text.rpartition("=")
        if name in weights:
            raise click.BadParameter(f"{name!r} is given twice", ctx, param)
        try:
            weights[name] = float(weight)
        except ValueError:
            raise click.BadParameter(f"{text!r} is not NAME=WEIGHT, such as jazz=0.9", ctx, param) from None
    return weights


def name_values(ctx: click.Context, param: click.Parameter, texts: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return names and texts of `NAME=VALUE`, for an option's callback."""
    pairs = [text.partition("=") for text in texts]
    for text, (name, equals, _) in zip(texts, pairs, strict=True):
        if not name or not equals:
            raise click.BadParameter(f"{text!r} is not NAME=VALUE, such as genre=jazz", ctx, param)
    return [(name, value) for name, _, value in pairs]


def list_options(function: Decorated) -> Decorated:
    """Add the options that say which tracks may be on a list, under the names of the engine's keywords."""
    for option in (
        click.option(
            "--distinct/--no-distinct", default=True, show_default=True, help="The same artist and title once."
        ),
        click.option(
            "--max-per-artist",
            type=click.IntRange(min=0),
            default=3,
            metavar="N",
            show_default=True,
            help="How many tracks of one artist; 0 for any number.",
        ),
        click.option(
            "--where",
            multiple=True,
            metavar="NAME=VALUE",
            callback=name_values,
            help='Only such tracks: "genre=jazz", "energy=0.2..0.8", "heard_within_days=30". Repeatable.',
        ),
        click.option("--exclude", multiple=True, metavar="ID", help="A track to leave out. Repeatable."),
    ):
        function = option(function)
    return function


def preference_options(function: Decorated) -> Decorated:
    """Add the options that `given_preferences` reads."""
    from qfzz_core.model.profiles import TEMPO_PREFERENCES

    for option in (
        click.option("--discovery", type=float, metavar="0..1", help="How much to be surprised."),
        click.option("--tempo", type=click.Choice(TEMPO_PREFERENCES), help="The tempo to prefer."),
        click.option("--energy", type=float, metavar="0..1", help="The energy to prefer."),
        _weight_option("mood", "calm=0.7"),
        _weight_option("artist", "Nina Simone=0.8"),
        _weight_option("genre", "jazz=0.9"),
    ):
        function = option(function)
    return function


def _weight_option(name: str, example: str) -> Callable[[Decorated], Decorated]:
    return click.option(
        f"--{name}",
        multiple=True,
        metavar="NAME=WEIGHT",
        callback=_weights,
        help=f'How much to like this {name}, 0 to 1: "{example}". Repeatable.',
    )


def given_preferences(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the preferences that were given, under the names of a profile's fields."""
    return {field: values[name] for name, field in _FIELDS.items() if values[name] not in (None, {})}
