"""The latest interactions of a user with each track: what filters by history go by, without reading the log."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from qfzz_core.contracts.columns import Columns, Rows
from qfzz_core.contracts.filters import Predicate
from qfzz_core.model.timestamps import NEVER, microseconds

Tracks = NDArray[np.bool_]


class LatestInteractions:
    """The latest interactions of a user, of some types, as one state of the log has them.

    `track_ids` are the tracks that had such an interaction, whether the catalogue has them or not. Arrays of shape
    (tracks,) have an entry for each, in this order.
    """

    def __init__(
        self,
        track_ids: Sequence[str],
        numbers: Mapping[str, NDArray[np.int64]],
        rows_of: Callable[[Columns], Rows],
    ) -> None:
        """`numbers` are positions and moments by type, shape (2, tracks); `rows_of` finds the rows of the tracks."""
        self.track_ids = track_ids
        self._numbers = numbers
        self._rows_of = rows_of

    def positions(self, types: Collection[str]) -> NDArray[np.int64]:
        """Return the position of the last interaction of these types with each track, 0 where there is none.

        Raises KeyError for a type that was not asked for.
        """
        return self._latest(types, 0, 0)

    def moments(self, types: Collection[str]) -> NDArray[np.int64]:
        """Return the greatest timestamp of these types, in microseconds since 1970-01-01 UTC, `NEVER` without one.

        Timestamps do not order the log, so it need not be that of the last interaction. Raises KeyError as `positions`.
        """
        return self._latest(types, 1, NEVER)

    def since(self, moment: datetime, types: Collection[str]) -> Tracks:
        """Return with which tracks there was an interaction of these types at `moment`, with a time zone, or later."""
        return self.moments(types) >= max(microseconds(moment), NEVER + 1)

    def _latest(self, types: Collection[str], line: int, none: int) -> NDArray[np.int64]:
        latest = np.full(len(self.track_ids), none, dtype=np.int64)
        for name in types:
            np.maximum(latest, self._numbers[name][line], out=latest)
        return latest

    def leave_out(self, tracks: Tracks) -> Predicate | None:
        """Return the filter that leaves out those of the tracks; None, which lets every track pass, if it is none."""
        chosen = np.flatnonzero(tracks)
        flags: tuple[Columns, Tracks] | None = None

        def passes(columns: Columns, rows: Rows) -> NDArray[np.bool_]:
            nonlocal flags
            known = flags
            if known is None or known[0] is not columns:
                known = flags = columns, self._flags(columns, chosen)
            return ~known[1][rows]

        return Predicate(function=passes) if len(chosen) else None

    def _flags(self, columns: Columns, chosen: NDArray[np.intp]) -> Tracks:
        """Return of all rows whether they have one of the chosen tracks."""
        rows = self._rows_of(columns)[chosen]
        flags = np.zeros(columns.length, dtype=np.bool_)
        flags[rows[rows >= 0]] = True
        return flags
