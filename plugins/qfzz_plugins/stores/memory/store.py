"""The store `memory:`: the whole contract in one process, without a file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from operator import attrgetter

from qfzz_core.contracts.stores import Transaction, UserRecord
from qfzz_core.model.tracks import Track
from qfzz_core.storage.records import refuse_used, write_record
from qfzz_core.storage.unit_of_work import FoundUnit
from qfzz_core.storage.whole_users import Turns, WholeUserStore
from qfzz_plugins.stores.memory.catalogue import MemoryCatalogue
from qfzz_plugins.stores.memory.users import MemoryUser, User


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

    def stored_user(self, user_id: str) -> User | None:
        """Return a user as it is at this moment."""
        self._refuse_closed()
        return self._users.get(user_id)

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
