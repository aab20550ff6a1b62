"""From prepared filters to tests of rows; the same test serves a few candidates and the whole catalogue."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from qfzz_core.catalogue.snapshot import Catalogue
from qfzz_core.columns import CategoryColumn, FlagColumn, NumberColumn, Rows, TagsColumn, sealed
from qfzz_core.contracts import CategoryFilter, IdFilter, Predicate, PreparedFilter, RangeFilter
from qfzz_core.plugins.faults import BrokenContractError, ComponentFaultError, answer
from qfzz_core.plugins.origin import Origin

Mask = NDArray[np.bool_]
Passes = Callable[[Rows], Mask]

BLOCK = 32_768  # rows tested at a time when all are


@attrs.frozen(eq=False)
class ActiveFilter:
    """One prepared filter of a request and where it came from; `origin` is None for a condition on a column."""

    name: str
    prepared: PreparedFilter
    origin: Origin | None = None

    @property
    def prunes(self) -> bool:
        """Whether it says what passes, instead of having to be asked."""
        return not isinstance(self.prepared, Predicate)


def settled(prepared: Any) -> Any:
    """Return what a filter prepared, with its track ids read once; raises `BrokenContractError` if they are none."""
    if not isinstance(prepared, IdFilter):
        return prepared
    track_ids = frozenset(prepared.track_ids)
    wrong = next((track_id for track_id in track_ids if not isinstance(track_id, str)), None)
    if wrong is not None:
        raise BrokenContractError(f"track_ids must be texts, got {wrong!r}")
    return attrs.evolve(prepared, track_ids=track_ids)


def row_tests(catalogue: Catalogue, filters: Iterable[ActiveFilter]) -> list[Passes]:
    """Return for each filter the test of rows; raises `ComponentFaultError` if a plugin's cannot be one."""
    return [_guarded(active, partial(_test, catalogue, active.prepared)) for active in filters]


def live_blocks(catalogue: Catalogue) -> Iterator[Rows]:
    """Iterate the rows of all tracks in order of position, in blocks that the processor's cache holds."""
    length = catalogue.columns.length
    if not catalogue.in_order:
        rows = catalogue.live_rows()
        yield from (rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK))
        return
    for start in range(0, length, BLOCK):
        stop = min(start + BLOCK, length)
        dead = catalogue.dead[catalogue.dead.searchsorted(start) : catalogue.dead.searchsorted(stop)]
        yield np.delete(np.arange(start, stop), dead - start) if len(dead) else np.arange(start, stop)


def live_rows_passing(catalogue: Catalogue, passes: Sequence[Passes]) -> Rows:
    """Return the rows of all tracks that pass all tests, in order of position."""
    if not (passes and isinstance(passes[0], _ColumnTest) and catalogue.in_order):
        return passing_rows(live_blocks(catalogue), passes)
    starts = range(0, catalogue.columns.length, BLOCK)
    rows = passing_rows((passes[0].stretch(start, start + BLOCK) for start in starts), passes[1:])
    return rows[~np.isin(rows, catalogue.dead)] if len(catalogue.dead) else rows


def passing_rows(blocks: Iterable[Rows], passes: Sequence[Passes]) -> Rows:
    """Return the rows that pass all tests, in the order given; each is asked only about what those before it passed."""
    kept = [np.empty(0, dtype=np.intp)]
    for block in blocks:
        passing = block
        for test in passes:
            if len(passing):
                passing = passing[test(passing)]
        kept.append(passing)
    return np.concatenate(kept)


def _guarded(active: ActiveFilter, make: Callable[[], Passes]) -> Passes:
    if active.origin is None:
        return make()
    component, origin = f"filter {active.name}", active.origin

    def guarded(ask: Callable[[], Mask | Passes]) -> Mask | Passes:
        try:
            return ask()
        except Exception as error:
            raise ComponentFaultError(component, origin) from error

    test = guarded(make)
    return lambda rows: guarded(lambda: test(rows))  # type: ignore[operator,return-value]


