"""Everything public that can be called, found by looking, with arguments that are valid for each."""

from __future__ import annotations

import inspect
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from typing import Any

import attrs

import qfzz_core
from qfzz import PersonalizedDJ, UserProfile
from qfzz_core import Columns, Config, Engine, PluginWarning, QfzzError, load_config
from qfzz_core.model.weights import Weights

TRACK = {
    "track_id": "t1",
    "title": "Take Five",
    "artist": "Dave Brubeck",
    "genre": "jazz",
    "mood": "calm",
    "energy": 0.5,
    "tempo": "slow",
    "duration": 324,
    "creator_id": "c1",
    "extra": {"year": [1959]},
}
PREFERENCES = {
    "genres": {"jazz": 0.9},
    "artists": {"Nina Simone": 0.5},
    "moods": {"calm": 0.5},
    "energy_level": 0.5,
    "tempo_preference": "slow",
    "discovery_factor": 0.3,
}
INTERACTION = {"track_id": "t1", "type": "play", "rating": 0.5, "timestamp": "2026-01-31T09:30:00+00:00", "more": [1]}
WHERE = {"genre": ["jazz"], "energy": [0.5], "disliked": False, "heard_within_days": 30, "heard_within_plays": 2}
SETTINGS = {
    "seed": 1,
    "strict": False,
    "store": {"url": "memory:"},
    "catalogue": {"cache": False},
    "factors": {"genre": {"weight": 0.3, "match": "graded"}},
    "discovery": {"strategy": "split", "pool_depth": 10},
    "genres": {"aliases": {"jass": "jazz"}},
    "similarity": {"jazz": ["blues"]},
    "columns": {"year": {"kind": "number", "missing": 0.0}},
    "plugins": {"disable": ["trust"], "files": [], "give_up_after": 10, "factor_seconds": 1.0},
}

MOMENT = "2026-01-31T09:30:00+00:00"
EVENT = {
    "user_id": "ann",
    "track_id": "t1",
    "interaction_type": "like",
    "rating": 0.5,
    "event_id": None,
    "timestamp": MOMENT,
}
DOCUMENT = {
    "user_id": "ann",
    **PREFERENCES,
    "interaction_history": [INTERACTION],
    "created_at": MOMENT,
    "updated_at": MOMENT,
}

# What is valid for a parameter of a name, wherever it is. A new public function whose parameters are all known by name
# is tried without being listed.
VALID: dict[str, Any] = {
    "user_id": "ann",
    "user_ids": ["ann"],
    "track_id": "t1",
    "track_ids": ["t1"],
    "interaction_type": "like",
    "rating": 0.5,
    "event_id": None,
    "timestamp": MOMENT,
    "events": [EVENT],
    "creator_id": "c1",
    "artist": "Nina Simone",
    "genre": "jazz",
    "mood": "calm",
    "weight": 0.5,
    "limit": 3,
    "threads": 1,
    "preferences": PREFERENCES,
    "initial_preferences": PREFERENCES,
    "exclude": ["t2"],
    "where": WHERE,
    "max_per_artist": 2,
    "distinct": False,
    "context": {"hour": [9]},
    "tracks": [TRACK],
    "interaction": INTERACTION,
    "interaction_history": [INTERACTION],
    "learner": "trust",
    "key": "creator:c1",
    "seed": 1,
    "store": "memory:",
    "config": None,
    "plugins": [],
    "installed": [],
    "clock": None,
    "mapping": SETTINGS,
    "path": "missing.toml",
    "values": DOCUMENT,
    "name": "jazz",
    "default": 0.5,
    "progress": None,
    "args": {"jazz": 0.5},
    "other": {"jazz": 0.5},
}


