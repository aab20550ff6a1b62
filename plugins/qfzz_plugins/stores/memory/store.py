"""The store `memory:`: the whole contract in one process, without a file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from qfzz_core.contracts.stores import CatalogueChanges, CatalogueToken, Transaction, UserRecord, Written
from qfzz_core.errors import ClosedError
from qfzz_core.model.events import Event
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.model.tracks import Track
from qfzz_plugins.stores.memory.catalogue import MemoryCatalogue
from qfzz_plugins.stores.memory.users import MemoryUsers


class MemoryStore:
    """A `qfzz_core.contracts.stores.Store` in this process. Everything is gone when it is closed."""

    def __init__(self) -> None:
        self._open_catalogue: MemoryCatalogue | None = MemoryCatalogue()
        self._open_users: MemoryUsers | None = MemoryUsers()

    @property
    def name(self) -> str:
        """The store's URL."""
        return "memory:"

    @property
    def shared(self) -> bool:
        """No other process sees the data."""
        return False

    @property
    def _catalogue(self) -> MemoryCatalogue:
        if self._open_catalogue is None:
            raise ClosedError("the store memory: was closed")
        return self._open_catalogue

    @property
    def _users(self) -> MemoryUsers:
        if self._open_users is None:
            raise ClosedError("the store memory: was closed")
        return self._open_users

    def close(self) -> None:
        """Drop everything; called twice it does nothing."""
        self._open_catalogue = None
        self._open_users = None

    # -- catalogue

    def write_tracks(self, tracks: Iterable[Track]) -> Written:
        """Add or replace tracks, all or none."""
        return self._catalogue.write(tracks)

    def remove_tracks(self, track_ids: Collection[str]) -> int:
        """Remove tracks and return how many there were."""
        return self._catalogue.remove(track_ids)

    def catalogue_token(self) -> CatalogueToken:
        """Return the token of the catalogue as it is now."""
        return self._catalogue.token

    def catalogue_since(self, token: CatalogueToken | None) -> CatalogueChanges:
        """Return what changed since `token`. The tracks in it are read-only views: the stored dicts, not copies."""
        return self._catalogue.since(token)

    def tracks_at(self, positions: Sequence[int]) -> list[Track | None]:
        """Return copies of the tracks at these positions."""
        return self._catalogue.at(positions)

    def find_track(self, track_id: str) -> tuple[int, Track] | None:
        """Return position and a copy of a track."""
        return self._catalogue.find(track_id)

    # -- users

    def user_ids(self) -> Iterator[str]:
        """Iterate the ids of all users in the order of their creation."""
        return iter(list(self._users.users))

    def revision(self, user_id: str) -> tuple[int, int] | None:
        """Return the revision of a user's profile."""
        user = self._users.users.get(user_id)
        return None if user is None else user.revision

    def snapshot(self, user_id: str) -> ProfileSnapshot | None:
        """Return a user's profile."""
        user = self._users.users.get(user_id)
        return None if user is None else user.snapshot()

    def events(self, user_id: str, *, newest_first: bool = False) -> Iterator[Event]:
        """Iterate a user's log as it is at this moment."""
        user = self._users.users.get(user_id)
        return iter(()) if user is None else user.logged(newest_first)

    def states(self, user_id: str, learner: str) -> Mapping[str, Any]:
        """Return a copy of everything a learner knows of a user."""
        user = self._users.users.get(user_id)
        return {key: state for name, key, state in user.states() if name == learner} if user else {}

    def transaction(self, user_ids: Collection[str]) -> AbstractContextManager[Transaction]:
        """Begin a transaction; it waits for the one that is open in another thread."""
        return self._users.transaction(user_ids, self._track)

    def _track(self, track_id: str) -> Track | None:
        found = self.find_track(track_id)
        return found and found[1]

    def record(self, user_id: str) -> UserRecord | None:
        """Return everything held of a user as it is at this moment."""
        user = self._users.users.get(user_id)
        return None if user is None else UserRecord(user.snapshot(), user.logged(), user.states())

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
        with self._users.loading(users, empty_first, only_if_new):
            self._catalogue.load(tracks, empty_first, only_if_new, held_tracks)

    def check(self) -> list[str]:
        """Find nothing wrong: there is no place where memory could be damaged without the process noticing."""
        _ = self._users
        return []

    def forget(self, user_id: str) -> bool:
        """Erase a user; False if there was none."""
        return self._users.forget(user_id)
