"""Where contract suites try a plugin: the real engine, and single steps of a request over any catalogue."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, NoReturn

import attrs
import numpy as np

from qfzz_core.catalogue.library import CatalogueBuilder
from qfzz_core.catalogue.samples import sample_tracks
from qfzz_core.catalogue.snapshot import Snapshot
from qfzz_core.contracts.columns import Column
from qfzz_core.contracts.request import Request
from qfzz_core.contracts.stores import CatalogueToken
from qfzz_core.model.plain import copied
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.model.tracks import Track, checked_tracks
from qfzz_core.plugins.faults import ComponentFaultError, Health
from qfzz_core.ranking.eligibility import EligibleRanking
from qfzz_core.ranking.formula import Term
from qfzz_core.recommend.pipeline import Exclusions
from qfzz_core.recommend.prepared import Prepared, prepared_shape
from qfzz_core.recommend.query import Keywords, Query
from qfzz_core.testing.engines import NOW, engine_with

LISTENER = "listener"  # a user with a history, among whose tracks is one that the catalogue lacks
NEW_USER = "new"
USERS = (NEW_USER, LISTENER)


@attrs.frozen(kw_only=True)
class Scene:
    """One request over one catalogue."""

    tracks: Sequence[Track]
    user_id: str = NEW_USER
    preferences: Mapping[str, Any] = attrs.field(factory=dict)
    context: Mapping[str, Any] = attrs.field(factory=dict)
    now: datetime = NOW
    limit: int | None = None
    seed: int = 1


class Bench:
    """An engine with one plugin, whose objects can be tried in any scene. What fails raises."""

    def __init__(self, plugin: Any, config: Mapping[str, Any]) -> None:
        self._time = NOW
        self.engine = engine_with(plugin, config=config, clock=lambda: self._time)
        self._pipeline = self.engine._pipeline
        self._listened = False
        columns = [registered.value for registered in self.engine.registry.columns.values()]
        self._builder = CatalogueBuilder(self.engine.store, columns, _refuse)

    def close(self) -> None:
        """Release what the engine holds."""
        self._builder.close()
        self.engine.close()

    def snapshot(self, tracks: Sequence[Track]) -> Snapshot:
        """Return a snapshot of these tracks, which need not be those of the store."""
        numbered = list(enumerate(checked_tracks(tracks)))
        return self._builder.made_of(
            CatalogueToken("scene", 1, ""), numbered, lambda places: [copied(numbered[place][1]) for place in places]
        )

    def request(self, scene: Scene) -> Request:
        """Return the request of a scene; the same one each time."""
        if scene.user_id == LISTENER:
            self._listen()
        pipeline = attrs.evolve(self._pipeline, clock=lambda: scene.now)
        profile = self.engine.store.snapshot(scene.user_id) or ProfileSnapshot(user_id=scene.user_id)
        return pipeline.profile(profile, self._query(scene), f"{scene.seed}")

    def _query(self, scene: Scene) -> Query:
        keywords: Keywords = {"limit": scene.limit, "context": scene.context}
        return self._pipeline.query(scene.preferences, keywords)

    def term(self, snapshot: Snapshot, scene: Scene, factor: str) -> Term | None:
        """Return how a factor scores a scene, None if it abstains."""
        active = next(active for active in self.engine.settings.factors if active.name == factor)
        with own_errors():
            prepared = Prepared([prepared_shape(self.request(scene), active, Health())], (), Health())
            return next(iter(prepared.formula(snapshot).terms), None)

    def ranking(self, snapshot: Snapshot, scene: Scene) -> EligibleRanking:
        """Return the ranking of a scene, by the built-in factors and the plugin's."""
        query, nothing = self._query(scene), Exclusions(self.engine.faults.report, {})
        with own_errors():
            prepared = self._pipeline.prepare(self.request(scene), query, nothing)
            return prepared.ranking(prepared.formula(snapshot), snapshot, query)

    def _listen(self) -> None:
        """Give the listener a history: every type of interaction on several tracks, an hour apart, one unknown."""
        if not self._listened:
            self._listened = True
            heard = [sample["track_id"] for sample in sample_tracks()[::7]]
            types = sorted(self.engine.registry.interaction_types)
            for number, interaction_type in enumerate(types * 3):
                self._time = NOW - timedelta(hours=len(types) * 3 - number)
                self.engine.record_feedback(LISTENER, heard[number % len(heard)], interaction_type)
            self.engine.record_feedback(LISTENER, "gone", types[0], 0.5)
            self._time = NOW


def _refuse(column: Column, error: Exception) -> NoReturn:
    raise AssertionError(f'column "{column.name}" could not be read: {type(error).__name__}: {error}') from error


@contextmanager
def own_errors() -> Iterator[None]:
    """Raise what a plugin's object raised, instead of the error in which the request would carry it."""
    try:
        yield
    except ComponentFaultError as fault:
        raise fault.__cause__ or fault from None


@contextmanager
def undisturbed_generators() -> Iterator[None]:
    """Assert that nobody draws from the generators that the whole process shares: a request has its own."""
    before, numpy_before = random.getstate(), _numpy_state()
    yield
    assert random.getstate() == before, "it drew from the module random; a request has a generator, request.random"
    assert _numpy_state() == numpy_before, "it drew from numpy.random; seed a generator with request.random"


def _numpy_state() -> tuple[Any, ...]:
    name, keys, *rest = np.random.get_state()
    return (name, np.asarray(keys).tobytes(), *rest)
