"""QFZZ as a contestant: the one module that reaches behind the public API, to measure the ranking by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import attrs
import numpy as np

from benchmarks.ranking.catalogue import Catalogue, Rows
from benchmarks.ranking.listeners import Listener
from qfzz import PersonalizedDJ
from qfzz_core import Config, Engine
from qfzz_core.catalogue.columns import NumberLevels
from qfzz_core.catalogue.delta import all_base
from qfzz_core.catalogue.snapshot import Segment, Snapshot, Table
from qfzz_core.contracts.columns import AnyColumn, CategoryColumn, Columns, NumberColumn, narrow
from qfzz_core.contracts.request import Request
from qfzz_core.contracts.stores import CatalogueToken
from qfzz_core.model.names import NORMALISERS, exact
from qfzz_core.model.strings import StringIndex
from qfzz_core.model.tracks import TEMPOS, Track
from qfzz_core.model.vocabulary import Vocabulary
from qfzz_core.ranking import planner
from qfzz_core.ranking.index import result_cache
from qfzz_core.ranking.index.result_cache import ResultCache
from qfzz_core.recommend.pipeline import Exclusions
from qfzz_core.recommend.query import Keywords, Query

Method = Literal["scan", "index"]

NAME, COLD, DISCOVERING = "QFZZ", "QFZZ, nothing cached", "QFZZ, discovery 0.3"
PLANS: tuple[Method, ...] = ("scan", "index")  # the ways to rank that can be asked for beside the planner's choice


class Generated(Mapping[str, Track]):
    """Stands in for an engine's library: columns without a dictionary for each track, which are made when asked for."""

    def __init__(self, catalogue: Catalogue, extra: Mapping[str, AnyColumn]) -> None:
        self._catalogue = catalogue
        self._snapshot = _snapshot(catalogue, extra)

    def snapshot(self) -> Snapshot:
        return self._snapshot

    def close(self) -> None:
        """There is nothing under way."""

    def samples(self) -> Mapping[str, Track]:
        """Return the tracks by id, which is where feedback looks for those that the store lacks."""
        return self

    def __getitem__(self, track_id: str) -> Track:
        return next(self._catalogue.at(np.array([self._catalogue.row(track_id)])))

    def __iter__(self) -> Any:
        return (self._catalogue.track_id(row) for row in range(len(self._catalogue)))

    def __len__(self) -> int:
        return len(self._catalogue)


def _snapshot(catalogue: Catalogue, extra: Mapping[str, AnyColumn]) -> Snapshot:
    ids = [catalogue.track_id(row) for row in range(len(catalogue))]
    identifiers = CategoryColumn(np.arange(len(ids), dtype=narrow(len(ids))), Vocabulary(exact, StringIndex.of(ids)))
    columns: dict[str, AnyColumn] = {
        "track_id": identifiers,
        "genre": _category(catalogue.genre, catalogue.genres, "genre"),
        "artist": _category(catalogue.artist, catalogue.artists, "name"),
        "mood": _category(catalogue.mood, catalogue.moods, "name"),
        "tempo": _category(catalogue.tempo, TEMPOS, "name"),
        "energy": _numbers(catalogue.energy),
        "duration": _numbers(catalogue.duration.astype(np.float64)),
        **extra,
    }
    table = Table(np.arange(len(ids), dtype=np.int64), identifiers, columns)
    return all_base(
        CatalogueToken("generated", 1, "generated"),
        table,
        lambda rows: list(catalogue.at(np.asarray(rows, dtype=np.intp))),
    )


def _category(codes: Any, names: Sequence[str], compare: str) -> CategoryColumn:
    normal = NORMALISERS[compare]
    return CategoryColumn(
        codes.astype(narrow(len(names))), Vocabulary(normal, StringIndex.of([normal(one) for one in names]))
    )


def _numbers(numbers: Any) -> NumberColumn:
    """Return a column as the library keeps it: codes of two bytes where there are few different numbers."""
    levels = NumberLevels()
    codes = levels.codes(numbers)
    return NumberColumn(numbers) if codes is None else NumberColumn(codes, levels.numbers)


def engine_of(
    catalogue: Catalogue, plugins: Iterable[Any] = (), extra: Mapping[str, AnyColumn] | None = None
) -> Engine:
    """Return an engine that serves a catalogue without a dictionary for each track; `extra` are further columns."""
    engine = Engine(plugins=plugins, seed=1)
    library = Generated(catalogue, extra or {})
    engine._library = library  # type: ignore[assignment]
    engine._pipeline = attrs.evolve(engine._pipeline, library=library)
    return engine