def _test(catalogue: Catalogue, prepared: PreparedFilter) -> Passes:
    if isinstance(prepared, Predicate):
        return lambda rows: _booleans(answer(prepared.function, catalogue.columns, sealed(rows)), len(rows))
    if isinstance(prepared, IdFilter):
        return _IdTest(catalogue, prepared)
    if isinstance(prepared, CategoryFilter):
        return _category_test(catalogue.columns[prepared.column], prepared)
    if isinstance(prepared, RangeFilter):
        return _range_test(catalogue.columns[prepared.column], prepared)
    raise BrokenContractError(
        "a filter's prepare must return CategoryFilter, RangeFilter, IdFilter, Predicate or None, "
        f"got {type(prepared).__name__}"
    )


def _booleans(result: object, count: int) -> Mask:
    mask = np.asarray(result)
    if mask.dtype != np.bool_ or mask.shape != (count,):
        raise BrokenContractError(f"a predicate must return {count} booleans, got {mask.dtype} of shape {mask.shape}")
    return mask


class _IdTest:
    """Looks the track ids of rows up among the filter's, or the filter's rows among the rows: whichever are fewer."""

    def __init__(self, catalogue: Catalogue, prepared: IdFilter) -> None:
        self._catalogue = catalogue
        self._track_ids = frozenset(prepared.track_ids)
        self._exclude = prepared.exclude
        self._rows: Rows | None = None

    def __call__(self, rows: Rows) -> Mask:
        if self._rows is None and len(rows) < len(self._track_ids):
            found = np.array([track_id in self._track_ids for track_id in self._catalogue.ids(rows)], dtype=np.bool_)
        else:
            found = np.isin(rows, self._known())
        return ~found if self._exclude else found

    def _known(self) -> Rows:
        if self._rows is None:
            self._rows = self._catalogue.rows(self._track_ids)
        return self._rows


class _ColumnTest:
    """Tests rows by an array that has an entry for each: any rows, or a stretch of them without looking them up."""

    def __init__(self, array: NDArray[Any], passes: Callable[[NDArray[Any]], Mask]) -> None:
        self._array = array
        self._passes = passes

    def __call__(self, rows: Rows) -> Mask:
        return self._passes(self._array[rows])

    def stretch(self, start: int, stop: int) -> Rows:
        """Return the rows that pass, from `start` to before `stop` or the end."""
        return start + self._passes(self._array[start:stop]).nonzero()[0]


def _category_test(column: CategoryColumn | TagsColumn, prepared: CategoryFilter) -> Passes:
    codes = column.vocabulary.codes(prepared.names)
    wanted = np.unique(codes[codes >= 0])
    if isinstance(column, CategoryColumn):
        return _ColumnTest(column.codes, lambda codes: np.isin(codes, wanted, invert=prepared.exclude))

    def passes(rows: Rows) -> Mask:
        some = column.select(rows)
        counts = np.concatenate([[0], np.cumsum(np.isin(some.codes, wanted))])
        found: Mask = counts[some.starts[1:]] > counts[some.starts[:-1]]
        return ~found if prepared.exclude else found

    return passes


def _range_test(column: NumberColumn | FlagColumn, prepared: RangeFilter) -> Passes:
    if isinstance(column, FlagColumn):
        return _ColumnTest(column.flags, lambda flags: _in_range(flags, prepared))
    if column.levels is None:
        return _ColumnTest(column.stored, lambda numbers: _in_range(numbers, prepared))
    inside = _in_range(column.levels, prepared)  # of few numbers, instead of many rows
    return _ColumnTest(column.stored, lambda levels: inside[levels])


def _in_range(numbers: NDArray[Any], prepared: RangeFilter) -> Mask:
    low = -math.inf if prepared.low is None else prepared.low
    high = math.inf if prepared.high is None else prepared.high
    mask: Mask = (numbers >= low) & (numbers <= high)
    return mask
