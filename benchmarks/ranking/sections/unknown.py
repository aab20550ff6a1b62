"""What it costs to rank a catalogue of which half of the genres, moods, tempos and energies is unknown."""

from __future__ import annotations

from typing import Any

from benchmarks.ranking import measure
from benchmarks.ranking.generator import generated, with_unknown
from benchmarks.ranking.listeners import listeners
from benchmarks.ranking.sections.growth import Service, side_by_side
from benchmarks.ranking.settings import Section, Settings, grown, milliseconds

KNOWN, UNKNOWN = "all known", "half unknown"


def measured(settings: Settings) -> Section:
    """Measure the same tracks, known and half unknown, side by side, for the same listeners."""
    catalogue = generated(settings.tracks)
    people = listeners(catalogue, settings.listeners)
    catalogues = {KNOWN: catalogue, UNKNOWN: with_unknown(catalogue, 0.5)}
    figures = side_by_side({which: Service.of(each, people) for which, each in catalogues.items()}, settings)
    return Section(
        title="Unknown values",
        pattern=f"the best {settings.limit} of {settings.tracks:,} tracks, a contestant for each catalogue and nobody "
        f"else: {measure.PATTERN}",
        head=("", "values", "median ms", "p99 ms", "median, times", "p99, times"),
        rows=[row for name, times in figures.items() for row in _rows(name, times)],
        figures=figures,
    )


def _rows(name: str, times: dict[str, Any]) -> list[tuple[str, ...]]:
    known = times[KNOWN]
    return [
        (name, which, milliseconds(one), milliseconds(one, "p99_ms"), *grown(known, one))
        for which, one in times.items()
    ]
