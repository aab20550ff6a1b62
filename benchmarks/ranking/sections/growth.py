"""How the engine's call grows with the catalogue, when nothing but the same call on other sizes runs in between."""

from __future__ import annotations

from collections.abc import Mapping
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
    catalogues = {f"{size:,}": generated(size) for size in sorted(set(settings.sizes))}
    figures = side_by_side(
        {size: Service.of(each, listeners(each, settings.listeners)) for size, each in catalogues.items()}, settings
    )
    return Section(
        title="Growth",
        pattern=f"the best {settings.limit}, a contestant for each size and nobody else: {measure.PATTERN}",
        head=("tracks", "", "median ms", "p99 ms", "median grows, times", "p99 grows, times"),
        rows=[row for name, sizes in figures.items() for row in _rows(name, sizes)],
        figures=figures,
    )


@attrs.frozen(eq=False)
class Service:
    """A catalogue, its listeners, whose ids are the same for every catalogue, and their engine."""

    catalogue: Catalogue
    listeners: list[Listener]
    engine: Engine

    @classmethod
    def of(cls, catalogue: Catalogue, people: list[Listener]) -> Service:
        """Return a service for these listeners, over these tracks."""
        service = cls(catalogue, people, ours.engine_of(catalogue))
        ours.introduce(service.engine, service.listeners)
        return service


def side_by_side(services: Mapping[str, Service], settings: Settings) -> dict[str, Any]:
    """Return the figures of services, each of our ways to answer for itself."""
    return {name: _measured(name, services, settings) for name in (ours.NAME, ours.COLD, ours.DISCOVERING)}


def _measured(name: str, services: Mapping[str, Service], settings: Settings) -> dict[str, Any]:
    """Return the figures of one call by service; every listener was served once before."""
    people = next(iter(services.values())).listeners
    caches = [ours.Caches(one.engine) for one in services.values()]

    def before(service: str) -> None:
        for each in caches:
            each(name)

    calls = {which: ours.answers(one.engine, settings.limit)[name] for which, one in services.items()}
    for call in calls.values():
        for listener in people:
            before(name)
            call(listener)

    def like(listener: Listener) -> None:
        for one in services.values():
            ours.like_best(one.engine, one.catalogue, listener.user_id)

    times = measure.alternated(calls, people, settings.calls, like, before=before)
    return {which: found.figures() for which, found in times.items()}


def _rows(name: str, sizes: dict[str, Any]) -> list[tuple[str, ...]]:
    least = next(iter(sizes.values()))
    return [
        (size, name, milliseconds(one), milliseconds(one, "p99_ms"), *grown(least, one)) for size, one in sizes.items()
    ]
