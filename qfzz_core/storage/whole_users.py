"""For authors of stores: users that are read whole, changed as drafts, and written whole.

A store of such users finds here what `qfzz_core.contracts.stores` promises of a user. What is left to its author is
the catalogue, the list of users, `load`, `check` and `close`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from threading import RLock, get_ident
from typing import Any, Generic, Protocol, TypeVar

from qfzz_core.contracts.stores import UserRecord
from qfzz_core.errors import StoreError
from qfzz_core.model.events import Event
from qfzz_core.model.forks import quiet_at_fork
from qfzz_core.model.plain import copied
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.model.tracks import Track
from qfzz_core.model.weights import WEIGHT_FIELDS
from qfzz_core.storage.decoding import ANYWHERE, Decoding, event_of, event_row
from qfzz_core.storage.records import Weight, owned_event, write_record
from qfzz_core.storage.unit_of_work import FoundUnit
from qfzz_core.storage.user_unit import UserUnit

__all__ = ["DraftTransaction", "DraftedStore", "Turns", "UserDraft", "Views", "event_of", "event_row"]

View = TypeVar("View")  # whatever a store reads and writes by: a connection, a cursor
View_co = TypeVar("View_co", covariant=True)


class UserDraft(UserUnit):
    """A `UserTransaction` that keeps what changed, and outside of transactions a user as stored.

    The abstract methods are the store's. What they write is `revision`, `body` and `appended`:

    - `revision` is a pair of whole numbers, of which the first never changes and is no other user's;
    - `body` is the profile and the learned states as plain data, empty for a user who does not exist;
    - `appended` are the new events, with their positions.

    A draft begins with the revision and the body that were written last, without any for a user who is new.
    """

    decoding: Decoding = ANYWHERE
    """Says in errors of which store the body is."""

    def __init__(self, user_id: str, revision: tuple[int, int] = (0, 0), body: Mapping[str, Any] | None = None) -> None:
        super().__init__(user_id, *(self.decoding.whole_user(user_id, revision, body) if body else [None]))

    @abstractmethod
    def next_number(self) -> int:
        """Return a serial or a position, from 1 on; greater than all that the store gave since it was made."""

    @abstractmethod
    def stored_events(self, *, newest_first: bool = False) -> Iterator[Event]:
        """Return an iterator over the log of the user of this serial in order of position; see `Store.events`."""

    @abstractmethod
    def stored_event(self, event_id: str) -> Event | None:
        """Return the event of this id in the log of the user of this serial."""

    @abstractmethod
    def write(self) -> None:
        """Write `revision`, `body` and `appended`; called once at most, and only if anything changed."""

    @abstractmethod
    def delete(self) -> None:
        """Delete the user of this serial with the whole log; called only if there is one."""

    @property
    def body(self) -> dict[str, dict[str, Any]]:
        """Profile and learned states with the changes; weights are (spelling, weight) by field and normal form."""
        if self.user_row is None:
            return {}
        weights: dict[str, dict[str, Weight]] = {field: {} for field in WEIGHT_FIELDS}
        for (field, same), weight in self.all_weights().items():
            weights[field][same] = weight
        states: dict[str, dict[str, Any]] = {}
        for learner, key, state in self.states():
            states.setdefault(learner, {})[key] = state
        return {"scalars": self.user_row.scalars, "weights": weights, "states": states}

    def states(self) -> Iterator[tuple[str, str, Any]]:
        """Iterate learner, key and state."""
        self._present()
        return ((*place, copied(state)) for place, state in self.all_states().items())

    def write_changes(self) -> None:
        """Write the draft if anything changed."""
        if self.changed:
            self.write()

    def erase(self) -> bool:
        """Delete what is stored, so that the user can be created again; False if there was no such user."""
        existed = self.exists
        if existed:
            self.delete()
            super().__init__(self.user_id, None)
        return existed

    # -- the unit of work, over what was read

    def next_serial(self) -> int:
        """Return the next serial."""
        return self.next_number()

    def place_event(self, event: Event) -> tuple[int, Event]:
        """Return the next position, and the event with it."""
        position = self.next_number()
        return position, owned_event(event, position)

    def fetch_event(self, event_id: str) -> Event | None:
        """Return a stored event."""
        return self.stored_event(event_id)


DraftTransaction = FoundUnit[UserDraft]
"""A `Transaction` over drafts."""


class Turns:
    """Whose turn it is to write, for a store whose threads cannot write at the same time."""

    def __init__(self) -> None:
        self._taken_by = 0
        self.renew()
        quiet_at_fork(self)

    def renew(self) -> None:
        """Give the turn in a forked child to its thread: no other one is there to end what it was doing."""
        self._lock = RLock()
        if self._taken_by != get_ident():
            self._taken_by = 0

    def fork_locks(self) -> list[Any]:
        """Return the lock that is held by whoever has the turn."""
        return [self._lock]

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait until no other thread has the turn, and have it; `StoreError` if this thread has it already."""
        with self._lock:
            if self._taken_by:
                raise StoreError("a transaction of this thread is open already; end it before another is begun")
            self._taken_by = get_ident()
            try:
                yield
            finally:
                self._taken_by = 0


