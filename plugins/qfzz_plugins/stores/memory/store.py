"""The store `memory:`: the whole contract in one process, without a file.

A commit of the catalogue happens at one assignment, `rows.update`, which nothing can interrupt half-way. What is
written before it is only a hint until then: an entry of `_positions` counts if the row there has that track_id.
"""

from __future__ import annotations

import math
import secrets
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from operator import attrgetter
from threading import RLock
from typing import Any

from qfzz_core.contracts.stores import CatalogueChanges, CatalogueToken, LatestRow, Transaction, UserRecord, Written
from qfzz_core.errors import ClosedError
from qfzz_core.model.forks import quiet_at_fork
from qfzz_core.model.plain import copied
from qfzz_core.model.tracks import Track
from qfzz_core.storage.records import refuse_used, write_record
from qfzz_core.storage.unit_of_work import FoundUnit
from qfzz_core.storage.whole_users import Turns, WholeUserStore
from qfzz_plugins.stores.memory.users import MemoryUser, User

KEPT_COMMITS = 1000  # how far back a reader can get the changes alone


class MemoryCatalogue:
    """The methods of the store that have to do with tracks. Reading one takes no lock; commits follow one another."""

    def __init__(self) -> None:
        self._closed = False
        self.renew()
        quiet_at_fork(self)
        self._rows: dict[int, Track | None] = {}  # in order of position; None where a track was removed
        self._positions: dict[str, int] = {}
        self._last_position = 0
        self._token = CatalogueToken(secrets.token_hex(8), 0, "")
        self._tokens = {0: ""}
        self._changes: list[tuple[int, int]] = []  # (counter of the commit, position), ascending by counter
        self._compact_at = 0

    def renew(self) -> None:
        """Put a new lock in the place of one that a thread of the parent process may hold."""
        self._lock = RLock()

    def fork_locks(self) -> list[Any]:
        """Return the locks under which users and tracks change, so that a child has all of a commit or nothing."""
        return [self._lock]

    def _refuse_closed(self) -> None:
        if self._closed:
            raise ClosedError("the store memory: was closed")

    def catalogue_token(self) -> CatalogueToken:
        """Return the token of the catalogue as it is now."""
        self._refuse_closed()
        return self._token

    def write_tracks(self, tracks: Iterable[Track]) -> Written:
        """Add or replace tracks, all or none."""
        self._refuse_closed()
        latest = _latest(tracks)
        with self._lock:
            return self._put(latest, {}) if latest else Written(0, 0)

    def _load_tracks(self, tracks: Iterable[Track], empty_first: bool, only_if_new: bool, held_tracks: bool) -> None:
        """Do for the tracks what `Store.load` promises."""
        latest = _latest(tracks)
        with self._lock:
            refuse_used("memory:", only_if_new and self._token.counter)
            if latest or held_tracks:
                self._put(latest, dict.fromkeys(self._rows) if empty_first else {})
            elif empty_first:
                self._become_new()

    def _put(self, latest: Mapping[str, Track], rows: dict[int, Track | None]) -> Written:
        """Commit tracks together with `rows`, whose tracks are removed."""
        position = self._last_position
        for track_id, track in latest.items():
            known = self._stored(track_id)
            at = position + 1 if known is None or known[0] in rows else known[0]
            rows[at] = track
            position = max(position, at)
        added = position - self._last_position
        self._commit(rows, position)
        return Written(added, len(latest) - added)

    def _become_new(self) -> None:
        """Become a catalogue that never held a track, but for the positions, which go on."""
        self._token = CatalogueToken(self._token.identity, 0, "")
        self._tokens, self._changes, self._positions = {0: ""}, [], {}
        self._rows = {}

    def remove_tracks(self, track_ids: Collection[str]) -> int:
        """Remove tracks and return how many there were."""
        self._refuse_closed()
        with self._lock:
            found = {known[0] for track_id in track_ids if (known := self._stored(track_id)) is not None}
            if found:
                self._commit(dict.fromkeys(found), self._last_position)
        return len(found)

    def _stored(self, track_id: str) -> tuple[int, Track] | None:
        position = self._positions.get(track_id)
        track = None if position is None else self._rows.get(position)
        if position is None or track is None or track["track_id"] != track_id:
            return None
        return position, track

    def _commit(self, rows: Mapping[int, Track | None], last_position: int) -> None:
        counter = self._token.counter + 1
        token = CatalogueToken(self._token.identity, counter, secrets.token_hex(8))
        ordered = sorted(rows)
        self._positions.update({track["track_id"]: at for at in ordered if (track := rows[at]) is not None})
        self._changes.extend([(counter, position) for position in ordered])
        self._tokens[counter] = token.token
        self._last_position = last_position
        self._token = token
        self._rows.update({position: rows[position] for position in ordered})
        self._tidy(rows)

    def _tidy(self, rows: Mapping[int, Track | None]) -> None:
        """Drop what no reader needs any more: removed rows, and commits of long ago."""
        for position in [position for position, track in rows.items() if track is None]:
            del self._rows[position]
        oldest = self._token.counter - KEPT_COMMITS
        self._tokens.pop(oldest - 1, None)
        if len(self._changes) > self._compact_at:
            latest = {position: counter for counter, position in self._changes if counter > oldest}
            self._changes = sorted((counter, position) for position, counter in latest.items())
            self._compact_at = 2 * len(self._changes) + KEPT_COMMITS
            self._positions = {track["track_id"]: at for at, track in self._rows.items() if track is not None}

    def catalogue_since(self, token: CatalogueToken | None) -> CatalogueChanges:
        """Return what changed since `token`; the tracks in it are the stored ones, to be read and not changed."""
        self._refuse_closed()
        with self._lock:
            if token is None or token.identity != self._token.identity or not self._knows(token):
                return CatalogueChanges(self._token, True, list(self._present(list(self._rows))))
            first = bisect_right(self._changes, (token.counter, math.inf))
            touched = sorted({position for _, position in self._changes[first:]})
            written = list(self._present(touched))
            removed = [position for position in touched if self._rows.get(position) is None]
            return CatalogueChanges(self._token, False, written, removed)

    def _knows(self, token: CatalogueToken) -> bool:
        return self._tokens.get(token.counter) == token.token

    def _present(self, positions: Iterable[int]) -> Iterable[tuple[int, Track]]:
        return ((at, track) for at in positions if (track := self._rows.get(at)) is not None)

    def tracks_at(self, positions: Sequence[int]) -> list[Track | None]:
        """Return copies of the tracks at these positions."""
        self._refuse_closed()
        rows = self._rows
        return [copied(rows.get(position)) for position in positions]

    def find_track(self, track_id: str) -> tuple[int, Track] | None:
        """Return position and a copy of a track."""
        self._refuse_closed()
        known = self._stored(track_id)
        return None if known is None else (known[0], copied(known[1]))


