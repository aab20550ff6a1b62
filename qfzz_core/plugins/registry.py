"""What the plugins of one engine registered, clashes settled: the one place where names meet objects."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Generic, TypeVar

import attrs

from qfzz_core.config import Config
from qfzz_core.contracts.analysers import Analyser
from qfzz_core.contracts.columns import Column
from qfzz_core.contracts.factors import Factor
from qfzz_core.contracts.filters import Filter
from qfzz_core.contracts.formats import Reader, Writer
from qfzz_core.contracts.histories import HistoryReader
from qfzz_core.contracts.learners import InteractionType, Learner
from qfzz_core.contracts.playlists import PlaylistReader
from qfzz_core.contracts.stores import StoreScheme
from qfzz_core.contracts.strategies import DiscoveryStrategy
from qfzz_core.errors import ConfigError, shown
from qfzz_core.hookspecs import Setup
from qfzz_core.model.genre_aliases import GenreAliases, checked_aliases
from qfzz_core.model.names import Similarity, normalise_genre
from qfzz_core.model.plain import own_text
from qfzz_core.plugins.faults import BrokenContractError, Faults, described, fault_in, several
from qfzz_core.plugins.loader import Loader
from qfzz_core.plugins.record import Origin, PluginRecord

T = TypeVar("T")

CONFIGURATION = Origin("configuration")
MOST_OBJECTS = 10_000  # of one hook: some iterators never end
MOST_SIMILAR = 100_000  # genres, and genres like one, likewise
GREATEST_WEIGHT = 1e300  # the largest float is 1.8e308: the sum of millions of such weights is still finite


# what identifies a track, or is made of what was heard
_NOT_HEARD = frozenset({"track_id", "title", "artist", "tempo", "location", "analysed_by", "analysis_failed"})


@attrs.frozen
class Registered(Generic[T]):
    """An object that a plugin registered, and where it came from.

    The rest is what the object said of itself when it was registered: asked again later, it might raise.
    """

    value: T
    origin: Origin
    built_in: bool = False
    name: str = ""
    options: type | None = None
    default: bool = False
    suffixes: tuple[str, ...] = ()
    one_track: bool = False


@attrs.frozen
class ObjectKind:
    """One kind of object: its word in messages, its check, and the attribute that is its name.

    `check` returns what is registered of a value, nearly always the value itself.
    """

    word: str
    check: Callable[[Any], Any]
    key: str = "name"

    def registered(self, value: Any, origin: Origin, *, built_in: bool = False) -> Registered[Any]:
        """Return an object as it is registered; raises what it raises, and `BrokenContractError`."""
        value = self.check(value)
        return Registered(
            value,
            origin,
            built_in,
            name=_checked_name(type(value).__name__, getattr(value, self.key)),
            options=getattr(value, "Options", None),
            default=bool(getattr(value, "default", False)),
            suffixes=tuple(map(own_text, getattr(value, "suffixes", ()))),
            one_track=getattr(value, "one_track", False) is True,
        )


def _checked_name(whose: str, name: Any) -> str:
    text = own_text(name)
    if not isinstance(text, str) or not text.strip():
        raise BrokenContractError(f"a {whose} needs a name, got {shown(name)}")
    return text


def _check_named(protocol: Any, methods: Iterable[str], value: Any) -> Any:
    name = own_text(getattr(value, "name", None))
    if not isinstance(name, str) or not name.strip():
        raise BrokenContractError(f"a {protocol.__name__} needs a name, got {value!r}")
    for method in methods:
        if not callable(getattr(value, method, None)):
            raise BrokenContractError(f'{protocol.__name__} "{name}" has no method {method}')
    _check_options(f'{protocol.__name__} "{name}"', getattr(value, "Options", None))
    return value


def _check_options(whose: str, options: Any) -> None:
    if options is not None and not (isinstance(options, type) and attrs.has(options)):
        raise BrokenContractError(f"{whose}: Options must be an attrs class, got {options!r}")


def _check_factor(value: Any) -> Any:
    _check_named(Factor, ["prepare"], value)
    weight, order = getattr(value, "weight", None), getattr(value, "order", 0)
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 <= weight <= GREATEST_WEIGHT:
        said = f"weight must be finite and 0 or more (and at most {GREATEST_WEIGHT:g})"
        raise BrokenContractError(f'Factor "{value.name}": {said}, got {weight!r}')
    if isinstance(order, bool) or not isinstance(order, (int, float)) or math.isnan(order):
        raise BrokenContractError(f'Factor "{value.name}": order must be a number, got {order!r}')
    return value


def _check_format(protocol: Any, methods: Iterable[str], value: Any) -> Any:
    _check_named(protocol, methods, value)
    suffixes: Any = getattr(value, "suffixes", None)
    if not isinstance(suffixes, (tuple, list)) or not all(map(_is_suffix, suffixes)):
        said = 'suffixes must be a tuple of strings in lower case, such as (".csv",)'
        raise BrokenContractError(f'{protocol.__name__} "{value.name}": {said}, got {suffixes!r}')
    return value


def _check_analyser(value: Any) -> Any:
    _check_named(Analyser, ["analyse"], value)
    fields: Any = getattr(value, "fields", None)
    if not isinstance(fields, (tuple, list)) or not fields or not all(_can_be_heard(name) for name in fields):
        said = 'fields must be a tuple of keys that can be heard, such as ("bpm", "energy")'
        raise BrokenContractError(f'Analyser "{value.name}": {said}, got {fields!r}')
    return value


def _can_be_heard(name: Any) -> bool:
    return isinstance(name, str) and bool(name.strip()) and name not in _NOT_HEARD


def _is_suffix(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(".") and value == value.lower()


def _check_instance(wanted: Any, value: Any) -> Any:
    """Return an object of the very class, made of what one of a class of the plugin's own says."""
    if not issubclass(type(value), wanted):
        raise BrokenContractError(f"expected objects of {wanted.__name__}, got {value!r}")
    if type(value) is wanted:
        return value
    return wanted(**{each.name: getattr(value, each.name) for each in attrs.fields(wanted)})


