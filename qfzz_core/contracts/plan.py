"""How a request was ranked, for whoever wants to know why it was fast or slow."""

from __future__ import annotations

import time
from typing import Any, Literal

import attrs


@attrs.define
class Plan:
    """How a request was ranked.

    `method` is "index" or "scan" and `reason` says why. `tracks` is the number of tracks of the catalogue, `looked_at`
    how often a part of a row's score was summed up, `scored` how many had the whole of it computed, `cells` how many
    cells of the index could reach the result, `cached` how many ranks were in the result cache.
    `seconds` are the times of the parts by name: "prepare" (the factors say how they score), "plan" (which method; the
    first request of its kind makes the index here), "rank", "discover" and "fetch" (the dictionaries).
    """

    method: Literal["index", "scan"] = "scan"
    reason: str = ""
    tracks: int = 0
    looked_at: int = 0
    scored: int = 0
    cells: int = 0
    cached: int = 0
    seconds: dict[str, float] = attrs.field(factory=dict)

    def timed(self, part: str) -> _Timed:
        """Return a context that adds the time its block takes to a part, without what goes to parts of their own."""
        return _Timed(self.seconds, part)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan in plain types that `json.dumps` takes."""
        return attrs.asdict(self)


class _Timed:
    def __init__(self, seconds: dict[str, float], part: str) -> None:
        self._seconds = seconds
        self._part = part

    def __enter__(self) -> None:
        self._others = sum(self._seconds.values())
        self._start = time.perf_counter()

    def __exit__(self, *exc_info: object) -> None:
        spent = time.perf_counter() - self._start
        within = sum(self._seconds.values()) - self._others
        self._seconds[self._part] = self._seconds.get(self._part, 0.0) + spent - within
