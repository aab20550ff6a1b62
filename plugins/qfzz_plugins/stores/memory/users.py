"""Users in memory: records that are replaced whole, so that a transaction is committed by one assignment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from threading import RLock
from typing import Any

import attrs

from qfzz_core.contracts.stores import UserRecord, fresh_number
from qfzz_core.errors import StoreError
from qfzz_core.model.events import Change, Event
from qfzz_core.model.plain import copied
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.model.tracks import Track
from qfzz_core.model.weights import WEIGHT_FIELDS
from qfzz_core.storage.restoring import refuse_used, write_record


@attrs.frozen
class Log:
    """The events of a user. It only grows; what lies beyond the length that a `User` knows does not count."""

    events: list[Event] = attrs.field(factory=list)
    places: dict[str, int] = attrs.field(factory=dict)

    def add(self, event: Event, length: int) -> None:
        """Put an event after the first `length`."""
        self.events[length:] = [event]
        if event.event_id is not None:
            self.places[event.event_id] = length

    def find(self, event_id: str, length: int) -> Event | None:
        """Return the event of an id among the first `length`."""
        place = self.places.get(event_id, length)
        event = self.events[place] if place < length else None
        return event if event is not None and event.event_id == event_id else None


@attrs.define(eq=False)
class User:
    """One user. A record that was committed is never changed: a transaction changes its own `draft` of it.

    `weights` has spelling and weight by field and normal form.
    """

    user_id: str
    created_at: str
    revision: tuple[int, int]
    scalars: dict[str, Any]
    weights: dict[str, dict[str, tuple[str, float]]] = attrs.field(factory=lambda: {f: {} for f in WEIGHT_FIELDS})
    states: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    log: Log = attrs.field(factory=Log)
    length: int = 0

    def logged(self, newest_first: bool = False) -> Iterator[Event]:
        """Iterate the log."""
        places = range(self.length)
        return (_owned(self.log.events[place]) for place in (reversed(places) if newest_first else places))

    def snapshot(self) -> ProfileSnapshot:
        """Return the profile."""
        weights: dict[str, Any] = {field: dict(names.values()) for field, names in self.weights.items()}
        return ProfileSnapshot(
            user_id=self.user_id, created_at=self.created_at, revision=self.revision, **self.scalars, **weights
        )

    def draft(self) -> User:
        """Return a copy that can be changed; the values of states and the log are shared, which nobody changes."""
        return User(
            user_id=self.user_id,
            created_at=self.created_at,
            revision=self.revision,
            scalars=dict(self.scalars),
            weights={field: dict(names) for field, names in self.weights.items()},
            states={learner: dict(states) for learner, states in self.states.items()},
            log=self.log,
            length=self.length,
        )


class MemoryUser:
    """A `UserTransaction` that keeps its changes to itself until the transaction commits."""

    def __init__(self, user_id: str, user: User | None, serials: Iterator[int], positions: Iterator[int]) -> None:
        self._user_id = user_id
        self._user = user
        self._serials = serials
        self._positions = positions
        self._over = False
        self._draft: User | None = None  # the user, as soon as anything was changed
        self._revised = True  # whether the revision is newer than every change

    @property
    def exists(self) -> bool:
        """Whether there is such a user."""
        return self._user is not None

    @property
    def updated_at(self) -> str:
        """When the profile changed last."""
        return str(self._present().scalars["updated_at"])

    @property
    def revision(self) -> tuple[int, int]:
        """The revision that a snapshot would have now."""
        return self.now().revision

    @property
    def changed(self) -> User | None:
        """What is to be committed, None if nothing was changed."""
        return None if self._draft is None else self.now()

    def create(self, timestamp: str) -> None:
        """Make the user with default preferences."""
        if self._user is not None:
            raise StoreError("this user exists already and cannot be created again")
        self._user = User(self._user_id, timestamp, (next(self._serials), 0), {})
        self.put_scalar("updated_at", timestamp)

    def now(self) -> User:
        """Return the user as it is in this transaction."""
        user = self._present()
        if not self._revised:
            user.revision = (user.revision[0], fresh_number())
            self._revised = True
        return user

    def _present(self) -> User:
        """Return the user, whose revision may be that of an earlier change."""
        if self._over:
            raise StoreError("this transaction is over; begin another one")
        if self._user is None:
            raise StoreError("this user does not exist; create it first")
        return self._user

    def _changing(self) -> User:
        """Return the draft, which is at another revision from now on."""
        user = self._present()
        if self._draft is None:
            self._user = self._draft = user = user.draft()
        self._revised = False
        return user

    def snapshot(self) -> ProfileSnapshot:
        """Return the profile as it is in this transaction."""
        return self.now().snapshot()

    # -- the profile

    def weight(self, field: str, name: str) -> tuple[str, float] | None:
        """Return spelling and weight of a name."""
        return self._present().weights[field].get(WEIGHT_FIELDS[field](name))

    def put_weight(self, field: str, name: str, weight: float) -> None:
        """Set a weight under the spelling that is there."""
        same = WEIGHT_FIELDS[field](name)
        names = self._changing().weights[field]
        names[same] = (names.get(same, (name,))[0], weight)

    def drop_weight(self, field: str, name: str) -> None:
        """Remove a name."""
        if self.weight(field, name) is not None:
            del self._changing().weights[field][WEIGHT_FIELDS[field](name)]

    def clear_weights(self, field: str) -> None:
        """Remove all names of a field."""
        self._changing().weights[field].clear()

    def put_scalar(self, field: str, value: Any) -> None:
        """Set one of the fields that are no mapping."""
        self._changing().scalars[field] = value

    # -- the log and what was learned from it

    def append(self, event: Event) -> int:
        """Add an event to the log; raises `StoreError` if it has an event of this id already."""
        user = self._present()
        if event.event_id is not None and user.log.find(event.event_id, user.length) is not None:
            raise StoreError(f"the log has an event of the id {event.event_id!r} already")
        stored = attrs.evolve(_owned(event), position=next(self._positions))
        user = self._changing()
        user.log.add(stored, user.length)
        user.length += 1
        return stored.position

    def find_event(self, event_id: str) -> Event | None:
        """Return the user's event of this id."""
        user = self._present()
        event = user.log.find(event_id, user.length)
        return None if event is None else _owned(event)

    def state(self, learner: str, key: str) -> Any:
        """Return a learner's state under a key."""
        return copied(self._present().states.get(learner, {}).get(key))

    def put_state(self, learner: str, key: str, state: Any) -> None:
        """Set a learner's state under a key."""
        states = self._changing().states.setdefault(learner, {})
        if state is None:
            states.pop(key, None)
        else:
            states[key] = copied(state)

    def end(self) -> None:
        """Refuse whatever comes after the transaction."""
        self._over = True


