"""Users in memory: records that are replaced whole, so that a transaction is committed by one assignment."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from qfzz_core.contracts.stores import LatestRow
from qfzz_core.model.events import Event
from qfzz_core.model.plain import copied
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.storage.latest import note
from qfzz_core.storage.records import Name, UserRow, Weight, owned_event
from qfzz_core.storage.user_unit import StateKey, UserUnit


@attrs.frozen
class Log:
    """The events of a user, which are only added; those beyond the length that a `User` knows do not count."""

    events: list[Event] = attrs.field(factory=list)
    places: dict[str, int] = attrs.field(factory=dict)
    latest: dict[str, dict[str, tuple[int, int]]] = attrs.field(factory=dict)  # by type and track

    def add(self, events: Sequence[Event], length: int) -> None:
        """Put events after the first `length`."""
        self.events[length:] = events
        self.places.update(
            {event.event_id: at for at, event in enumerate(events, length) if event.event_id is not None}
        )

    def add_latest(self, put: Mapping[tuple[str, str], tuple[int, int]], *, cleared: bool) -> None:
        """Take the latest interactions of a transaction into account."""
        if cleared:
            self._replace_latest(put)
            return
        for (name, track_id), numbers in put.items():
            note(self.latest.setdefault(name, {}), track_id, *numbers)

    def _replace_latest(self, put: Mapping[tuple[str, str], tuple[int, int]]) -> None:
        """Replace those of each type at once, because readers take no lock."""
        replaced: dict[str, dict[str, tuple[int, int]]] = {name: {} for name in self.latest}
        for (name, track_id), numbers in put.items():
            replaced.setdefault(name, {})[track_id] = numbers
        self.latest.update(replaced)

    def find(self, event_id: str, length: int) -> Event | None:
        """Return the event of an id among the first `length`."""
        place = self.places.get(event_id, length)
        event = self.events[place] if place < length else None
        return event if event is not None and event.event_id == event_id else None


@attrs.define(eq=False)
class User:
    """One user who was committed. Nothing of it is ever changed; a frozen class would take longer to make."""

    revision: tuple[int, int]
    row: UserRow
    weights: Mapping[Name, Weight]
    all_states: Mapping[StateKey, Any]
    log: Log
    length: int

    def stored_events(self, *, newest_first: bool = False) -> Iterator[Event]:
        """Iterate the log."""
        places = range(self.length)
        return (owned_event(self.log.events[place]) for place in (reversed(places) if newest_first else places))

    def latest(self, types: Collection[str]) -> Iterator[LatestRow]:
        """Iterate the latest interactions of these types."""
        for name in types:
            for track_id, numbers in list(self.log.latest.get(name, {}).items()):
                yield name, track_id, *numbers

    def snapshot(self) -> ProfileSnapshot:
        """Return the profile."""
        return self.row.snapshot_of_known(self.weights)

    def states(self) -> Iterator[tuple[str, str, Any]]:
        """Iterate learner, key and state."""
        return ((learner, key, copied(state)) for (learner, key), state in self.all_states.items())


class MemoryUser(UserUnit):
    """A user in a transaction, who fetches from the record that was committed last."""

    def __init__(self, user_id: str, stored: User | None, serials: Iterator[int], positions: Iterator[int]) -> None:
        if stored is None:
            super().__init__(user_id, None)
            self._log, self._length = Log(), 0
        else:
            super().__init__(user_id, stored.row.copy(), dict(stored.weights), dict(stored.all_states))
            self._log, self._length = stored.log, stored.length
        self._serials, self._positions = serials, positions

    def next_serial(self) -> int:
        """Return the next serial."""
        return next(self._serials)

    def place_event(self, event: Event) -> tuple[int, Event]:
        """Return the next position, and the event with it."""
        position = next(self._positions)
        return position, owned_event(event, position)

    def fetch_event(self, event_id: str) -> Event | None:
        """Return a stored event."""
        return self._log.find(event_id, self._length)

    def fetch_log(self) -> Iterable[Event]:
        """Return the stored events."""
        return reversed(self._log.events[: self._length])

    def committed(self) -> User:
        """Return the user as a record, with the changes."""
        self._log.add(self.appended, self._length)
        self._log.add_latest(self.put_latest, cleared=self.cleared_latest)
        length = self._length + len(self.appended)
        return User(self.revision, self.numbered(), self.all_weights(), self.all_states(), self._log, length)
