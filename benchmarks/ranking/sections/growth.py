"""How the engine's call grows with the catalogue, when nothing but the same call on other sizes runs in between."""

from __future__ import annotations

from typing import Any

import attrs

from benchmarks.ranking import measure, ours
from benchmarks.ranking.catalogue import Catalogue
from benchmarks.ranking.generator import generated
from benchmarks.ranking.listeners import Listener, listeners
from benchmarks.ranking.settings import Section, Settings, grown, milliseconds
from qfzz_core import Engine


def measured(settings: Settings) -> Section:
    """Measure all sizes side by side, each of our ways to answer for itself."""
    services = [Service.of(size, settings.listeners) for size in sorted(set(settings.sizes))]
    figures = {name: _measured(name, services, settings) for name in (ours.NAME, ours.COLD, ours.DISCOVERING)}
    return Section(
        title="Growth",
        pattern=f"the best {settings.limit}, a contestant for each size and nobody else: {measure.PATTERN}",
        head=("tracks", "", "median ms", "p99 ms", "median grows, times", "p99 grows, times"),
        rows=[row for name, sizes in figures.items() for row in _rows(name, sizes)],
        figures=figures,
    )


@attrs.frozen(eq=False)
class Service:
    """A catalogue of one size, its listeners, whose ids are the same for every size, and their engine."""

    catalogue: Catalogue
    listeners: list[Listener]
    engine: Engine

    @classmethod
    def of(cls, size: int, people: int) -> Service:
        """Return a service for so many listeners, over so many tracks."""
        catalogue = generated(size)
        service = cls(catalogue, listeners(catalogue, people), ours.engine_of(catalogue))
        ours.introduce(service.engine, service.listeners)
        return service


def _measured(name: str, services: list[Service], settings: Settings) -> dict[str, Any]:
    """Return the figures of one call by size; every listener was served once before."""
    people = services[0].listeners
    caches = [ours.Caches(one.engine) for one in services]

    def before(size: str) -> None:
        for each in caches:
            each(name)

    calls = {f"{len(one.catalogue):,}": ours.answers(one.engine, settings.limit)[name] for one in services}
    for call in calls.values():
        for listener in people:
            before(name)
            call(listener)

    def like(listener: Listener) -> None:
        for one in services:
            ours.like_best(one.engine, one.catalogue, listener.user_id)

    times = measure.alternated(calls, people, settings.calls, like, before=before)
    return {size: found.figures() for size, found in times.items()}


def _rows(name: str, sizes: dict[str, Any]) -> list[tuple[str, ...]]:
    least = next(iter(sizes.values()))
    return [
        (size, name, milliseconds(one), milliseconds(one, "p99_ms"), *grown(least, one)) for size, one in sizes.items()
    ]
