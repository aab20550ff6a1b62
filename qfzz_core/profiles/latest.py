"""The latest interactions of recent users in this process, brought up to date by what the log has since."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from itertools import count

import numpy as np
from numpy.typing import NDArray

from qfzz_core.contracts.columns import Columns, Rows, as_rows
from qfzz_core.contracts.latest import LatestInteractions
from qfzz_core.contracts.stores import LatestRow, Store
from qfzz_core.model.events import Event
from qfzz_core.model.forks import renewed_after_fork
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.model.timestamps import NEVER
from qfzz_core.storage.latest import latest_of, latest_rows

# Tracks that are remembered, of all users together. One takes about 250 bytes with three types, so these take 25 MB.
KEPT_TRACKS = 100_000
USER_COST = 100  # tracks that take as much memory as a user without any
# Events that are read before the store is rather asked for its rows: they take 5 ms, as 5,000 rows do.
MOST_EVENTS = 1_000
_UNSTORED = (0, 0)  # the revision of a profile that no store gave

Numbers = dict[str, NDArray[np.int64]]


class LatestCache:
    """The latest interactions of the users of one store, as many as there is room for, those used last."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.renew()
        renewed_after_fork(self)

    def renew(self) -> None:
        """Begin empty, with a new lock: a thread of the parent process may have held one in the middle of a change."""
        self._lock = threading.Lock()
        self._users: OrderedDict[tuple[str, frozenset[str]], _User] = OrderedDict()

    def of(self, profile: ProfileSnapshot, types: Collection[str]) -> LatestInteractions:
        """Return a user's latest interactions of these types, no older than the profile."""
        key = profile.user_id, frozenset(types)
        with self._lock:
            user = self._users.pop(key, None) or _User(*key)
            self._users[key] = user
        before = user.cost
        latest = user.as_of(profile.revision, self._store)
        if user.cost != before:
            self._make_room()
        return latest

    def _make_room(self) -> None:
        with self._lock:
            cost = sum(user.cost for user in self._users.values())
            while cost > KEPT_TRACKS and len(self._users) > 1:
                cost -= self._users.popitem(last=False)[1].cost

    def drop(self, user_id: str) -> None:
        """Remember nothing of a user who was forgotten."""
        with self._lock:
            for key in [key for key in self._users if key[0] == user_id]:
                del self._users[key]


class _User:
    """One user and some types: the arrays of one state of the log, and the last event that they contain.

    Arrays are replaced and never changed, and tracks are only added; so an older `LatestInteractions` stays as it was.
    """

    def __init__(self, user_id: str, types: frozenset[str]) -> None:
        self._user_id = user_id
        self._types = types
        self._lock = threading.Lock()
        self._revision: tuple[int, int] | None = None
        self._last: Event | None = None
        self._was_read = False
        self._slots: dict[str, int] = {}  # the places of tracks in the arrays

    @property
    def cost(self) -> int:
        """The memory it takes, in tracks; 0 before anything was read."""
        return USER_COST + len(self._slots) if self._was_read else 0

    def as_of(self, revision: tuple[int, int], store: Store) -> LatestInteractions:
        """Return what the log says that the profile of this revision is of, or a later one."""
        with self._lock:
            if self._revision != revision or revision == _UNSTORED:
                events = None if self._revision is None else self._events_since(store)
                self._revision = None  # so that all is read again if the store fails in the middle
                if events is None:
                    self._read(store)
                elif events:
                    self._merge(latest_of(events, self._types))
                    self._last = events[0]
                self._revision = revision
            return self._latest

    def _events_since(self, store: Store) -> list[Event] | None:
        """Return what was recorded since, newest first; None if all has to be read again.

        That is if it is much, if something was retracted, or if the log is not the one known: a backup that was
        restored has other events at the same positions, or none.
        """
        events: list[Event] = []
        for event in store.events(self._user_id, newest_first=True):
            if self._last is not None and event.position <= self._last.position:
                return events if event == self._last else None
            events.append(event)
            if event.retracts or len(events) > MOST_EVENTS:
                return None
        return events if self._last is None else None

    def _read(self, store: Store) -> None:
        # The last event is read first: what is recorded meanwhile is in the rows, and makes no difference when merged.
        self._last = next(iter(store.events(self._user_id, newest_first=True)), None)
        self._slots = {}
        self._numbers: Numbers = {name: np.empty((2, 0), dtype=np.int64) for name in self._types}
        self._rows = _Rows()
        self._merge(latest_rows(store, self._user_id, self._types))
        self._was_read = True

    def _merge(self, rows: Iterable[LatestRow]) -> None:
        """Take the greater numbers of what is known and of rows."""
        types, track_ids, *given = [*zip(*rows, strict=True)] or ((), (), (), ())
        slots, rows_of = self._slots, self._rows
        new = [track_id for track_id in dict.fromkeys(track_ids) if track_id not in slots]
        slots.update(zip(new, count(len(slots))))
        rows_of.track_ids.extend(new)
        places = as_rows(list(map(slots.__getitem__, track_ids)))
        numbers = np.array(given, dtype=np.int64)
        self._numbers = {name: _longer(known, len(slots)) for name, known in self._numbers.items()}
        for name, known in self._numbers.items():
            chosen = np.array(types, dtype=object) == name
            known[:, places[chosen]] = np.maximum(known[:, places[chosen]], numbers[:, chosen])
        self._latest = LatestInteractions(rows_of.track_ids[:], self._numbers, rows_of.of)


def _longer(numbers: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Return a copy with room for as many tracks, those behind the end without an interaction."""
    longer = np.empty((2, length), dtype=np.int64)
    longer[0], longer[1] = 0, NEVER
    longer[:, : numbers.shape[1]] = numbers
    return longer


class _Rows:
    """The rows of tracks in the columns that were used last; looking one up takes 0.3 us, so they are kept.

    It does not hold the columns, which are those of a whole snapshot.
    """

    def __init__(self) -> None:
        self.track_ids: list[str] = []
        self._known: tuple[weakref.ref[Columns] | None, Rows] = None, as_rows([])

    def of(self, columns: Columns) -> Rows:
        """Return the row of each track, -1 where the catalogue lacks it."""
        known, rows = self._known
        if known is None or known() is not columns:
            known, rows = weakref.ref(columns), as_rows([])
        more: Sequence[str] = self.track_ids[len(rows) :]
        if more:
            rows = np.concatenate([rows, columns.rows(more)])
        self._known = known, rows
        return rows