class MemoryStore(MemoryCatalogue, WholeUserStore):
    """A `qfzz_core.contracts.stores.Store` in this process. Everything is gone when it is closed.

    Reading a user takes no lock; transactions follow one another.
    """

    def __init__(self) -> None:
        super().__init__()
        self._users: dict[str, User] = {}
        self._serials = count(1)
        self._positions_of_events = count(1)
        self._turns = Turns()

    @property
    def name(self) -> str:
        """The store's URL."""
        return "memory:"

    @property
    def shared(self) -> bool:
        """No other process sees the data."""
        return False

    def close(self) -> None:
        """Drop everything; called twice it does nothing."""
        self._closed = True
        self._become_new()
        self._users = {}

    # -- users

    def revision(self, user_id: str) -> tuple[int, int] | None:
        """Return the revision of a user's profile."""
        user = self._users.get(user_id)
        if user is None:
            self._refuse_closed()
        return None if user is None else user.revision

    def stored_user(self, user_id: str) -> User | None:
        """Return a user as it is at this moment."""
        self._refuse_closed()
        return self._users.get(user_id)

    def latest_interactions(self, user_id: str, types: Collection[str]) -> Iterable[LatestRow]:
        """Return the latest interactions of a user."""
        user = self.stored_user(user_id)
        return () if user is None else user.latest(types)

    def user_ids(self) -> Iterator[str]:
        """Iterate the ids of all users in the order of their creation."""
        self._refuse_closed()
        return iter(list(self._users))

    def transaction(self, user_ids: Collection[str]) -> AbstractContextManager[Transaction]:
        """Begin a transaction; it waits for the one that is open in another thread."""
        self._refuse_closed()
        return self._transaction(user_ids)

    @contextmanager
    def _transaction(self, user_ids: Collection[str]) -> Iterator[Transaction]:
        with self._turns.taken(), FoundUnit(user_ids, self._unit_user, self.find_track, self._commit_users) as unit:
            yield unit

    def _unit_user(self, user_id: str) -> MemoryUser:
        return MemoryUser(user_id, self._users.get(user_id), self._serials, self._positions_of_events)

    def _commit_users(self, users: Sequence[MemoryUser]) -> None:
        in_order = sorted(users, key=attrgetter("serial"))
        self._users.update({user.user_id: user.committed() for user in in_order})

    def load(
        self,
        users: Iterable[UserRecord],
        tracks: Iterable[Track] = (),
        *,
        empty_first: bool = False,
        only_if_new: bool = False,
        held_tracks: bool = False,
    ) -> None:
        """Put recorded users and tracks into the store, all or none."""
        self._refuse_closed()
        with self._turns.taken():
            refuse_used(self.name, only_if_new and self._users)
            loaded: dict[str, User] = {}
            for record in users:
                user = MemoryUser(record.profile.user_id, None, self._serials, self._positions_of_events)
                write_record(user, record)
                loaded.pop(user.user_id, None)  # the later one counts, in the order of the serials
                loaded[user.user_id] = user.committed()
            self._load_tracks(tracks, empty_first, only_if_new, held_tracks)
            kept = {} if empty_first else {key: user for key, user in self._users.items() if key not in loaded}
            self._users = {**kept, **loaded}

    def check(self) -> list[str]:
        """Find nothing wrong: there is no place where memory could be damaged without the process noticing."""
        self._refuse_closed()
        return []

    def forget(self, user_id: str) -> bool:
        """Erase a user; False if there was none."""
        self._refuse_closed()
        with self._turns.taken():
            return self._users.pop(user_id, None) is not None


def _latest(tracks: Iterable[Track]) -> dict[str, Track]:
    return {track["track_id"]: copied(track) for track in tracks}
