"""For authors of stores: the methods of a store that reads and writes users as drafts.

What is left to the author is the catalogue, the list of users, `load`, `check` and `close`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from threading import RLock
from typing import Any, Generic, Protocol, TypeVar

import attrs

from qfzz_core.contracts.stores import UserRecord
from qfzz_core.errors import StoreError
from qfzz_core.model.events import Event
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.model.tracks import Track
from qfzz_core.storage.drafts import UserDraft
from qfzz_core.storage.restoring import write_record

__all__ = ["DraftTransaction", "DraftedStore", "Turns", "Views"]

View = TypeVar("View")  # whatever a store reads and writes by: a connection, a cursor
View_co = TypeVar("View_co", covariant=True)


class Turns:
    """Whose turn it is to write, for a store whose threads cannot write at the same time."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._taken = False

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait until no other thread has the turn, and have it; `StoreError` if this thread has it already."""
        with self._lock:
            if self._taken:
                raise StoreError("a transaction of this thread is open already; end it before another is begun")
            self._taken = True
            try:
                yield
            finally:
                self._taken = False


class Views(Protocol[View_co]):
    """The place where a store keeps everything: how it is read, and how it is written."""

    def reading(self) -> View_co:
        """Return a view of one moment, which ends when nobody holds it; raises `ClosedError` at once."""
        ...

    def writing(self) -> AbstractContextManager[View_co]:
        """Begin a transaction; it is committed when the body returns, and rolled back if that raises."""
        ...


@attrs.frozen
class DraftTransaction:
    """A `Transaction` over drafts by user id, and a function that finds a track."""

    drafts: Mapping[str, UserDraft]
    track: Callable[[str], Track | None]

    def user(self, user_id: str) -> UserDraft:
        """Return one of the users; KeyError for one who was not named."""
        return self.drafts[user_id]


class DraftedStore(Generic[View]):
    """The methods of a `Store` that have to do with one user, and those that find one track.

    `draft` reads a user in a view, and `find` position and track; both are asked for any text, lone surrogates too.
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

    def revision(self, user_id: str) -> tuple[int, int] | None:
        """Return the revision of a user's profile."""
        user = self._stored(user_id)
        return user.revision if user.exists else None

    def snapshot(self, user_id: str) -> ProfileSnapshot | None:
        """Return a user's profile."""
        user = self._stored(user_id)
        return user.snapshot() if user.exists else None

    def events(self, user_id: str, *, newest_first: bool = False) -> Iterator[Event]:
        """Iterate a user's log."""
        user = self._stored(user_id)
        return user.stored_events(newest_first=newest_first) if user.exists else iter(())

    def states(self, user_id: str, learner: str) -> Mapping[str, Any]:
        """Return everything a learner knows of a user."""
        user = self._stored(user_id)
        return {key: state for name, key, state in user.states() if name == learner} if user.exists else {}

    def record(self, user_id: str) -> UserRecord | None:
        """Return everything held of a user."""
        user = self._stored(user_id)
        return UserRecord(user.snapshot(), user.stored_events(), list(user.states())) if user.exists else None

    def _stored(self, user_id: str) -> UserDraft:
        return self._draft(self._views.reading(), user_id)

    def transaction(self, user_ids: Collection[str]) -> AbstractContextManager[DraftTransaction]:
        """Begin a transaction, which takes the turn to write until it ends."""
        self._views.reading()  # so that a closed store refuses now, and not when the transaction begins
        return self._transaction(user_ids)

    @contextmanager
    def _transaction(self, user_ids: Collection[str]) -> Iterator[DraftTransaction]:
        with self._views.writing() as view:
            drafts = {user_id: self._draft(view, user_id) for user_id in user_ids}
            try:
                yield DraftTransaction(drafts, lambda track_id: (self._find(view, track_id) or (0, None))[1])
                for draft in drafts.values():
                    draft.write_changes()
            finally:
                for draft in drafts.values():
                    draft.end()

    def forget(self, user_id: str) -> bool:
        """Erase a user; False if there was none."""
        with self._views.writing() as view:
            return self._draft(view, user_id).erase()

    def load_users(self, view: View, records: Iterable[UserRecord]) -> None:
        """Put recorded users in the place of whoever has their ids, inside the transaction that is open."""
        for record in records:
            draft = self._draft(view, record.profile.user_id)
            draft.erase()
            write_record(draft, record)
            draft.write_changes()
