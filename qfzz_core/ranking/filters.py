"""From prepared filters to tests of rows, and to the rows that pass them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence, Set
from functools import partial
from typing import Any, TypeVar

import attrs
import numpy as np

from qfzz_core.catalogue.snapshot import Snapshot
from qfzz_core.contracts.columns import Rows, sealed
from qfzz_core.contracts.filters import CategoryFilter, IdFilter, Predicate, PreparedFilter, RangeFilter
from qfzz_core.plugins.faults import BrokenContractError, ComponentFaultError, answer
from qfzz_core.plugins.origin import Origin
from qfzz_core.ranking.row_tests import ColumnTest, IdTest, Mask, Passes, category_test, range_test

T = TypeVar("T")

BLOCK = 32_768  # rows tested at a time when all are
STRETCH = 8 * BLOCK  # rows tested at a time by an array of their own, which takes little of the processor's cache


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
    track_ids = read_once(prepared.track_ids)
    for wrong in not_texts(track_ids):
        raise BrokenContractError(f"track_ids must be texts, got {wrong!r}")
    return attrs.evolve(prepared, track_ids=track_ids)


def read_once(items: Iterable[T]) -> Collection[T]:
    """Return the items as nobody else can change them: a set as a set, others as a tuple."""
    return frozenset(items) if isinstance(items, Set) else tuple(items)


def not_texts(items: Collection[Any]) -> list[Any]:
    """Return those of the items that are no texts."""
    try:
        "".join(items)  # looks at each of them, in a quarter of the time that a loop takes
    except TypeError:
        return [item for item in items if not isinstance(item, str)]
    return []


def row_tests(snapshot: Snapshot, filters: Iterable[ActiveFilter]) -> list[Passes]:
    """Return for each filter the test of rows; raises `ComponentFaultError` if a plugin's cannot be one."""
    return [_guarded(active, partial(_test, snapshot, active.prepared)) for active in filters]


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
    """Return a test whose failures are the plugin's: once it is made, only one that asks a function of theirs fails."""
    if active.origin is None:
        return make()
    component, origin = f"filter {active.name}", active.origin

    def guarded(ask: Callable[[], Mask | Passes]) -> Mask | Passes:
        try:
            return ask()
        except Exception as error:
            raise ComponentFaultError(component, origin) from error

    test = guarded(make)
    return test if active.prunes else lambda rows: guarded(lambda: test(rows))  # type: ignore[operator,return-value]


def _test(snapshot: Snapshot, prepared: PreparedFilter) -> Passes:
    if isinstance(prepared, Predicate):
        return lambda rows: _booleans(answer(prepared.function, snapshot.columns, sealed(rows)), len(rows))
    if isinstance(prepared, IdFilter):
        return IdTest(snapshot, read_once(prepared.track_ids), prepared.exclude)
    if isinstance(prepared, CategoryFilter):
        return category_test(snapshot.columns[prepared.column], prepared)
    if isinstance(prepared, RangeFilter):
        return range_test(snapshot.columns[prepared.column], prepared)
    raise BrokenContractError(
        "a filter's prepare must return CategoryFilter, RangeFilter, IdFilter, Predicate or None, "
        f"got {type(prepared).__name__}"
    )


def _booleans(result: object, count: int) -> Mask:
    mask = np.asarray(result)
    if mask.dtype != np.bool_ or mask.shape != (count,):
        raise BrokenContractError(f"a predicate must return {count} booleans, got {mask.dtype} of shape {mask.shape}")
    return mask
