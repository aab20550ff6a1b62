"""Users in memory: records that are replaced whole, so that a transaction is committed by one assignment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from operator import attrgetter
from typing import Any

import attrs

from qfzz_core.contracts.stores import UserRecord
from qfzz_core.model.events import Event
from qfzz_core.model.plain import copied
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.model.tracks import Track
from qfzz_core.storage.records import UserRow, owned_event, refuse_used, write_record
from qfzz_core.storage.unit_of_work import Name, StateKey, UnitOfWork, UserUnit, Weight
from qfzz_core.storage.whole_users import Turns


@attrs.frozen
class Log:
    """The events of a user, which are only added; those beyond the length that a `User` knows do not count."""

    events: list[Event] = attrs.field(factory=list)
    places: dict[str, int] = attrs.field(factory=dict)

    def add(self, events: Sequence[Event], length: int) -> None:
        """Put events after the first `length`."""
        self.events[length:] = events
        self.places.update(
            {event.event_id: at for at, event in enumerate(events, length) if event.event_id is not None}
        )

    def find(self, event_id: str, length: int) -> Event | None:
        """Return the event of an id among the first `length`."""
        place = self.places.get(event_id, length)
        event = self.events[place] if place < length else None
        return event if event is not None and event.event_id == event_id else None


@attrs.define(eq=False)
class User:
    """One user who was committed. Nothing of it is ever changed; a frozen class would take longer to make."""

    row: UserRow
    weights: Mapping[Name, Weight]
    all_states: Mapping[StateKey, Any]
    log: Log
    length: int

    @property
    def revision(self) -> tuple[int, int]:
        """The revision of the profile."""
        return self.row.serial, self.row.revision

    def logged(self, newest_first: bool = False) -> Iterator[Event]:
        """Iterate the log."""
        places = range(self.length)
        return (owned_event(self.log.events[place]) for place in (reversed(places) if newest_first else places))

    def snapshot(self) -> ProfileSnapshot:
        """Return the profile."""
        return self.row.snapshot((field, *weight) for (field, _), weight in self.weights.items())

    def states(self) -> Iterator[tuple[str, str, Any]]:
        """Iterate learner, key and state."""
        return ((learner, key, copied(state)) for (learner, key), state in self.all_states.items())


class MemoryUser(UserUnit):
    """A user in a transaction, who fetches from the record that was committed last."""

    def __init__(self, users: MemoryUsers, user_id: str, stored: User | None = None) -> None:
        if stored is None:
            super().__init__(user_id, None)
            self._log, self._length = Log(), 0
        else:
            super().__init__(user_id, stored.row.copy(), dict(stored.weights), dict(stored.all_states))
            self._log, self._length = stored.log, stored.length
        self._users = users

    def next_serial(self) -> int:
        """Return the next serial."""
        return next(self._users.serials)

    def place_event(self, event: Event) -> tuple[int, Event]:
        """Return the next position, and the event with it."""
        position = next(self._users.positions)
        return position, owned_event(event, position)

    def fetch_event(self, event_id: str) -> Event | None:
        """Return a stored event."""
        return self._log.find(event_id, self._length)

    def committed(self) -> User:
        """Return the user as a record, with the changes."""
        self._log.add(self.appended, self._length)
        length = self._length + len(self.appended)
        return User(self.numbered(), self.all_weights(), self.all_states(), self._log, length)


class MemoryTransaction(UnitOfWork[MemoryUser]):
    """A `Transaction` over the users it was begun with."""

    def __init__(
        self, users: MemoryUsers, user_ids: Collection[str], find_track: Callable[[str], Track | None]
    ) -> None:
        super().__init__(user_ids)
        self._users = users
        self._find_track = find_track

    def find_user(self, user_id: str) -> MemoryUser:
        """Return a user, who may not exist yet."""
        return MemoryUser(self._users, user_id, self._users.users.get(user_id))

    def find_track(self, track_id: str) -> Track | None:
        """Return a track as it is now."""
        return self._find_track(track_id)

    def write(self, users: Sequence[MemoryUser]) -> None:
        """Write what changed."""
        in_order = sorted(users, key=attrgetter("serial"))
        self._users.users.update({user.user_id: user.committed() for user in in_order})


class MemoryUsers:
    """The users of one store. Reading takes no lock; transactions follow one another."""

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.serials = count(1)
        self.positions = count(1)
        self._turns = Turns()

    @contextmanager
    def transaction(
        self, user_ids: Collection[str], find_track: Callable[[str], Track | None]
    ) -> Iterator[MemoryTransaction]:
        """Begin a transaction; see `Store.transaction`."""
        with self._turns.taken():
            unit = MemoryTransaction(self, user_ids, find_track)
            try:
                yield unit
                unit.finish()
            finally:
                unit.end()

    @contextmanager
    def loading(self, records: Iterable[UserRecord], empty_first: bool, only_if_new: bool) -> Iterator[None]:
        """Put recorded users in the place of whoever has their ids, if the body raises nothing."""
        with self._turns.taken():
            refuse_used("memory:", only_if_new and self.users)
            loaded: dict[str, User] = {}
            for record in records:
                user = MemoryUser(self, record.profile.user_id)
                write_record(user, record)
                loaded.pop(user.user_id, None)  # the later one counts, in the order of the serials
                loaded[user.user_id] = user.committed()
            yield
            kept = {} if empty_first else {key: user for key, user in self.users.items() if key not in loaded}
            self.users = {**kept, **loaded}

    def forget(self, user_id: str) -> bool:
        """Erase a user."""
        with self._turns.taken():
            return self.users.pop(user_id, None) is not None
