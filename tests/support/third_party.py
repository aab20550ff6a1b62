"""Third-party plugins, passed in code, and a catalogue small enough to see through."""

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

import attrs

from qfzz import PersonalizedDJ
from qfzz_core import Config, Factor, Pick, Ranking, Request, TrackFunction, hookimpl

ONLY_RANKED = {"discovery_factor": 0.0}
BUILT_IN_FACTORS = ("genre", "artist", "energy", "tempo", "mood")


def plugin(name: str, **hooks: Callable[..., Any]) -> ModuleType:
    """A plugin that is a module: `plugin("mine", qfzz_factors=lambda: [...])`."""
    module = ModuleType(name)
    for hook, function in hooks.items():
        setattr(module, hook, hookimpl(function))
    return module


@attrs.frozen
class Palette:
    """Options of a plugin, a factor, a strategy or a store."""

    colour: str = "blue"
    depth: int = 3


@attrs.frozen
class Scoring:
    """A factor whose `prepare` is given."""

    name: str
    prepare: Callable[[Request], Any]
    weight: float = 1.0


@attrs.frozen
class Letting:
    """A filter whose `prepare` and `check` are given."""

    name: str
    prepare: Callable[[Request, Any], Any]
    check: Callable[[Any], Any] = lambda option: None


@attrs.frozen
class Choosing:
    """A strategy whose `pick` is given."""

    name: str
    pick: Callable[[Request, Ranking], Any]


@attrs.frozen
class Learning:
    """A learner whose methods are given; by default it counts the feedback on each track."""

    name: str
    learn: Callable[[Any, Any, str], Any] = lambda state, event, key: (state or 0) + 1
    keys: Callable[[Any], Any] = lambda event: [event.interaction.track_id] if event.interaction else []
    read: Callable[[Any], Any] = lambda state: float(state or 0)


def factors(name: str, *made: Factor) -> ModuleType:
    """A plugin that registers these factors."""
    return plugin(name, qfzz_factors=lambda: made)


def scoring(name: str, prepare: Callable[[Request], Any], weight: float = 1.0) -> ModuleType:
    """A plugin with one factor of the same name."""
    return factors(name, Scoring(name, prepare, weight))


def each_track(function: Callable[[Mapping[str, Any]], float]) -> Callable[[Request], TrackFunction]:
    """The `prepare` of a factor that is a function of one track."""
    return lambda request: TrackFunction(function=function)


def choosing(name: str, pick: Callable[[Request, Ranking], Any]) -> ModuleType:
    """A plugin with one strategy of the same name."""
    return plugin(name, qfzz_strategies=lambda: [Choosing(name, pick)])


def letting(name: str, prepare: Callable[[Request, Any], Any], **check: Any) -> ModuleType:
    """A plugin with one filter of the same name."""
    return plugin(name, qfzz_filters=lambda: [Letting(name, prepare, **check)])


def best(request: Request, ranking: Ranking) -> Sequence[Pick]:
    """The simplest `pick` there is: the best-ranked."""
    return [Pick(rank) for rank in range(1, len(ranking.take(request.limit)) + 1)]


def track(track_id: str, **fields: Any) -> dict[str, Any]:
    """A track that is like all others but for `fields`."""
    plain = {"title": track_id, "artist": "ABBA", "genre": "pop", "mood": "calm", "energy": 0.5, "tempo": "medium"}
    return {"track_id": track_id, **plain, "duration": 180, **fields}


def tracks(count: int = 6) -> list[dict[str, Any]]:
    """Tracks t0, t1, ... of which a default profile likes each less than the one before."""
    return [track(f"t{n}", artist=f"Artist {n}", energy=0.5 + n / (2 * count), year=1960 + n) for n in range(count)]


def dj_with(
    *plugins: Any, content: Sequence[dict[str, Any]] | None = None, seed: int = 1, **config: Any
) -> PersonalizedDJ:
    """A DJ with these plugins and a catalogue; further arguments are the configuration."""
    dj = PersonalizedDJ(plugins=plugins, config=Config.from_dict(config), seed=seed)
    dj.add_content(tracks() if content is None else content)
    return dj


def ids(dj: PersonalizedDJ, user_id: str = "u", **arguments: Any) -> list[str]:
    """The ids of what is recommended, in the order of the ranking unless preferences are given."""
    preferences = arguments.pop("preferences", ONLY_RANKED)
    return [each["track_id"] for each in dj.recommend(user_id, preferences, **arguments)]


def values(dj: PersonalizedDJ, factor: str, user_id: str = "u", **arguments: Any) -> dict[str, float]:
    """What a factor says of every track, by track id."""
    found = dj.engine.recommend(user_id, ONLY_RANKED, **arguments)
    parts = {each.track["track_id"]: each.explanation.factors for each in found}
    return {track_id: value_of(parts[track_id], factor) for track_id in sorted(parts)}


def value_of(parts: Sequence[Any], factor: str) -> float:
    """What one factor says in an explanation."""
    (found,) = [part.value for part in parts if part.name == factor]
    return float(found)


def explained(dj: PersonalizedDJ, track_id: str = "t0", **arguments: Any) -> list[str]:
    """The names of the factors in the explanation of a track."""
    return [part.name for part in dj.explain("u", track_id, **arguments).factors]


def record(dj: PersonalizedDJ, name: str) -> Any:
    """The record of the one plugin of this name."""
    (found,) = [each for each in dj.engine.plugins if each.name == name]
    return found