class Views(Protocol[View_co]):
    """The place where a store keeps everything: how it is read, and how it is written."""

    def reading(self) -> View_co:
        """Return a view of one moment, which ends when nobody holds it; raises `ClosedError` at once."""
        ...

    def writing(self) -> AbstractContextManager[View_co]:
        """Begin a transaction; it is committed when the body returns, and rolled back if that raises."""
        ...


class WholeUser(Protocol):
    """A user as stored, all of whom is known."""

    @property
    def revision(self) -> tuple[int, int]:
        """The revision of the profile."""
        ...

    def snapshot(self) -> ProfileSnapshot:
        """Return the profile."""
        ...

    def stored_events(self, *, newest_first: bool = False) -> Iterator[Event]:
        """Iterate the log."""
        ...

    def states(self) -> Iterator[tuple[str, str, Any]]:
        """Iterate learner, key and state."""
        ...


class WholeUserStore(ABC):
    """The methods of a `Store` that read one user."""

    @abstractmethod
    def stored_user(self, user_id: str) -> WholeUser | None:
        """Return a user as of this moment."""

    def revision(self, user_id: str) -> tuple[int, int] | None:
        """Return the revision of a user's profile."""
        user = self.stored_user(user_id)
        return None if user is None else user.revision

    def snapshot(self, user_id: str) -> ProfileSnapshot | None:
        """Return a user's profile."""
        user = self.stored_user(user_id)
        return None if user is None else user.snapshot()

    def events(self, user_id: str, *, newest_first: bool = False) -> Iterator[Event]:
        """Iterate a user's log as it is at this moment."""
        user = self.stored_user(user_id)
        return iter(()) if user is None else user.stored_events(newest_first=newest_first)

    def states(self, user_id: str, learner: str) -> Mapping[str, Any]:
        """Return everything a learner knows of a user."""
        user = self.stored_user(user_id)
        return {} if user is None else {key: state for name, key, state in user.states() if name == learner}

    def record(self, user_id: str) -> UserRecord | None:
        """Return everything held of a user as it is at this moment."""
        user = self.stored_user(user_id)
        return None if user is None else UserRecord(user.snapshot(), user.stored_events(), list(user.states()))


class DraftedStore(WholeUserStore, Generic[View]):
    """The methods of a `Store` that have to do with one user, and those that find one track.

    `draft` reads a user in a view, and `find` position and track; both get any text, lone surrogates too.
    """

    def __init__(
        self,
        views: Views[View],
        draft: Callable[[View, str], UserDraft],
        find: Callable[[View, str], tuple[int, Track] | None],
    ) -> None:
        self._views = views
        self._draft = draft
        self._find = find

    def find_track(self, track_id: str) -> tuple[int, Track] | None:
        """Return position and track."""
        return self._find(self._views.reading(), track_id)

    def stored_user(self, user_id: str) -> UserDraft | None:
        """Return the draft of a user, outside of any transaction."""
        user = self._draft(self._views.reading(), user_id)
        return user if user.exists else None

    def transaction(self, user_ids: Collection[str]) -> AbstractContextManager[DraftTransaction]:
        """Begin a transaction, which takes the turn to write until it ends."""
        self._views.reading()  # so that a closed store refuses now, and not when the transaction begins
        return self._transaction(user_ids)

    @contextmanager
    def _transaction(self, user_ids: Collection[str]) -> Iterator[DraftTransaction]:
        with (
            self._views.writing() as view,
            DraftTransaction(user_ids, partial(self._draft, view), partial(self._find, view), _write) as unit,
        ):
            yield unit

    def forget(self, user_id: str) -> bool:
        """Erase a user; False if there was none."""
        with self._views.writing() as view:
            return self._draft(view, user_id).erase()

    def load_users(self, view: View, records: Iterable[UserRecord]) -> None:
        """Put recorded users, replacing those who have their ids, inside the transaction that is open."""
        for record in records:
            draft = self._draft(view, record.profile.user_id)
            draft.erase()
            write_record(draft, record)
            draft.write_changes()


def _write(drafts: Sequence[UserDraft]) -> None:
    for draft in drafts:
        draft.write()
