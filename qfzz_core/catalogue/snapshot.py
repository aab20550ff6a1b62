"""One state of the catalogue in memory: immutable, so that readers keep it while a newer one is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from qfzz_core.catalogue.segment import Segment
from qfzz_core.contracts.columns import AnyColumn, CategoryColumn, Columns, Rows, as_rows, sealed, without
from qfzz_core.contracts.stores import CatalogueToken
from qfzz_core.model.tracks import Track

_FEW = 16  # what is looked for so often is looked for one by one


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


class Snapshot:
    """One snapshot. Row numbers mean something within this snapshot only.

    Rows [0, `base`) are in growing order of position and are those of `segment`; the rows behind them are the delta:
    what was written since, in any order of position. `deleted` are the rows, ascending, that are no longer part of the
    catalogue, because their track was removed, or replaced by a row of the delta. `positions` has shape (rows,).
    `in_order` tells that positions grow over all rows that are not deleted; a delta with replaced tracks is not.
    `tracks_at` gives fresh dictionaries by position, None where there is none any more.
    """

    def __init__(
        self,
        token: CatalogueToken,
        table: Table,
        segment: Segment,
        deleted: Rows,
        *,
        in_order: bool,
        tracks_at: TracksAt,
    ) -> None:
        self.token = token
        self.table = table
        self.segment = segment
        self.base = segment.columns.length
        self.deleted = sealed(deleted)
        self.in_order = in_order
        self.tracks_at = tracks_at
        self.positions = table.positions
        self.columns = Columns(table.columns, len(table))

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
        found = [track for track in self.tracks_at(self.positions[rows].tolist()) if track is not None]
        if len(found) < len(rows):
            raise StaleCatalogueError
        return found

    def row(self, track_id: str) -> int | None:
        """Return the row of a track, None if the catalogue lacks it."""
        rows = self.rows([track_id])
        return int(rows[0]) if len(rows) else None

    def rows(self, track_ids: Iterable[str]) -> Rows:
        """Return the rows of those of the tracks that the catalogue has, in the order given."""
        codes = self.table.ids.vocabulary.codes(track_ids).astype(np.intp)
        rows = np.where(codes < self.base, codes, -1)
        return self._alive(self._latest(codes, rows, self._delta_codes))

    def rows_at(self, positions: Rows) -> Rows:
        """Return the rows of those of the positions where the catalogue has a track, in the order given."""
        base = self.positions[: self.base]
        rows = np.minimum(base.searchsorted(positions), self.base - 1)
        rows = np.where(base[rows] == positions, rows, -1) if self.base else np.full(len(positions), -1)
        return self._alive(self._latest(positions, rows, self._delta_positions))

    def ids(self, rows: Rows) -> list[str]:
        """Return the ids of the tracks in these rows."""
        return [str(name) for name in self.table.ids.names(rows)]

    def live_rows(self) -> Rows:
        """Return the rows that are not deleted, in order of position."""
        mask = np.ones(len(self.table), dtype=np.bool_)
        mask[self.deleted] = False
        rows = np.flatnonzero(mask)
        return rows if self.in_order else rows[np.argsort(self.positions[rows], kind="stable")]

    @cached_property
    def _delta_codes(self) -> _Latest:
        return _Latest(self.table.ids.codes[self.base :])

    @cached_property
    def _delta_positions(self) -> _Latest:
        return _Latest(self.positions[self.base :])

    def _latest(self, keys: Rows, rows: Rows, delta: _Latest) -> Rows:
        """Return the latest row of each key: the delta's where it has one, and `rows`, those of the base, elsewhere."""
        if len(self.table) == self.base:
            return rows
        places = delta.places(keys)
        latest: Rows = np.where(places >= 0, self.base + places, rows)
        return latest

    def _alive(self, rows: Rows) -> Rows:
        return without(rows[rows >= 0], self.deleted)


class _Latest:
    """Finds the last place of a key in a short array."""

    def __init__(self, keys: NDArray[Any]) -> None:
        self._keys = keys

    @cached_property
    def _order(self) -> Rows:
        order: Rows = np.argsort(self._keys, kind="stable")
        return order

    @cached_property
    def _ordered(self) -> NDArray[Any]:
        return self._keys[self._order]

    def places(self, wanted: Rows) -> Rows:
        """Return the last place of each key, -1 for one that is not there."""
        if len(wanted) <= _FEW:
            return as_rows([self._place(key) for key in wanted.tolist()])
        last = self._ordered.searchsorted(wanted, side="right") - 1
        return np.where(self._ordered[last] == wanted, self._order[last], -1)

    def _place(self, key: int) -> int:
        found = np.flatnonzero(self._keys == key)
        return int(found[-1]) if len(found) else -1
