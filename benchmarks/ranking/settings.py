"""What a run of the benchmarks was asked for, and what a section of it gives back."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class Settings:
    """What the options of the command say; sizes are numbers of tracks, `directory` is where stores are made."""

    sizes: tuple[int, ...]
    rivals_at: int
    tracks: int
    stored: tuple[int, ...]
    limit: int
    listeners: int
    calls: int
    rounds: int
    rivals: tuple[str, ...]
    directory: Path
    real: Path | None = None


@attrs.frozen
class Section:
    """What was measured: a table for people, and the figures for programs; `pattern` says how calls were made."""

    title: str
    pattern: str
    head: tuple[str, ...]
    rows: list[tuple[str, ...]]
    figures: dict[str, Any]


def milliseconds(figures: dict[str, Any], key: str = "median_ms") -> str:
    """Return a time as it stands in a table."""
    return f"{figures[key]:,.3f}" if figures["calls"] else "-"


def times(ratio: float) -> str:
    """Return a ratio as it stands in a table."""
    return f"{ratio:,.1f}" if not math.isnan(ratio) else "-"


def grown(small: dict[str, Any], large: dict[str, Any]) -> tuple[str, ...]:
    """Return how many times as much median and 99th percentile are, as they stand in a table."""
    return tuple(f"{large[key] / small[key]:,.2f}" for key in ("median_ms", "p99_ms"))