@attrs.frozen
class Call:
    """Something that can be called, with valid arguments by parameter; `errors` are allowed beside our own."""

    name: str
    function: Callable[..., Any]
    valid: Mapping[str, Any]
    errors: tuple[type[Exception], ...] = ()

    def made(self, arguments: Mapping[str, Any]) -> None:
        """Call it, read what it gives to the end, and enter a context; raises what it raises, and a warning as well."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            given = self.function(**arguments)
            if isinstance(given, Iterator):
                list(islice(given, 50))
            elif isinstance(given, (Engine, PersonalizedDJ)):
                given.close()
            elif isinstance(given, AbstractContextManager) and type(given).__module__ == "contextlib":
                with given as profile:
                    profile.genres["blues"] = 0.5

    def raised(self, arguments: Mapping[str, Any]) -> Exception | None:
        """Return what the call raises, if it does."""
        try:
            self.made(arguments)
        except Exception as error:  # noqa: BLE001 - anything may be raised; that is what is looked for
            return error
        return None

    def allows(self, error: Exception | None) -> bool:
        """Return whether the call may raise this."""
        return error is None or isinstance(error, (QfzzError, *self.errors))


class World:
    """A DJ with some tracks and users, and what of it can be called."""

    def __init__(self, store: str = "memory:") -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.dj = PersonalizedDJ(store=store.replace("{directory}", self.directory.name), seed=1)
        self.dj.add_content([{**TRACK, "track_id": f"t{number}", "energy": number / 9} for number in range(1, 8)])
        self.profile = self.dj.get_or_create_profile("ann", {"genres": {"jazz": 0.9, "rock": 0.1}})
        for number in range(1, 4):
            self.dj.record_feedback("ann", f"t{number}", "play")

    def close(self) -> None:
        """Release the store."""
        self.dj.close()
        self.directory.cleanup()

    def state(self) -> tuple[Any, ...]:
        """Return everything that a call which raises must leave as it is."""
        store = self.dj.engine.store
        users = tuple((user_id, store.revision(user_id)) for user_id in store.user_ids())
        shown = repr([getattr(self.profile, field) for field in (*PREFERENCES, "created_at", "updated_at")])
        return users, store.catalogue_token(), shown

    def calls(self) -> list[Call]:
        """Return everything that can be called: methods, constructors, assignments and functions."""
        detached = UserProfile("ann", {"jazz": 0.5})
        found = [*methods("dj", self.dj), *methods("engine", self.dj.engine)]
        for name, profile in (("live profile", self.profile), ("detached profile", detached)):
            found += [*methods(name, profile, dir(UserProfile)), *assignments(name, profile)]
            found += methods(f"genres of a {name}", profile.genres, vars(Weights), (KeyError,))
        return [*found, *functions()]


# Nothing of a caller comes into them.
_LEFT_OUT = {"write_tracks": "the stream is of tracks that are valid already, as its contract says"}


def methods(owner: str, value: Any, names: Any = None, errors: tuple[type[Exception], ...] = ()) -> Iterator[Call]:
    """Iterate the public methods of an object that take arguments; of a mapping those that write, by these names."""
    written = {"__setitem__", "__delitem__", "__ior__"} if names is not None else set()
    for name in sorted(dir(type(value)) if names is None else names):
        method = getattr(type(value), name, None)
        if (name.startswith("_") and name not in written) or name in _LEFT_OUT or not inspect.isroutine(method):
            continue
        yield from _with_valid(f"{name} of {owner}", getattr(value, name), errors)


def assignments(owner: str, profile: UserProfile) -> Iterator[Call]:
    """Iterate the assignments to the attributes of a profile."""
    for field in attrs.fields(UserProfile):
        valid = {**PREFERENCES, "interaction_history": [INTERACTION]}.get(field.name, "2027-01-31T09:30:00+00:00")
        yield Call(f"assign {field.name} of {owner}", _assigning(profile, field.name), {"value": valid})


def _assigning(profile: UserProfile, field: str) -> Callable[[Any], None]:
    return lambda value: setattr(profile, field, value)


def functions() -> Iterator[Call]:
    """Iterate constructors, and the functions that make something of a caller's data."""
    yield Call("UserProfile", UserProfile, DOCUMENT)
    # what is no plugin is reported and left out, by a warning
    yield from _with_valid("PersonalizedDJ", PersonalizedDJ, (PluginWarning,))
    yield from _with_valid("Engine", Engine, (PluginWarning,))
    yield from _with_valid("load_config", load_config)
    yield from _with_valid("Config.from_dict", Config.from_dict)
    yield Call("rows of columns", qfzz_core.Columns({}, 3).rows, {"track_ids": ["t1"]})
    yield from declarations()


def declarations() -> Iterator[Call]:
    """Iterate the classes of which plugins declare what they have; none of their arguments is needed to be known.

    Columns are given to plugins, which make none.
    """
    for name in sorted(qfzz_core.__all__ if hasattr(qfzz_core, "__all__") else dir(qfzz_core)):
        value = getattr(qfzz_core, name)
        if inspect.isclass(value) and attrs.has(value) and value not in (UserProfile, Config, Columns):
            fields = {field.alias: _DECLARED.get(field.name) for field in attrs.fields(value) if field.init}
            yield Call(f"{name}()", value, fields)


_DECLARED: dict[str, Any] = {
    "genres": {"jazz": 0.5},
    "artists": {"jazz": 0.5},
    "moods": {"jazz": 0.5},
    "name": "year",
    "kind": "number",
    "compare": "name",
    "scheme": "memory",
    "strength": 0.5,
    "judgement": None,
    "heard": False,
    "column": "genre",
    "exclude": False,
}


def _with_valid(name: str, function: Any, errors: tuple[type[Exception], ...] = ()) -> Iterator[Call]:
    parameters = inspect.signature(function).parameters.values()
    named = [each for each in parameters if each.kind is not each.VAR_KEYWORD]
    unknown = [each.name for each in named if each.name not in VALID]
    if unknown:
        raise LookupError(f"{name}: say in VALID what is valid for {', '.join(unknown)}")
    if not named:
        return
    valid = {each.name: VALID[each.name] for each in named if VALID[each.name] is not None or each.default is not None}
    by_position = any(each.kind in (each.VAR_POSITIONAL, each.POSITIONAL_ONLY) for each in named)
    positional = [each.name for each in named if by_position and each.kind is not each.KEYWORD_ONLY]
    yield Call(name, _spread(function, positional), valid, errors)


def _spread(function: Any, positional: list[str]) -> Callable[..., Any]:
    """Return the function with parameters of these names that can only be given by position."""
    if not positional:
        return function  # type: ignore[no-any-return]
    return lambda **given: function(*[given.pop(name) for name in positional if name in given], **given)


def written_toml(directory: Path, text: str) -> Path:
    """Return a configuration file that holds a text."""
    file = directory / "qfzz.toml"
    file.write_text(text, "utf-8", "surrogatepass")
    return file
