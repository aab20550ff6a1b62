"""The options that say what a list should be like: preferences, conditions, and how many of what."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from qfzz_core.errors import RequestError
from qfzz_core.model.profiles import PREFERENCE_FIELDS, TEMPO_PREFERENCES

if TYPE_CHECKING:
    from qfzz_core.plugins.registry import Registry
    from qfzz_core.recommend.query import CommonKeywords

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_NAME_WEIGHT = re.compile(r"[^=]+=\s*[0-9.]+")

_DISLIKED = "disliked"


# ---- options --------------------------------------------------------------------------------------------------------


def _weights(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, float]:
    """Return names and numbers of `NAME=WEIGHT`; the name may hold `=` itself, as the artist of "+/-=0.5" would."""
    weights: dict[str, float] = {}
    for value in values:
        name, _, weight = value.rpartition("=")
        _refuse_several(ctx, param, value)
        if name in weights:
            raise click.BadParameter(f"{name!r} is given twice", ctx, param)
        try:
            weights[name] = float(weight)
        except ValueError:
            raise click.BadParameter(f"{value!r} is not NAME=WEIGHT, such as jazz=0.9", ctx, param) from None
    return weights


def _refuse_several(ctx: click.Context, param: click.Parameter, value: str) -> None:
    """Refuse what reads as several names with weights; a name may hold a comma, and "=" too, but not both like this."""
    parts = value.split(",")
    if len(parts) > 1 and all(_NAME_WEIGHT.fullmatch(part.strip()) for part in parts):
        meant = " ".join(shlex.join([param.opts[0], part.strip()]) for part in parts)
        raise click.BadParameter(f"{value!r} is one name; for several, repeat the option: {meant}", ctx, param)


def _name_values(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, list[str]]:
    """Return all the values of each name of `NAME=VALUE`."""
    given: dict[str, list[str]] = {}
    for each in values:
        name, equals, value = each.partition("=")
        if not name or not equals:
            raise click.BadParameter(f"{each!r} is not NAME=VALUE, such as genre=jazz", ctx, param)
        given.setdefault(name, []).append(value)
    return given


def _all_of(*options: Callable[[Decorated], Decorated]) -> Callable[[Decorated], Decorated]:
    """Return a decorator that adds options, in the order in which the help shows them."""

    def decorated(function: Decorated) -> Decorated:
        for option in reversed(options):
            function = option(function)
        return function

    return decorated


def _weight_option(name: str, example: str) -> Callable[[Decorated], Decorated]:
    help_text = f'How much to like this {name}, 0 to 1: "{example}". Repeatable.'
    return click.option(
        f"--{name}", f"{name}s", multiple=True, metavar="NAME=WEIGHT", callback=_weights, help=help_text
    )


preference_options = _all_of(
    _weight_option("genre", "jazz=0.9"),
    _weight_option("artist", "Nina Simone=0.8"),
    _weight_option("mood", "calm=0.7"),
    click.option("--energy", "energy_level", type=float, metavar="0..1", help="The energy to prefer."),
    click.option("--tempo", "tempo_preference", type=click.Choice(TEMPO_PREFERENCES), help="The tempo to prefer."),
    click.option("--discovery", "discovery_factor", type=float, metavar="0..1", help="How much to be surprised."),
)

request_options = _all_of(
    click.option("--seed", type=int, metavar="N", help="Draw the same surprises again."),
    preference_options,
    click.option("--exclude", multiple=True, metavar="ID", help="A track to leave out. Repeatable."),
    click.option(
        "--where",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_name_values,
        help='Only such tracks: "genre=jazz", "energy=0.2..0.8", "heard_within_days=30". Repeatable.',
    ),
    # 28,352 Spotify tracks, a listener who likes rock and Queen: without a limit all 20 tracks are by Queen; 3 of each
    # artist give 16 artists, and the last track scores 0.719 of the first one's 0.825, as it does with 2 or 5
    click.option(
        "--max-per-artist",
        type=click.IntRange(min=0),
        default=3,
        metavar="N",
        show_default=True,
        help="At most so many tracks of one artist; 0 for any number.",
    ),
    click.option("--distinct/--no-distinct", default=True, show_default=True, help="Each artist and work once."),
    click.option("--exact-titles", is_flag=True, help="Editions of one work, such as a remaster, are two."),
)


# ---- what the engine takes ------------------------------------------------------------------------------------------


def given_preferences(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the preferences that were given, under the names of a profile's fields."""
    return {field: values[field] for field in PREFERENCE_FIELDS if values[field] not in (None, {})}


def list_keywords(registry: Registry, values: Mapping[str, Any]) -> CommonKeywords:
    """Return the engine's keywords from the values of `request_options`.

    What was disliked is left out unless `where` says otherwise. Several values of one column are alternatives. Raises
    `RequestError` for what cannot be read; the engine refuses names that do not exist.
    """
    where = {name: _condition(registry, name, strings) for name, strings in values["where"].items()}
    if _DISLIKED in registry.filters:
        where.setdefault(_DISLIKED, False)
    return {
        "exclude": values["exclude"],
        "where": where,
        "max_per_artist": values["max_per_artist"] or None,
        "distinct": "exact" if values["distinct"] and values["exact_titles"] else values["distinct"],
    }


def _condition(registry: Registry, name: str, strings: list[str]) -> Any:
    # a filter may have the name of a column, and is then the one that `where` means
    column = None if name in registry.filters else registry.columns.get(name)
    kind = column and column.value.kind
    if kind in ("category", "tags"):
        return strings
    if kind == "number":
        # a list is alternatives, a tuple a range
        return [_number(name, each) for each in strings] if len(strings) > 1 else _number_or_range(name, strings[0])
    if len(strings) > 1:
        raise RequestError(f"where: {name} is given {len(strings)} times; give it once")
    return _literal(strings[0])


def _number_or_range(name: str, value: str) -> Any:
    low, dots, high = value.partition("..")
    if not dots:
        return _number(name, value)
    return tuple(_number(name, end) if end.strip() else None for end in (low, high))


def _number(name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise RequestError(f"where: {name} takes a number or a range such as 0.2..0.8, got {value!r}") from None


def _literal(value: str) -> Any:
    """Return what a string says in JSON ("true", "30"), or the string itself."""
    try:
        return json.loads(value)
    except ValueError:
        return value
