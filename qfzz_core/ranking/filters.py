"""Filters: from prepared filters to tests of rows, and the rows that pass."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence, Set
from itertools import islice
from typing import Any, ParamSpec, TypeVar

import attrs
import numpy as np
from numpy.typing import NDArray

from qfzz_core.catalogue.snapshot import Snapshot
from qfzz_core.contracts.columns import CategoryColumn, FlagColumn, NumberColumn, Rows, TagsColumn
from qfzz_core.contracts.filters import CategoryFilter, IdFilter, Predicate, PreparedFilter, RangeFilter
from qfzz_core.errors import shown
from qfzz_core.model.cached_property import cached_property
from qfzz_core.model.plain import number_of, own_text, sealed
from qfzz_core.plugins.faults import BrokenContractError, ComponentFaultError, answer, fault_in
from qfzz_core.plugins.record import Origin

T = TypeVar("T")
P = ParamSpec("P")
Mask = NDArray[np.bool_]
Passes = Callable[[Rows], Mask]

# Rows tested at a time when all are, so that what a test makes of them stays in the processor's cache. A predicate of
# two columns takes for a million rows 92 ms with 2,048, 74 with 8,192, 62 with 32,768 and 74 with 131,072.
BLOCK = 32_768
# Rows tested at a time by an array of their own, which takes little of the cache: a range takes for a million rows
# 0.51 ms with 16,384, 0.36 with 65,536, 0.26 with 262,144 and 0.39 with 1,048,576.
STRETCH = 8 * BLOCK
# Ids of rows are looked up one by one until they are an ID_COST-th of the ids that a filter names. An id takes 0.3 us,
# but a flag for each of a million rows with 10,000 ids 1.1 ms, which later blocks share: 500 rows of a first block take
# 0.23 ms, and a request that leaves out 10,000 ids 2.2 ms with 1, 2.1 with 16 and 64, and 6.1 with 256.
ID_COST = 16
# Codes are compared with the first and the last wanted one if those between them are at most a NARROW-th of all, else
# looked up. With two wanted of 120 genres, a million rows take 1.2 ms compared and 1.7 looked up when 10 lie between
# them, 2.3 and 1.9 ms when 30 do, and 20 and 3 ms when 110 do.
NARROW = 4


# Names or ids that a plugin's filter may give: ten times the largest catalogue that is measured. They take 80 MB, where
# an iterator without end would take all there is.
MOST_NAMES = 10_000_000


@attrs.frozen(eq=False)
class ActiveFilter:
    """One prepared filter of a request and where it came from; `origin` is None for a condition on a column."""

    name: str
    prepared: PreparedFilter
    origin: Origin | None = None

    @property
    def prunes(self) -> bool:
        """Whether it says what passes, instead of a function that has to be called."""
        return not isinstance(self.prepared, Predicate)


def settled(prepared: Any) -> Any:
    """Return what a filter prepared, read once and in objects of our own: its tests run where nobody catches a fault.

    Raises `BrokenContractError` for names or track ids that are no strings, or never end.
    """
    kind = type(prepared)
    if issubclass(kind, IdFilter):
        return IdFilter(track_ids=_own_strings(prepared.track_ids, "track_ids"), exclude=bool(prepared.exclude))
    if issubclass(kind, CategoryFilter):
        names = tuple(_own_strings(prepared.names, "names"))
        return CategoryFilter(column=own_text(prepared.column), names=names, exclude=bool(prepared.exclude))
    if issubclass(kind, RangeFilter):
        return RangeFilter(column=own_text(prepared.column), low=prepared.low, high=prepared.high)
    if issubclass(kind, Predicate):
        return Predicate(function=prepared.function)
    raise _no_filter(kind)


def _no_filter(kind: type) -> BrokenContractError:
    wanted = "CategoryFilter, RangeFilter, IdFilter, Predicate or None"
    return BrokenContractError(f"a filter's prepare must return {wanted}, got {kind.__name__}")


def _own_strings(given: Iterable[str], what: str) -> Collection[str]:
    strings: Collection[Any] = frozenset(given) if isinstance(given, Set) else tuple(islice(given, MOST_NAMES + 1))
    if len(strings) > MOST_NAMES:
        raise BrokenContractError(f"{what} gave more than {MOST_NAMES:,} strings")
    types = set(map(type, strings))
    if types <= {str}:
        return strings
    for wrong in not_strings(strings):
        raise BrokenContractError(f"{what} must be strings, got {shown(wrong)}")
    return tuple(map(own_text, strings))


def read_once(items: Iterable[T]) -> Collection[T]:
    """Return the items as nobody else can change them: a set as a set, others as a tuple."""
    return frozenset(items) if isinstance(items, Set) else tuple(items)


def not_strings(items: Collection[Any]) -> list[Any]:
    """Return those of the items that are no strings."""
    try:
        "".join(items)  # looks at each of them, in a quarter of the time that a loop takes
    except TypeError:
        return [item for item in items if not isinstance(item, str)]
    return []


def row_test(snapshot: Snapshot, active: ActiveFilter) -> Passes:
    """Return the test of rows of a filter; raises `ComponentFaultError` if a plugin's cannot be one.

    Failures of the test are the plugin's, too; once it is made, only one that calls a function of theirs fails.
    """
    test = _guarded(active, _test, snapshot, active.prepared)
    return test if active.prunes else lambda rows: _guarded(active, test, rows)


def _guarded(active: ActiveFilter, function: Callable[P, T], *args: P.args, **keywords: P.kwargs) -> T:
    """Return what a function returns; what it raises is the fault of the plugin whose filter it is."""
    if active.origin is None:
        return function(*args, **keywords)
    try:
        return function(*args, **keywords)
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
        raise ComponentFaultError(f"filter {active.name}", active.origin) from fault_in(error)


def _test(snapshot: Snapshot, prepared: PreparedFilter) -> Passes:
    if isinstance(prepared, Predicate):
        shown = snapshot.columns.shown
        return lambda rows: _booleans(answer(prepared.function, shown, sealed(rows)), len(rows))
    if isinstance(prepared, IdFilter):
        return IdTest(snapshot, read_once(prepared.track_ids), prepared.exclude)
    if isinstance(prepared, CategoryFilter):
        return category_test(snapshot.columns[prepared.column], prepared)
    if isinstance(prepared, RangeFilter):
        return range_test(snapshot.columns[prepared.column], prepared)
    raise _no_filter(type(prepared))


def _booleans(result: object, count: int) -> Mask:
    mask = np.array(result)  # a copy: the plugin may keep its own array
    if mask.dtype != np.bool_ or mask.shape != (count,):
        raise BrokenContractError(f"a predicate must return {count} booleans, got {mask.dtype} of shape {mask.shape}")
    return mask


def live_rows_passing(snapshot: Snapshot, passes: Sequence[Passes]) -> Rows:
    """Return the rows of all tracks that pass all tests, in order of position."""
    if not (passes and isinstance(passes[0], ColumnTest) and snapshot.in_order):
        return passing_rows(_live_blocks(snapshot), passes)
    starts = range(0, snapshot.columns.length, STRETCH)
    stretches = (passes[0].stretch(start, start + STRETCH) for start in starts)
    rows = passing_rows((block for stretch in stretches for block in _blocks(stretch)), passes[1:])
    return rows[~np.isin(rows, snapshot.deleted)] if len(snapshot.deleted) else rows


def _live_blocks(snapshot: Snapshot) -> Iterator[Rows]:
    """Iterate the rows of all tracks in order of position, in blocks that the processor's cache holds."""
    length = snapshot.columns.length
    if not snapshot.in_order:
        yield from _blocks(snapshot.live_rows())
        return
    for start in range(0, length, BLOCK):
        stop = min(start + BLOCK, length)
        deleted = snapshot.deleted[snapshot.deleted.searchsorted(start) : snapshot.deleted.searchsorted(stop)]
        yield np.delete(np.arange(start, stop), deleted - start) if len(deleted) else np.arange(start, stop)


