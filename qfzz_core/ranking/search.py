"""Threshold search: the best rows of an index, looking only at those that can be among them.

The sum of a row's weighted values has a part that its cell fixes, a part that the distance of its number from the
target fixes, a part for each posting that names it, and a part that has to be asked for. From the first two follows a
floor that `count` rows reach for sure; what cannot reach the floor is never looked at. Sums are compared with slack,
because they are added in another order than the specification's; the rows that are left are scored exactly.

This is the threshold algorithm of Fagin, Lotem and Naor ("Optimal aggregation algorithms for middleware", 2003) with
sorted access by cell instead of by attribute.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import attrs
import numpy as np
from numpy.typing import NDArray

from qfzz_core.columns import Rows
from qfzz_core.contracts import Values
from qfzz_core.ranking.formula import Formula, Term
from qfzz_core.ranking.index import LEVEL_BITS, MANY, MISSING, Index, Places, Sorted, index_rows
from qfzz_core.ranking.layout import Parts, distance_of, table_of
from qfzz_core.ranking.plan import Plan
from qfzz_core.ranking.shapes import Function, Table

FIRST_CELLS = 64  # cells looked at for the first floor
BLOCK = 4_096  # entries of postings looked at before the floor is looked at again
LONG = 512  # entries of one cell up to which looking at all of them is as good as searching for the near ones
AHEAD = 16  # times as many rows as are wanted are asked about first, and at most as many again
LEAST_ASKED = 512
FEW = 8_192  # rows up to which ties are not worth thinning out
_LEVELS = np.uint32(MISSING)
_CELLS = np.uint32(LEVEL_BITS)
MOST = 1 / 4  # share of the rows beyond which looking at all of them is as good


@attrs.frozen(eq=False)
class _Ranges:
    """Ranges of entries: the cell that each lies in, what its rows have apart from the distance, where it is."""

    cells: Places
    heights: Values
    starts: Places
    stops: Places

    def total(self) -> int:
        """Return how many entries all ranges have together."""
        return int((self.stops - self.starts).sum())

    def some(self, chosen: Places) -> _Ranges:
        """Return some of the ranges."""
        return _Ranges(self.cells[chosen], self.heights[chosen], self.starts[chosen], self.stops[chosen])

    def and_also(self, other: _Ranges) -> _Ranges:
        """Return these ranges and others."""
        return _Ranges(
            np.concatenate([self.cells, other.cells]),
            np.concatenate([self.heights, other.heights]),
            np.concatenate([self.starts, other.starts]),
            np.concatenate([self.stops, other.stops]),
        )


class TooManyError(Exception):
    """So many rows can reach the result that scoring all is as good."""


class Search:
    """The best rows of one index by one formula, but for the `dead`, which are growing.

    `allowed` says of each cell whether its rows may be chosen.
    """

    def __init__(
        self,
        formula: Formula,
        parts: Parts,
        index: Index,
        *,
        dead: Rows,
        allowed: NDArray[np.bool_] | None = None,
        plan: Plan | None = None,
    ) -> None:
        self._plan = plan or Plan()
        self._known: tuple[Rows, Values] = np.empty(0, dtype=np.intp), np.empty(0)
        self._formula = formula
        self._dead = dead
        self._index = index
        self._order = None if parts.order is None else _Order(parts.order, index)
        self._top = 0.0 if self._order is None else self._order.top
        self._slack = formula.total * 2.0**-38  # above the grain of scores, and far above the error of a sum
        self._asked = sum(term.weight * _most(term) for term in parts.asked)
        self._heights = _heights(parts.cells, index) + index.barred
        if allowed is not None:
            self._heights[~allowed] = -np.inf
        self._bonuses = [_Bonus(term, index) for term in parts.postings]
        defaults = sum(term.weight * table_of(term).default for term in parts.postings)
        if defaults:
            self._heights += defaults
        self._peak = float(self._heights.max(initial=-np.inf))
        self._limit = max(FEW, int(len(index.cells) * MOST))

    # -- what is asked for

    def best(self, count: int) -> tuple[Rows, Values, bool]:
        """Return the best rows in order, their scores, and whether these are all that may be chosen.

        They are the best `count`, or fewer if some of these are dead. Raises `TooManyError` if that is no better done
        by looking at everything.
        """
        if self._asked == 0.0:
            rows, floor = self._candidates(count)
            alive = self._alive(rows)
            count -= len(rows) - len(alive)
            scores = self._formula.scores(alive)
            self._plan.scored += len(alive)
        else:
            alive, scores, floor = self._asking(count)
        return *best_of(alive, scores, len(alive) if floor == -np.inf else max(count, 0)), floor == -np.inf

    def _alive(self, rows: Rows) -> Rows:
        return rows[~np.isin(rows, self._dead)] if len(self._dead) else rows

    def _asking(self, count: int) -> tuple[Rows, Values, float]:
        """Return the rows that can be among the best when the terms that have to be asked count too, and the scores."""
        wanted = max(AHEAD * count, LEAST_ASKED)
        while True:
            rows, floor = self._candidates(wanted)
            rows, scores = self._scored(rows)
            if floor == -np.inf:
                return rows, scores, floor
            if len(rows) >= count:
                needed = float(_greatest(scores, count)) * self._formula.total - self._asked - self._slack
                if floor <= needed:
                    return rows, scores, floor
                with suppress(TooManyError):
                    return *self._scored(self._collected(needed, None, AHEAD * wanted)[0]), needed
            wanted *= 4
            if wanted > self._limit:
                raise TooManyError

    def _scored(self, rows: Rows) -> tuple[Rows, Values]:
        """Return those of growing rows that are not dead, and their scores; nothing is asked about a row twice."""
        rows = self._alive(rows)
        known, scores = self._known
        new = rows[~np.isin(rows, known, assume_unique=True)]
        self._plan.scored += len(new)
        known, scores = np.concatenate([known, new]), np.concatenate([scores, self._formula.scores(new)])
        order = known.argsort()
        known, scores = known[order], scores[order]
        self._known = known, scores
        return rows, scores[known.searchsorted(rows)]

    def _candidates(self, count: int) -> tuple[Rows, float]:
        """Return at least the best `count` rows by what need not be asked, and the floor that all of these reach."""
        floor = max((self._posted_floor(bonus, count) for bonus in self._bonuses if bonus.has_many), default=-np.inf)
        if self._in_reach(floor):
            floor = max(floor, self._first_floor(count))
        return self._collected(floor, count, self._limit)

    def _in_reach(self, floor: float) -> bool:
        """Return whether a row can reach the floor by its cell and number alone."""
        return self._peak + self._top >= floor - self._slack

    def _collected(self, floor: float, count: int | None, limit: int) -> tuple[Rows, float]:
        """Return all rows that reach a floor, growing, and the floor; it rises to what `count` of them reach."""
        found: list[tuple[Rows, Values]] = []
        for bonus in self._bonuses:
            others = sum(other.top for other in self._bonuses if other is not bonus)
            rows, sums, floor = self._posted(bonus, others, floor, count, limit)
            found.append((rows, sums + others))
        if self._in_reach(floor):
            places, sums = self._in_cells(floor, count, limit)
            floor = _risen(floor, [(places, sums)], count)
            found.append((index_rows(self._index.cells, places), sums))
        reaching = [rows[sums >= floor - self._slack] for rows, sums in found]
        return _united(reaching), floor

    # -- cells

    def _first_floor(self, count: int) -> float:
        """Return a sum that at least `count` rows reach, from the rows near the target in the highest cells."""
        cells = self._highest(count)
        if cells is None:
            return -np.inf
        entries = self._index.cells
        ranges = _Ranges(cells, self._heights[cells], entries.places(cells, 0), entries.places(cells + 1, 0))
        _, sums = self._nearest(entries, ranges, count)
        return float(_greatest(sums, count)) if len(sums) >= count else -np.inf

    def _nearest(
        self, entries: Sorted, ranges: _Ranges, count: int, within: tuple[Places, Places] | None = None
    ) -> tuple[Places, Values]:
        """Return the places of the `count` entries nearest to the target on either side of it in each range."""
        starts, stops = ranges.starts, ranges.stops
        if self._order is None:
            stops = np.minimum(stops, starts + count)
        else:
            near = entries.places(ranges.cells, self._order.target_level, within)
            starts, stops = np.maximum(starts, near - count), np.minimum(stops, near + count)
        return self._summed(entries, _Ranges(ranges.cells, ranges.heights, starts, stops))

    def _highest(self, count: int) -> Places | None:
        """Return a few of the highest cells, which together have twice `count` rows; None if all have too few."""
        counts = self._index.counts
        for below in (0.0, self._top / 2):
            cells = (self._heights >= self._peak - below).nonzero()[0]
            if self._peak > -np.inf and int(counts[cells].sum()) >= 2 * count:
                return self._enough(cells, count)
        cells = (self._heights > -np.inf).nonzero()[0]
        return self._enough(cells, count) if int(counts[cells].sum()) >= count else None

    def _enough(self, cells: Places, count: int) -> Places:
        if len(cells) > FIRST_CELLS:
            cells = cells[np.argsort(-self._heights[cells], kind="stable")]
            enough = int(np.searchsorted(np.cumsum(self._index.counts[cells]), 2 * count)) + 1
            cells = cells[: max(FIRST_CELLS, enough)]
        return cells

    def _in_cells(self, floor: float, count: int | None, limit: int) -> tuple[Places, Values]:
        """Return the places of the rows whose cell and number reach the floor, and their sums."""
        cells = (self._heights >= self._least(floor) - self._top).nonzero()[0]
        self._plan.cells += len(cells)
        entries = self._index.cells
        heights = self._heights[cells]
        if self._order is None:
            ranges = _Ranges(cells, heights, entries.places(cells, 0), entries.places(cells + 1, 0))
            return self._reaching(entries, ranges, floor, count, limit)
        return self._reaching(entries, self._near(entries, cells, heights, floor, count=count), floor, count, limit)

    def _reaching(
        self, entries: Sorted, ranges: _Ranges, floor: float, count: int | None, limit: int
    ) -> tuple[Places, Values]:
        """Return the places of the entries in ranges whose sum reaches the floor, and the sums."""
        if count is not None and self._order is None and not self._asked:
            stops = np.minimum(ranges.stops, ranges.starts + count)  # the others of the cell are ties that come later
            ranges = attrs.evolve(ranges, stops=stops)
        if ranges.total() > limit:
            raise TooManyError
        places, sums = self._summed(entries, ranges)
        return _above(self._least(floor), places, sums)

    def _least(self, floor: float) -> float:
        """Return the least sum that can count as reaching a floor; rows that may not be chosen have none."""
        return max(floor - self._slack, -1.0)

    def _near(
        self,
        entries: Sorted,
        cells: Places,
        heights: Values,
        floor: float,
        *,
        count: int | None,
        within: tuple[Places, Places] | None = None,
    ) -> _Ranges:
        """Return where the rows of cells are that are near enough to the target to reach the floor.

        Where a `count` is given, of ties in one cell no more than so many are needed: they are in order.
        """
        order = self._order
        assert order is not None
        least = self._least(floor)
        low, high = order.levels_within(heights, least)
        ranges = _Ranges(cells, heights, *entries.between(cells, low, high, within))
        thin = count is not None and not self._asked and ranges.total() > max(FEW + 8 * count, int((high - low).sum()))
        blank = (heights + order.missing >= least).nonzero()[0] if order.has_missing else None
        result = _of_levels(order, entries, ranges, (low, high), count or 0) if thin else ranges
        if blank is not None:
            some = None if within is None else (within[0][blank], within[1][blank])
            last = np.full(len(blank), MISSING)
            between = entries.between(cells[blank], last, last + 1, some)
            result = result.and_also(_Ranges(cells[blank], heights[blank], *between))
        return result

    def _summed(self, entries: Sorted, ranges: _Ranges) -> tuple[Places, Values]:
        """Return the places of ranges of entries one after another, and the sums there."""
        places, lengths = _flat(ranges.starts, ranges.stops)
        self._plan.looked_at += len(places)
        sums = ranges.heights.repeat(lengths)
        if self._order is not None:
            sums += self._order.parts(entries, places)
        return places, sums

    # -- postings

    def _posted(
        self, bonus: _Bonus, others: float, floor: float, count: int | None, limit: int
    ) -> tuple[Rows, Values, float]:
        """Return the rows that a table names and that can reach the floor, what they have at least, and the floor.

        `others` is what other tables can add to them. The floor rises with what is found.
        """
        found = [self._of_many(bonus, others, floor, count, limit)]
        floor, taken, at = _risen(floor, found, count), len(found[0][1]), 0
        while at < len(bonus.few_sums) and self._peak + self._top + bonus.few_sums[at] + others >= floor - self._slack:
            stop = bonus.block(at)
            found.append(self._of_few(bonus, slice(at, stop), floor - others))
            taken += len(found[-1][1])
            if taken > limit:
                raise TooManyError
            if len(found[-1][1]):
                floor = _risen(floor, found, count)
            at = stop
        places, sums = np.concatenate([places for places, _ in found]), np.concatenate([sums for _, sums in found])
        return index_rows(bonus.entries, places), sums, floor

    def _of_many(
        self, bonus: _Bonus, others: float, floor: float, count: int | None, limit: int
    ) -> tuple[Places, Values]:
        """Return the places that can reach the floor of all categories with many entries, and their sums."""
        if not bonus.has_many:
            return np.empty(0, dtype=np.intp), np.empty(0)
        ranges = bonus.ranges(self._heights, floor - self._slack - self._peak - self._top - others)
        return self._near_enough(bonus.entries, self._likely(ranges, floor - others), floor - others, count, limit)

    def _posted_floor(self, bonus: _Bonus, count: int) -> float:
        """Return a sum that at least `count` rows reach, from the highest cells of the categories with many entries."""
        ranges = self._likely(bonus.first_ranges(self._heights), -np.inf)
        if len(ranges.heights) > FIRST_CELLS:
            ranges = ranges.some(np.argpartition(-ranges.heights, FIRST_CELLS)[:FIRST_CELLS])
        if ranges.total() <= FEW:
            found = self._summed(bonus.entries, ranges)
        else:
            found = self._nearest(bonus.entries, ranges, count, (ranges.starts, ranges.stops))
        return _risen(-np.inf, [found], count)

    def _likely(self, ranges: _Ranges, floor: float) -> _Ranges:
        """Return the ranges in which a row can reach the floor."""
        return ranges.some((ranges.heights >= self._least(floor) - self._top).nonzero()[0])

    def _near_enough(
        self, entries: Sorted, ranges: _Ranges, floor: float, count: int | None, limit: int
    ) -> tuple[Places, Values]:
        """Return the places in ranges that reach the floor, and their sums."""
        if self._order is not None:
            long = ranges.stops - ranges.starts > LONG
            if long.any():
                some = ranges.some(long.nonzero()[0])
                near = self._near(
                    entries, some.cells, some.heights, floor, count=count, within=(some.starts, some.stops)
                )
                ranges = ranges.some((~long).nonzero()[0]).and_also(near)
        return self._reaching(entries, ranges, floor, count, limit)

    def _of_few(self, bonus: _Bonus, some: slice, floor: float) -> tuple[Places, Values]:
        """Return the places that reach the floor of some of the categories with few entries, and their sums."""
        places, lengths = _flat(bonus.few_starts[some], bonus.few_stops[some])
        self._plan.looked_at += len(places)
        cells = bonus.entries.keys[places] >> _CELLS
        sums = self._heights[cells] + bonus.few_sums[some].repeat(lengths)
        places, sums = _above(self._least(floor) - self._top, places, sums)
        if self._order is not None:
            sums += self._order.parts(bonus.entries, places)
            places, sums = _above(self._least(floor), places, sums)
        return places, sums


class _Order:
    """The term by whose number the rows of a cell are sorted."""

    def __init__(self, term: Term, index: Index) -> None:
        self._distance = distance_of(term)
        self._weight = term.weight
        self._levels = index.levels
        self.has_missing = index.has_missing
        self.missing = self._weight * self._distance.missing
        self._by_level = self._level_parts() if index.levels.exact else None
        self.top = self._weight if not self.has_missing else max(self._weight, self.missing)
        self.target_level = int(np.searchsorted(index.levels.edges, self._distance.target))
        self.pure = index.levels.pure

    def parts(self, entries: Sorted, places: Places) -> Values:
        """Return what the term adds to the sums of entries."""
        if self._by_level is not None:
            known: Values = self._by_level[entries.keys[places] & _LEVELS]
            return known
        return self._weight * self._distance.of_numbers(self._distance.column.at(index_rows(entries, places)))

    def _level_parts(self) -> Values:
        """Return what the term adds for each level, the missing one included."""
        known = self._weight * self._distance.of_numbers(self._levels.edges)
        if not self.has_missing:
            return known
        parts = np.empty(MISSING + 1)
        parts[: len(known)] = known
        parts[MISSING] = self.missing
        return parts

    def levels_within(self, heights: Values, least: float) -> tuple[Places, Places]:
        """Return from which level on, and before which, rows of these heights can have a sum of `least`."""
        edges = self._levels.edges
        with np.errstate(over="ignore"):
            reach = ((heights - least) / self._weight + 1.0) * self._distance.scale
            reach[heights >= least] = np.inf  # however far: the value is never below 0
            low = np.searchsorted(edges, self._distance.target - reach, "right") - 1
            high = np.searchsorted(edges, self._distance.target + reach, "right")
        return np.maximum(low, 0), high


class _Bonus:
    """What a table adds to the sums of the categories that it names, the largest first: of those with few entries one
    by one, of those with many cell by cell.
    """

    def __init__(self, term: Term, index: Index) -> None:
        table = table_of(term)
        postings = index.postings[table.name]
        starts, stops = postings.spans(table.codes)
        sums = term.weight * (table.values - table.default)
        order = ((stops > starts) & (sums > 0.0)).nonzero()[0]
        order = order[np.argsort(-sums[order], kind="stable")]
        codes, starts, stops, sums = table.codes[order], starts[order], stops[order], sums[order]
        self.entries = postings.entries
        self.top = float(sums.max(initial=0.0))
        many = stops - starts > MANY
        few = ~many
        self.few_starts, self.few_stops, self.few_sums = starts[few], stops[few], sums[few]
        self._few_seen = (self.few_stops - self.few_starts).cumsum()
        self._runs = postings.runs
        self._many_sums = sums[many]
        self._many = self._runs.codes.searchsorted(codes[many])
        self.has_many = len(self._many) > 0
        self._found: tuple[int, _Ranges] | None = None  # the ranges that were looked up last, of how many categories

    def ranges(self, heights: Values, least: float) -> _Ranges:
        """Return the entries of the categories with many of them and at least so much, as ranges of one cell each."""
        return self._ranges(heights, int((-self._many_sums).searchsorted(-least, "right")))

    def first_ranges(self, heights: Values) -> _Ranges:
        """Return the entries of the first categories with many of them, as ranges of one cell each."""
        seen = (self._runs.firsts[self._many + 1] - self._runs.firsts[self._many]).cumsum()
        return self._ranges(heights, max(1, int(seen.searchsorted(BLOCK, "right"))))

    def _ranges(self, heights: Values, count: int) -> _Ranges:
        if self._found is not None and self._found[0] == count:
            return self._found[1]
        many, runs = self._many[:count], self._runs
        places, lengths = _flat(runs.firsts[many], runs.firsts[many + 1])
        cells = runs.cells[places].astype(np.intp)
        sums = heights[cells] + self._many_sums[:count].repeat(lengths)
        ranges = _Ranges(cells, sums, runs.starts[places].astype(np.intp), runs.stops[places].astype(np.intp))
        self._found = count, ranges
        return ranges

    def block(self, at: int) -> int:
        """Return where a block of categories with few entries that begins at `at` ends."""
        before = int(self._few_seen[at - 1]) if at else 0
        return max(at + 1, int(np.searchsorted(self._few_seen, before + BLOCK, "right")))


def _risen(floor: float, found: Sequence[tuple[Places, Values]], count: int | None) -> float:
    """Return the floor, or what `count` of the found reach if that is more."""
    if count is None or sum(len(sums) for _, sums in found) < count:
        return floor
    return max(floor, float(_greatest(np.concatenate([sums for _, sums in found]), count)))


def _of_levels(order: _Order, entries: Sorted, ranges: _Ranges, levels: tuple[Places, Places], count: int) -> _Ranges:
    """Return ranges of one level each, of which only the first `count` rows are kept where all are ties."""
    level, lengths = _flat(*levels)
    cells, heights = ranges.cells.repeat(lengths), ranges.heights.repeat(lengths)
    starts, stops = entries.places(cells, level), entries.places(cells, level + 1)
    stops = np.where(order.pure[level], np.minimum(stops, starts + count), stops)
    some = (stops > starts).nonzero()[0]
    return _Ranges(cells[some], heights[some], starts[some], stops[some])


def _above(least: float, places: Places, sums: Values) -> tuple[Places, Values]:
    reaching = sums >= least
    return places[reaching], sums[reaching]


def _flat(starts: Places, stops: Places) -> tuple[Places, Places]:
    """Return the numbers of several ranges one after another, and how many each range has."""
    lengths = stops - starts
    ends = lengths.cumsum()
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + (starts - ends + lengths).repeat(lengths), lengths


def _heights(terms: Sequence[Term], index: Index) -> Values:
    """Return the part of the sums that each cell fixes."""
    grid = np.zeros(1)
    for name, size in index.dims.items():
        axis = np.zeros(size)
        for term in terms:
            table = table_of(term)
            if table.name == name:
                axis += _by_cell(table, term.weight, size)
        grid = (grid.reshape(-1, 1) + axis).reshape(-1)
    return grid


def _by_cell(table: Table, weight: float, size: int) -> Values:
    """Return the weighted values of the codes from -1 to `size` - 2."""
    values = np.full(size, weight * table.default)
    known = int(table.codes.searchsorted(size - 1))  # the vocabulary may have grown since
    values[table.codes[:known] + 1] = weight * table.values[:known]
    return values


def _most(term: Term) -> float:
    """Return the largest value that a row can have."""
    shape = term.evaluate
    if isinstance(shape, Table):
        return shape.top
    return shape.bound if isinstance(shape, Function) else 1.0


def _united(parts: Sequence[Rows]) -> Rows:
    """Return all rows of several arrays, growing, each once."""
    rows = np.concatenate(parts)
    rows.sort()
    united: Rows = rows[np.diff(rows, prepend=-1) != 0]
    return united


def _greatest(numbers: Values, count: int) -> np.float64:
    """Return the `count`-th largest number."""
    found: np.float64 = np.partition(numbers, len(numbers) - count)[len(numbers) - count]
    return found


def best_of(rows: Rows, scores: Values, count: int, ranks: NDArray[np.int64] | None = None) -> tuple[Rows, Values]:
    """Return the best `count` rows in order and their scores; equal scores keep the order of `ranks`, or of `rows`."""
    if len(rows) > 4 * count > 0:
        some = (scores >= _greatest(scores, count)).nonzero()[0]
        rows, scores, ranks = rows[some], scores[some], None if ranks is None else ranks[some]
    chosen = np.lexsort((rows if ranks is None else ranks, -scores))[:count]
    return rows[chosen], scores[chosen]
