"""What the documented call adds to the engine's own: profile, dictionaries, observers."""

from __future__ import annotations

from typing import Any

from benchmarks.ranking import measure, ours
from benchmarks.ranking.catalogue import Catalogue
from benchmarks.ranking.generator import generated
from benchmarks.ranking.listeners import Listener, listeners
from benchmarks.ranking.settings import Section, Settings, milliseconds
from qfzz import PersonalizedDJ

ENGINE, DOCUMENTED = "the ranking and the picks", "PersonalizedDJ.recommend"


def measured(settings: Settings) -> Section:
    """Measure in memory and from SQLite."""
    catalogue = generated(settings.tracks)
    urls = {"memory": "memory:", "SQLite": f"sqlite:///{settings.directory / 'whole.db'}"}
    stores = {name: _measured(url, catalogue, settings) for name, url in urls.items()}
    return Section(
        title="The whole call",
        pattern=f"limit {settings.limit} of {settings.tracks:,} tracks, discovery 0.3: {measure.PATTERN}",
        head=("store", "", "median ms", "p99 ms", "adds microseconds"),
        rows=[row for name, figures in stores.items() for row in _rows(name, figures)],
        figures=stores,
    )


def _measured(url: str, catalogue: Catalogue, settings: Settings) -> dict[str, Any]:
    people = listeners(catalogue, settings.listeners)
    with ours.filled(url, catalogue) as dj:
        ours.introduce(dj.engine, people, discovery_factor=0.3)
        calls = {
            ENGINE: lambda one: ours.picked(dj.engine, one.user_id, settings.limit),
            DOCUMENTED: lambda one: dj.recommend(one.user_id, limit=settings.limit),
        }
        caches = ours.Caches(dj.engine)
        times = measure.alternated(calls, people, settings.calls, lambda one: _like(dj, one), before=caches)
    contestants = measure.compared(times, ENGINE, people)
    added = contestants[DOCUMENTED]["all"]["median_ms"] - contestants[ENGINE]["all"]["median_ms"]
    return {"contestants": contestants, "added_microseconds": round(added * 1e3, 1)}


def _like(dj: PersonalizedDJ, listener: Listener) -> None:
    dj.record_feedback(listener.user_id, dj.recommend(listener.user_id, limit=1)[0]["track_id"], "like")


def _rows(store: str, figures: dict[str, Any]) -> list[tuple[str, ...]]:
    added = {DOCUMENTED: f"{figures['added_microseconds']:,.0f}"}
    return [
        (store, name, milliseconds(groups["all"]), milliseconds(groups["all"], "p99_ms"), added.get(name, "-"))
        for name, groups in figures["contestants"].items()
    ]