class MemoryTransaction:
    """A `Transaction` over the users it was begun with."""

    def __init__(self, users: Mapping[str, MemoryUser], find_track: Callable[[str], Track | None]) -> None:
        self._users = users
        self._find_track = find_track

    def user(self, user_id: str) -> MemoryUser:
        """Return one of the users; KeyError for one who was not named."""
        return self._users[user_id]

    def track(self, track_id: str) -> Track | None:
        """Return a track as it is now."""
        return self._find_track(track_id)


class MemoryUsers:
    """The users of one store. Reading takes no lock; transactions follow one another."""

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self._lock = RLock()
        self._busy = False
        self._serials = count(1)
        self._positions = count(1)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock:
            if self._busy:
                raise StoreError("a transaction of this thread is open already; end it before another is begun")
            self._busy = True
            try:
                yield
            finally:
                self._busy = False

    @contextmanager
    def transaction(
        self, user_ids: Collection[str], find_track: Callable[[str], Track | None]
    ) -> Iterator[MemoryTransaction]:
        """Begin a transaction; see `Store.transaction`."""
        with self._writing():
            users = {user_id: self._user(user_id, self.users.get(user_id)) for user_id in user_ids}
            try:
                yield MemoryTransaction(users, find_track)
                changed = [user.changed for user in users.values() if user.changed is not None]
                changed.sort(key=lambda user: user.revision)
                self.users.update({user.user_id: user for user in changed})
            finally:
                for user in users.values():
                    user.end()

    def _user(self, user_id: str, user: User | None = None) -> MemoryUser:
        return MemoryUser(user_id, user, self._serials, self._positions)

    @contextmanager
    def loading(self, records: Iterable[UserRecord], empty_first: bool, only_if_new: bool) -> Iterator[None]:
        """Put recorded users in the place of whoever has their ids, if the body raises nothing."""
        with self._writing():
            refuse_used("memory:", only_if_new and self.users)
            loaded: dict[str, User] = {}
            for record in records:
                user = self._user(record.profile.user_id)
                write_record(user, record)
                loaded.pop(record.profile.user_id, None)
                loaded[record.profile.user_id] = user.now()
            yield
            kept = {} if empty_first else {key: user for key, user in self.users.items() if key not in loaded}
            self.users = {**kept, **loaded}

    def forget(self, user_id: str) -> bool:
        """Erase a user."""
        with self._writing():
            return self.users.pop(user_id, None) is not None


def _owned(event: Event) -> Event:
    """Return the event, copied where it holds what can be changed."""
    if event.interaction is not None and event.interaction.extra:
        extra = copied(dict(event.interaction.extra))
        event = attrs.evolve(event, interaction=attrs.evolve(event.interaction, extra=extra))
    if event.changes:
        event = attrs.evolve(event, changes=tuple(Change(c.field, c.name, copied(c.value)) for c in event.changes))
    return event
