"""Ranges of an index's entries, each in one cell."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from qfzz_core.contracts.factors import Values
from qfzz_core.ranking.index.build import Places
from qfzz_core.ranking.index.sums import greatest


@attrs.frozen(eq=False)
class Ranges:
    """Ranges of entries: the cell that each lies in, what its rows have apart from the distance, where it is."""

    cells: Places
    heights: Values
    starts: Places
    stops: Places

    @classmethod
    def none(cls) -> Ranges:
        """Return no ranges."""
        empty = np.empty(0, dtype=np.intp)
        return cls(empty, np.empty(0), empty, empty)

    def total(self) -> int:
        """Return how many entries all ranges have together."""
        return int((self.stops - self.starts).sum())

    def some(self, chosen: Places) -> Ranges:
        """Return some of the ranges."""
        return Ranges(self.cells[chosen], self.heights[chosen], self.starts[chosen], self.stops[chosen])

    def highest(self, least: int, count: int) -> Places:
        """Return which `least` ranges are the highest, or as many more as it takes to have `count` entries together."""
        if len(self.heights) <= least:
            return np.arange(len(self.heights))
        found: Places = (-self.heights).argpartition(least)[:least]
        lengths = self.stops - self.starts
        if int(lengths[found].sum()) < count:
            found = (-self.heights).argsort(kind="stable")
            found = found[: max(least, int(lengths[found].cumsum().searchsorted(count)) + 1)]
        return found

    def parted(self, size: int) -> tuple[Ranges, Ranges]:
        """Return the highest ranges, with about `size` entries together, and the others."""
        if self.total() <= size:
            return self, Ranges.none()
        order = (-self.heights).argsort(kind="stable")
        first = int((self.stops - self.starts)[order].cumsum().searchsorted(size)) + 1
        return self.some(order[:first]), self.some(order[first:])

    def and_also(self, other: Ranges) -> Ranges:
        """Return these ranges and others."""
        return Ranges(
            np.concatenate([self.cells, other.cells]),
            np.concatenate([self.heights, other.heights]),
            np.concatenate([self.starts, other.starts]),
            np.concatenate([self.stops, other.stops]),
        )


def flat(starts: Places, stops: Places) -> tuple[Places, Places]:
    """Return the numbers of several ranges one after another, and how many each range has."""
    lengths = stops - starts
    ends = lengths.cumsum()
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + (starts - ends + lengths).repeat(lengths), lengths


def above(least: float, places: Places, sums: Values) -> tuple[Places, Values]:
    """Return the places whose sum is not below the least, and their sums."""
    reaching = sums >= least
    return places[reaching], sums[reaching]


def risen(floor: float, found: Sequence[tuple[Places, Values]], count: int | None) -> float:
    """Return the floor, or what `count` of the found reach if that is more."""
    if count is None or sum(len(sums) for _, sums in found) < count:
        return floor
    return max(floor, float(greatest(np.concatenate([sums for _, sums in found]), count)))