def _blocks(rows: Rows) -> Iterator[Rows]:
    return (rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK))


def passing_rows(blocks: Iterable[Rows], passes: Sequence[Passes]) -> Rows:
    """Return the rows that pass all tests, in the order given; each is called only with what those before it passed."""
    kept = [np.empty(0, dtype=np.intp)]
    for block in blocks:
        passing = block
        for test in passes:
            if len(passing):
                passing = passing[test(passing)]
        kept.append(passing)
    return np.concatenate(kept)


class IdTest:
    """Tests which rows have one of some track ids, or with `exclude` which have not.

    Looks the ids of few rows up among those ids; for more rows, the rows of those ids.
    """

    def __init__(self, snapshot: Snapshot, track_ids: Collection[str], exclude: bool) -> None:
        self._snapshot = snapshot
        self._track_ids = track_ids
        self._exclude = exclude

    def __call__(self, rows: Rows) -> Mask:
        """Return which rows pass."""
        few = len(rows) * ID_COST < len(self._track_ids) and "_flags" not in self.__dict__
        named = self._known(self._snapshot.ids(rows)) if few else self._flags[rows]
        return ~named if self._exclude else named

    def _known(self, track_ids: list[str]) -> Mask:
        known = frozenset(track_ids).intersection(self._track_ids)  # without a set of the others, which are many
        return np.fromiter(map(known.__contains__, track_ids), np.bool_, len(track_ids))

    @cached_property
    def _flags(self) -> Mask:
        """Of all rows, whether they have one of the ids."""
        flags = np.zeros(self._snapshot.columns.length, dtype=np.bool_)
        flags[self._snapshot.rows(self._track_ids)] = True
        return flags


