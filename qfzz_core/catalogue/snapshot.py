"""One state of the catalogue in memory: immutable, so that readers keep it while a newer one is made.

A segment holds the rows of a base, a table all rows, a snapshot says which of them count.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import attrs
import numpy as np
from numpy.typing import NDArray

from qfzz_core.contracts.columns import AnyColumn, CategoryColumn, Columns, Rows, among, as_rows
from qfzz_core.contracts.stores import CatalogueToken
from qfzz_core.model.cached_property import cached_property
from qfzz_core.model.forks import renewed_after_fork
from qfzz_core.model.plain import sealed
from qfzz_core.model.tracks import Track
from qfzz_core.plugins.faults import store_errors_pass

# Keys that are found one by one. In a delta of 8,192 rows one takes 5 microseconds; sorting it first, which serves all
# later keys of the snapshot, takes 500, and most snapshots are replaced before so many keys were looked for.
_FEW = 16

TracksAt = Callable[[Sequence[int]], list[Track | None]]


class StaleCatalogueError(Exception):
    """A track of the snapshot is not in the store any more: the request has to begin again with a newer one."""


@attrs.frozen(eq=False)
class Table:
    """What is known of rows, deleted ones included.

    `positions` are int64; `ids` are the identifiers as a category column, in which the code of a row of the base is
    the row itself, and a row of the delta has the code that its identifier has always had.
    """

    positions: NDArray[np.int64] = attrs.field(converter=sealed)
    ids: CategoryColumn
    columns: Mapping[str, AnyColumn]

    def __len__(self) -> int:
        return len(self.positions)

    def select(self, rows: Rows) -> Table:
        """Return some of the rows, in this order."""
        columns = {name: column.select(rows) for name, column in self.columns.items()}
        return Table(self.positions[rows], self.ids.select(rows), columns)

    def live_columns(self, base: int, deleted: Rows) -> Columns:
        """Return the columns, whose look-up finds the rows that are not deleted; the first `base` rows are the base."""
        ids = self.ids
        live = _LiveRows(ids.codes, base, deleted)

        def rows_of(track_ids: Iterable[str]) -> Rows:
            codes = ids.vocabulary.codes(track_ids).astype(np.intp)
            return live.find(codes, np.where(codes < base, codes, -1))

        return Columns(self.columns, len(self), rows_of)


@attrs.define(slots=False, eq=False, repr=False, on_setattr=attrs.setters.NO_OP)
class Snapshot:
    """One snapshot. Row numbers mean something within this snapshot only.

    Rows [0, `base`) are in ascending order of position and are those of `segment`; the rows behind them are the delta:
    what was written since, in any order of position. `deleted` are the rows, ascending, that are no longer part of the
    catalogue, because their track was removed, or replaced by a row of the delta. `positions` has shape (rows,).
    `in_order` says that positions ascend over all rows that are not deleted; with replaced tracks they do not.
    `tracks_at` gives fresh dictionaries by position, None where there is none any more.
    """

    token: CatalogueToken
    table: Table
    segment: Segment
    deleted: Rows = attrs.field(converter=sealed)
    in_order: bool = attrs.field(kw_only=True)
    tracks_at: TracksAt = attrs.field(kw_only=True)

    def __attrs_post_init__(self) -> None:
        self.base = self.segment.columns.length
        self.positions = self.table.positions
        self.columns = self.table.live_columns(self.base, self.deleted)

    def __len__(self) -> int:
        """Return how many tracks there are: the rows that are not deleted."""
        return len(self.positions) - len(self.deleted)

    @cached_property
    def base_deleted(self) -> Rows:
        """The deleted rows of the base."""
        return self.deleted[: self.deleted.searchsorted(self.base)]

    @cached_property
    def live_delta(self) -> Rows:
        """The rows of the delta that are not deleted, ascending."""
        deleted = self.deleted[len(self.base_deleted) :]
        return np.delete(np.arange(self.base, len(self.table)), deleted - self.base)

    def fetch(self, rows: Rows) -> list[Track]:
        """Return the dictionaries of rows; raises `StaleCatalogueError` if one is gone."""
        with store_errors_pass:  # a function of tracks may ask for them
            found = [track for track in self.tracks_at(self.positions[rows].tolist()) if track is not None]
        if len(found) < len(rows):
            raise StaleCatalogueError
        return found

    def row(self, track_id: str) -> int | None:
        """Return the row of a track, None if the catalogue lacks it."""
        row = int(self.columns.rows([track_id])[0])
        return None if row < 0 else row

    def rows(self, track_ids: Iterable[str]) -> Rows:
        """Return the rows of those of the tracks that the catalogue has, in the order given."""
        rows = self.columns.rows(track_ids)
        return rows[rows >= 0]

    def rows_at(self, positions: Rows) -> Rows:
        """Return the rows of those of the positions where the catalogue has a track, in the order given."""
        base = self.positions[: self.base]
        rows = np.minimum(base.searchsorted(positions), self.base - 1)
        rows = np.where(base[rows] == positions, rows, -1) if self.base else np.full(len(positions), -1)
        live = _LiveRows(self.positions, self.base, self.deleted).find(positions, rows)
        return live[live >= 0]

    def ids(self, rows: Rows) -> list[str]:
        """Return the ids of the tracks in these rows."""
        return [str(name) for name in self.table.ids.names(rows)]

    def live_rows(self) -> Rows:
        """Return the rows that are not deleted, in order of position."""
        mask = np.ones(len(self.table), dtype=np.bool_)
        mask[self.deleted] = False
        rows = np.flatnonzero(mask)
        return rows if self.in_order else rows[np.argsort(self.positions[rows], kind="stable")]


class _LiveRows:
    """Finds the live rows of keys, of which a row each has one.

    It does not hold the snapshot: columns that hold it would make a circle with theirs, and a base of a million rows
    would stay in memory until the garbage collector comes by.
    """

    def __init__(self, keys: NDArray[Any], base: int, deleted: Rows) -> None:
        self._keys = keys
        self._base = base
        self._deleted = deleted

    def find(self, keys: Rows, base_rows: Rows) -> Rows:
        """Return the live row of each key, -1 if there is none; `base_rows` are those of the base, -1 likewise.

        A key may have several rows in the delta. The last one counts: it replaced the others.
        """
        rows = base_rows
        if len(self._keys) > self._base:
            places = self._last_places(keys)
            rows = np.where(places >= 0, self._base + places, rows)
        return np.where(among(rows, self._deleted), -1, rows)

    def _last_places(self, keys: Rows) -> Rows:
        if len(keys) <= _FEW:
            return as_rows([self._last_place(key) for key in keys.tolist()])
        order, ascending = self._ordered
        last = ascending.searchsorted(keys, side="right") - 1
        return np.where(ascending[last] == keys, order[last], -1)

    def _last_place(self, key: int) -> int:
        found = np.flatnonzero(self._keys[self._base :] == key)
        return int(found[-1]) if len(found) else -1

    @cached_property
    def _ordered(self) -> tuple[Rows, NDArray[Any]]:
        delta = self._keys[self._base :]
        order = np.argsort(delta, kind="stable")
        return order, delta[order]


logger = logging.getLogger("qfzz.catalogue")

T = TypeVar("T")
Make = Callable[["Segment"], T]
Restore = Callable[["Segment", Mapping[str, NDArray[Any]]], T]


class DerivedCache(Protocol):
    """Keeps on disk what was derived of one segment."""

    def load(self, key: str) -> Mapping[str, NDArray[Any]] | None:
        """Return the arrays saved under a key, None if there are none that can be used."""

    def save(self, key: str, made: Any) -> None:
        """Save the arrays of what was made, some time later."""


class Segment:
    """The columns of rows in ascending order of position, shared by all snapshots that begin with these rows.

    Some of the rows may be deleted in a snapshot; the columns stay as they are.
    """

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self._derived: dict[Hashable, Any] = {}
        self._ways: dict[Hashable, tuple[Make[Any], Restore[Any] | None]] = {}
        self.cache: DerivedCache | None = None
        self.renew()
        renewed_after_fork(self)

    def renew(self) -> None:
        """Put new locks in the place of those that a thread of the parent process may hold."""
        self._lock = threading.Lock()
        self._making: dict[Hashable, threading.Lock] = {}

    def derived(self, key: Hashable, make: Make[T], restore: Restore[T] | None = None) -> T:
        """Return what `make` gives of this segment, made once for a key: other threads wait meanwhile.

        What it raises is raised, and the next call tries again. `make` is kept, to be called with the segment that
        takes this one's place: it should hold nothing but what it needs.

        With `restore`, what is made is kept on disk where the catalogue is: the key is a string, what is made has a
        method `arrays()` that returns arrays of numbers by name, and `restore(segment, arrays)` makes the same of
        them, without copying what it need not. What a changed `make` gives needs another key.
        """
        if key not in self._derived:
            with self._lock:
                making = self._making.setdefault(key, threading.Lock())
            with making:  # a lock for each key: to derive one thing may derive another
                if key not in self._derived:
                    self._derived[key] = self._restored(key, make, restore)
                    self._ways[key] = (make, restore)
        found: T = self._derived[key]
        return found

    def derive_as(self, other: Segment) -> None:
        """Derive what was derived of another segment, so that nobody waits for it later."""
        for key, (make, restore) in list(other._ways.items()):
            self.derived(key, make, restore)

    def _restored(self, key: Hashable, make: Make[T], restore: Restore[T] | None) -> T:
        cache = self.cache
        if cache is None or restore is None or not isinstance(key, str):
            return make(self)
        arrays = cache.load(key)
        if arrays is not None:
            try:
                return restore(self, arrays)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it is made again
                logger.debug("what is cached of %s is not used: %r", key, error)
        made = make(self)
        cache.save(key, made)
        return made