# The objects of each kind are registered by the hook `qfzz_` and its name here.
KINDS = {
    "factors": ObjectKind("factor", _check_factor),
    "columns": ObjectKind("column", partial(_check_instance, Column)),
    "filters": ObjectKind("filter", partial(_check_named, Filter, ["check", "prepare"])),
    "strategies": ObjectKind("strategy", partial(_check_named, DiscoveryStrategy, ["pick"])),
    "interaction_types": ObjectKind("interaction type", partial(_check_instance, InteractionType)),
    "learners": ObjectKind("learner", partial(_check_named, Learner, ["keys", "learn", "read"])),
    "stores": ObjectKind("store", partial(_check_instance, StoreScheme), key="scheme"),
    "readers": ObjectKind("reader", partial(_check_format, Reader, ["read"])),
    "analysers": ObjectKind("analyser", _check_analyser),
    "playlist_readers": ObjectKind("playlist reader", partial(_check_format, PlaylistReader, ["read"])),
    "history_readers": ObjectKind("history reader", partial(_check_format, HistoryReader, ["recognises", "read"])),
    "writers": ObjectKind("writer", partial(_check_format, Writer, ["write"])),
}


def _is_same(one: Column, other: Column) -> bool:
    try:
        return bool(one == other)
    except Exception:  # noqa: BLE001 - what stands for a missing value may be an array, or anything
        return False