class ColumnTest:
    """Tests rows by an array that has an entry for each: any rows, or a stretch of them without looking them up."""

    def __init__(self, array: NDArray[Any], passes: Callable[[NDArray[Any]], Mask]) -> None:
        self._array = array
        self._passes = passes

    def __call__(self, rows: Rows) -> Mask:
        """Return which rows pass."""
        return self._passes(self._array[rows])

    def stretch(self, start: int, stop: int) -> Rows:
        """Return the rows that pass, from `start` to before `stop` or the end."""
        rows: Rows = self._passes(self._array[start:stop]).nonzero()[0] + start
        return rows


class CodeTest(ColumnTest):
    """Tests rows by codes: those pass that have a true entry in `inside`, the last of which is that of code -1."""

    def __init__(self, codes: NDArray[Any], inside: Mask) -> None:
        super().__init__(codes, lambda some: inside.take(some, mode="wrap"))
        wanted = inside[:-1].nonzero()[0]
        self._low, self._high = (int(wanted[0]), int(wanted[-1])) if len(wanted) else (1, 0)
        self._last = len(inside) - 2
        between = self._high - self._low + 1
        self._whole = between == len(wanted)
        self._compares = not inside[-1] and (self._whole or between <= len(inside) // NARROW)

    def stretch(self, start: int, stop: int) -> Rows:
        """Return the rows that pass, from `start` to before `stop` or the end."""
        if not self._compares:
            return super().stretch(start, stop)
        codes = self._array[start:stop]
        between = codes >= self._low  # several times as fast as looking codes up
        if self._high < self._last:
            between &= codes <= self._high
        rows: Rows = between.nonzero()[0] + start
        return rows if self._whole else rows[self(rows)]


def category_test(column: CategoryColumn | TagsColumn, prepared: CategoryFilter) -> Passes:
    """Return the test of a filter on categories or tags."""
    codes = column.vocabulary.having(*prepared.names)
    named = np.zeros(len(column.vocabulary) + 1, dtype=np.bool_)
    named[codes] = True
    if isinstance(column, CategoryColumn):
        return CodeTest(column.codes, named != bool(prepared.exclude))

    def passes(rows: Rows) -> Mask:
        starts, codes = column.of_rows(rows)
        counts = np.concatenate([[0], np.cumsum(named[codes])])
        found: Mask = counts[starts[1:]] > counts[starts[:-1]]
        return ~found if prepared.exclude else found

    return passes


def range_test(column: NumberColumn | FlagColumn, prepared: RangeFilter) -> ColumnTest:
    """Return the test of a filter on numbers; what is missing never passes."""
    low, high = _end(prepared.low, -math.inf), _end(prepared.high, math.inf)

    def passes(numbers: NDArray[Any]) -> Mask:
        mask = numbers >= low
        mask &= numbers <= high
        return mask

    if isinstance(column, FlagColumn):
        return CodeTest(column.flags, passes(np.array([0.0, 1.0, np.nan])))
    if column.levels is None:
        return ColumnTest(column.stored, passes)
    return CodeTest(column.stored, passes(np.append(column.levels, np.nan)))


def _end(given: Any, open_end: float) -> float:
    if given is None:
        return open_end
    end = number_of(given)
    if end is None:
        raise BrokenContractError(f"a range ends at a number or None, got {shown(given)}")
    return end