def columns_of(engine: Engine) -> Columns:
    """Return the columns that plugins see."""
    return engine._pipeline.library.snapshot().columns


def introduce(engine: Engine, listeners: Iterable[Listener], discovery_factor: float = 0.0) -> None:
    """Create the users."""
    for listener in listeners:
        preferences = {**listener.preferences, "discovery_factor": discovery_factor}
        engine.get_or_create_profile(listener.user_id, preferences)


def filled(url: str, catalogue: Catalogue) -> PersonalizedDJ:
    """Return a DJ whose store holds a catalogue; nothing else of this module is used for it."""
    dj = PersonalizedDJ(store=url, seed=1)
    dj.engine.write_tracks(catalogue.tracks())
    return dj


def opened(path: str) -> PersonalizedDJ:
    """Return a DJ of a SQLite file that keeps its columns and indexes in a directory beside the file."""
    return PersonalizedDJ(store=f"sqlite:///{path}", config=Config(cache=f"{path}.cache"), seed=1)


def rebuild(engine: Engine) -> None:
    """Build everything again that answering from the engine's store needs."""
    with Engine(store=engine.store, seed=1) as other:
        other.recommend("nobody", limit=1)


def index_again(engine: Engine) -> None:
    """Build the indexes again from columns that are there."""
    segment = engine._pipeline.library.snapshot().segment
    Segment(segment.columns).derive_as(segment)


def best(
    engine: Engine,
    user_id: str,
    limit: int,
    preferences: Mapping[str, Any] | None = None,
    plan: Method | None = None,
    **keywords: Any,
) -> Rows:
    """Return the rows of the best `limit` tracks: the engine's call without discovery and without dictionaries.

    `plan` is one of `PLANS`, None for what the planner chooses; with a plan there are no filters and constraints.
    """
    request, query = _next(engine, user_id, limit, preferences, keywords)
    pipeline, nothing = engine._pipeline, Exclusions(engine.faults.report, {})
    snapshot, prepared = pipeline.library.snapshot(), pipeline.prepare(request, query, nothing)
    formula = prepared.formula(snapshot)
    if plan is None:
        return prepared.ranking(formula, snapshot, query).take(limit)
    return planner.ranked(snapshot, formula, wanted=limit, method=plan).take(limit)


def picked(
    engine: Engine, user_id: str, limit: int, preferences: Mapping[str, Any] | None = None, **keywords: Any
) -> Rows:
    """Return the rows in the order of the result: the engine's call with discovery, without dictionaries."""
    request, query = _next(engine, user_id, limit, preferences, keywords)
    return engine._pipeline.run(request, query, lambda selection: selection.rows)


def answers(engine: Engine, limit: int) -> dict[str, Callable[[Listener], Rows]]:
    """Return the engine's call by name: `best`, twice, and `picked` at the default discovery factor.

    The first two differ by `Caches`.
    """
    return {
        NAME: lambda one: best(engine, one.user_id, limit),
        COLD: lambda one: best(engine, one.user_id, limit),
        DISCOVERING: lambda one: picked(engine, one.user_id, limit, preferences={"discovery_factor": 0.3}),
    }


def forget(engine: Engine) -> None:
    """Empty the result cache, so that the next request is searched for."""
    _use(engine, ResultCache())


class Caches:
    """Gives each contestant on an engine a result cache of its own, and `COLD` an empty one before each call."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._caches: dict[str, ResultCache] = {}

    def __call__(self, name: str) -> None:
        if name == COLD or name not in self._caches:
            self._caches[name] = ResultCache()
        _use(self._engine, self._caches[name])


def _use(engine: Engine, cache: ResultCache) -> None:
    engine._pipeline.library.snapshot().segment._derived[result_cache.KEY] = cache


def like_best(engine: Engine, catalogue: Catalogue, user_id: str) -> int:
    """Record that a user likes the best track, and return its row."""
    row = int(best(engine, user_id, 1)[0])
    engine.record_feedback(user_id, catalogue.track_id(row), "like")
    return row


def _next(
    engine: Engine, user_id: str, limit: int, preferences: Mapping[str, Any] | None, keywords: Mapping[str, Any]
) -> tuple[Request, Query]:
    given: Keywords = {"limit": limit, **keywords}  # type: ignore[typeddict-item]
    return engine._next(user_id, preferences, given)


def many(engine: Engine, user_ids: Sequence[str], limit: int) -> int:
    """Answer many users on one thread and return how many were answered."""
    return sum(1 for _ in engine.recommend_many(user_ids, limit, threads=1))