def _read_similarity(given: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Return the pairs of a plugin, read once; raises what `Similarity` raises if they are none."""
    read: dict[str, list[str]] = {}
    for genre in several(given, MOST_SIMILAR):
        others = given[genre]
        if isinstance(others, str):
            Similarity([{genre: others}])
        read[own_text(genre)] = [own_text(other) for other in several(others, MOST_SIMILAR)]
    Similarity([read])  # raises here, not later, if the map is none
    return read


def _read_aliases(given: Mapping[str, str]) -> dict[str, str]:
    """Return the aliases of a plugin, read once; raises `TypeError` if they are none."""
    return checked_aliases({alias: given[alias] for alias in several(given, MOST_SIMILAR)})


@contextmanager
def _named_in_errors(hook: str) -> Iterator[None]:
    """Let what is raised say which hook of a plugin it was."""
    try:
        yield
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
        fault = fault_in(error)
        raise BrokenContractError(f"{hook}: {described(fault)}") from fault


class Registry:
    """The objects of one engine by name: `factors`, `columns`, `filters`, `strategies` and so on."""

    def __init__(self, loader: Loader, config: Config, faults: Faults) -> None:
        self._loader = loader
        self._config = config
        self._faults = faults
        self._found: dict[str, list[Registered[Any]]] = {kind: [] for kind in KINDS}
        self._similarity: list[Mapping[str, Iterable[str]]] = [config.similarity]
        self._aliases: list[tuple[PluginRecord, dict[str, str]]] = []
        self.setups: dict[str, Setup] = {}
        for record in loader.active():
            self._collect(record)
        self._found["columns"] += [KINDS["columns"].registered(column, CONFIGURATION) for column in config.columns]
        self.factors: dict[str, Registered[Factor]] = self._settled("factors")
        self.columns: dict[str, Registered[Column]] = self._settled("columns")
        self.filters: dict[str, Registered[Filter]] = self._settled("filters")
        self.strategies: dict[str, Registered[DiscoveryStrategy]] = self._settled("strategies")
        self.interaction_types: dict[str, Registered[InteractionType]] = self._settled("interaction_types")
        self.learners: dict[str, Registered[Learner]] = self._settled("learners")
        self.stores: dict[str, Registered[StoreScheme]] = self._settled("stores")
        self.readers: dict[str, Registered[Reader]] = self._settled("readers")
        self.analysers: dict[str, Registered[Analyser]] = self._settled("analysers")
        self.playlist_readers: dict[str, Registered[PlaylistReader]] = self._settled("playlist_readers")
        self.history_readers: dict[str, Registered[HistoryReader]] = self._settled("history_readers")
        self.writers: dict[str, Registered[Writer]] = self._settled("writers")
        self.similarity = Similarity(self._similarity)
        self.genre_aliases = self._settled_aliases()
        self._settle_where()  # last: a filter that lost its own name clashes with no column

    # -- collecting

    def _collect(self, record: PluginRecord) -> None:
        """Take what one plugin registers: all of it, or nothing if any of its hooks fails."""
        try:
            setup = Setup(plugin=record.name, options=self._plugin_options(record))
            objects = {kind: self._objects(record, kind, setup) for kind in KINDS}
            with _named_in_errors("qfzz_genre_similarity"):
                similar = _read_similarity(self._loader.call(record, "qfzz_genre_similarity", setup=setup) or {})
            with _named_in_errors("qfzz_genre_aliases"):
                aliases = _read_aliases(self._loader.call(record, "qfzz_genre_aliases", setup=setup) or {})
        except ConfigError:
            raise
        except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
            self._loader.reject(record, "failed to register", fault_in(error))
            return
        self.setups[record.name] = setup
        self._similarity.append(similar)
        self._aliases.append((record, aliases))
        # Only now: of a plugin whose last hook fails, no object may stay.
        for kind, found in objects.items():
            self._found[kind] += found
            record.objects += [f"{KINDS[kind].word} {registered.name}" for registered in found]

    def _plugin_options(self, record: PluginRecord) -> Any:
        with _named_in_errors("qfzz_options"):
            options = self._loader.call(record, "qfzz_options")
            _check_options("a plugin", options)
        raw = self._config.plugins.get(record.name)
        if options is None and raw is None:
            return None
        return self._config.structure(("plugins", record.name), raw or {}, options)

    def _objects(self, record: PluginRecord, kind: str, setup: Setup) -> list[Registered[Any]]:
        with _named_in_errors(hook := f"qfzz_{kind}"):
            given = self._loader.call(record, hook, setup=setup)
            values = [] if given is None else list(several(given, MOST_OBJECTS))
            return [KINDS[kind].registered(value, record.origin, built_in=record.built_in) for value in values]

    # -- clashes

    def _settled(self, kind: str) -> dict[str, Registered[Any]]:
        by_name: dict[str, list[Registered[Any]]] = {}
        for registered in self._found[kind]:
            by_name.setdefault(registered.name, []).append(registered)
        winners = {name: self._winner(KINDS[kind].word, name, same) for name, same in by_name.items()}
        return {name: winner for name, winner in winners.items() if winner is not None}

    def _winner(self, word: str, name: str, same: list[Registered[Any]]) -> Registered[Any] | None:
        """Return the one that keeps the name: the built-in if there is one, none of several others."""
        if len(same) == 1 or (word == "column" and all(_is_same(other.value, same[0].value) for other in same)):
            return same[0]
        built_in = [registered for registered in same if registered.built_in]
        everyone = " and ".join(sorted(str(registered.origin) for registered in same))
        for registered in same:
            if registered not in built_in:
                self._clash(registered, f'{word} "{name}"', f"the name is used by {everyone}")
        return built_in[0] if built_in else None

    def _settled_aliases(self) -> GenreAliases:
        """Return all aliases: the configuration's before those that are built in, those before others that agree."""
        others: dict[str, str] = {}
        clashing: set[str] = set()
        for record, aliases in self._aliases:
            for alias, genre in () if record.built_in else aliases.items():
                form = normalise_genre(alias)
                if normalise_genre(others.setdefault(form, genre)) != normalise_genre(genre):
                    clashing.add(form)
        agreed = {form: genre for form, genre in others.items() if form not in clashing}
        built_in = (aliases for record, aliases in self._aliases if record.built_in)
        return GenreAliases([agreed, *built_in, self._config.genre_aliases])

    def _clash(self, registered: Registered[Any], component: str, reason: str) -> None:
        for record in self._loader.records:
            if record.origin == registered.origin:
                record.problems.append(f"{component} clashes: {reason}")
        self._faults.report(registered.origin, component, reason)

    def _settle_where(self) -> None:
        """Filters and columns share the names of `where`: a filter must not be called like a column."""
        named: tuple[dict[str, Registered[Any]], ...] = (self.filters, self.columns)
        for name in sorted(self.filters.keys() & self.columns.keys()):
            everyone = " and ".join(sorted(str(kind[name].origin) for kind in named))
            for kind in named:
                if not kind[name].built_in:
                    reason = f"a filter and a column have the name: {everyone}"
                    self._clash(kind.pop(name), f'name "{name}" in where', reason)
