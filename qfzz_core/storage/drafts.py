"""For authors of stores: a user as a draft, which a transaction changes and which is written when it ends.

A store that reads a user whole and writes one whole finds here what `qfzz_core.contracts.stores` promises of a user.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from qfzz_core.contracts.stores import fresh_number
from qfzz_core.errors import StoreError
from qfzz_core.model.events import Event, decode_event, encode_event
from qfzz_core.model.json_codec import decoded, encoded
from qfzz_core.model.plain import copied
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.model.weights import WEIGHT_FIELDS

__all__ = ["UserDraft", "event_of", "event_row"]

_SCALARS = ("created_at", "updated_at", "energy_level", "tempo_preference", "discovery_factor")


def event_row(event: Event) -> tuple[int, str, str, str | None, str]:
    """Return an event as it stands in a table: position, kind, timestamp, event_id, and the rest as JSON text."""
    return event.position, event.kind, event.timestamp, event.event_id, encoded(encode_event(event))


def event_of(row: tuple[Any, ...]) -> Event:
    """Return the event that `event_row` made the row of."""
    position, kind, timestamp, event_id, body = row
    return decode_event(kind, timestamp, event_id, position, decoded(body))


class UserDraft(ABC):
    """A `UserTransaction` that keeps what it is told, and outside of transactions a user as stored.

    The abstract methods are the store's. What they write is `revision`, `body` and `appended`:

    - `revision` is a pair of whole numbers, of which the first never changes and is no other user's;
    - `body` is the profile and the learned states as plain data, empty for a user who does not exist;
    - `appended` are the new events, with their positions.

    A draft begins with the revision and the body that were written last, without any for a user who is new.
    """

    def __init__(self, user_id: str, revision: tuple[int, int] = (0, 0), body: Mapping[str, Any] | None = None) -> None:
        self.user_id = user_id
        self.body: dict[str, dict[str, Any]] = dict(body or {})
        self.appended: list[Event] = []
        self.changed = False
        self._revision = revision
        self._created = self._over = False
        self._found: dict[str, Event | None] = {}

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

    # -- whether it is there

    @property
    def exists(self) -> bool:
        """Whether there is such a user."""
        return bool(self.body)

    @property
    def revision(self) -> tuple[int, int]:
        """The revision that a snapshot would have now."""
        self._part("scalars")
        return self._revision

    @property
    def updated_at(self) -> str:
        """When the profile changed last."""
        return str(self._part("scalars")["updated_at"])

    def create(self, timestamp: str) -> None:
        """Make the user with default preferences."""
        self._refuse_later_use()
        if self.exists:
            raise StoreError("this user exists already and cannot be created again")
        default = ProfileSnapshot(user_id=self.user_id, created_at=timestamp, updated_at=timestamp)
        scalars = {field: getattr(default, field) for field in _SCALARS}
        self.body = {"scalars": scalars, "weights": {field: {} for field in WEIGHT_FIELDS}, "states": {}}
        self._revision = (self.next_number(), fresh_number())
        self.changed = self._created = True

    def write_changes(self) -> None:
        """Write the draft if anything changed."""
        if self.changed:
            self.write()

    def erase(self) -> bool:
        """Delete what is stored, so that the user can be created anew; False if there was no such user."""
        existed = self.exists
        if existed:
            self.delete()
            self.body = {}
        return existed

    def end(self) -> None:
        """Refuse whatever comes after the transaction."""
        self._over = True

    def _refuse_later_use(self) -> None:
        if self._over:
            raise StoreError("this transaction is over; begin another one")

    def _part(self, part: str) -> dict[str, Any]:
        self._refuse_later_use()
        if not self.exists:
            raise StoreError("this user does not exist; create it first")
        return self.body[part]

    def _changing(self, part: str) -> dict[str, Any]:
        found = self._part(part)
        self._revision = (self._revision[0], fresh_number())
        self.changed = True
        return found

    # -- the profile; weights are (spelling, weight) by field and normal form

    def snapshot(self) -> ProfileSnapshot:
        """Return the profile as it is in this transaction."""
        weights: dict[str, Any] = {field: dict(names.values()) for field, names in self._part("weights").items()}
        return ProfileSnapshot(user_id=self.user_id, revision=self._revision, **self._part("scalars"), **weights)

    def weight(self, field: str, name: str) -> tuple[str, float] | None:
        """Return spelling and weight of a name."""
        found = self._part("weights")[field].get(WEIGHT_FIELDS[field](name))
        return None if found is None else (found[0], found[1])

    def put_weight(self, field: str, name: str, weight: float) -> None:
        """Set a weight under the spelling that is there."""
        spelling, _ = self.weight(field, name) or (name, weight)
        self._changing("weights")[field][WEIGHT_FIELDS[field](name)] = (spelling, weight)

    def drop_weight(self, field: str, name: str) -> None:
        """Remove a name."""
        if self.weight(field, name) is not None:
            del self._changing("weights")[field][WEIGHT_FIELDS[field](name)]

    def clear_weights(self, field: str) -> None:
        """Remove all names of a field."""
        self._changing("weights")[field] = {}

    def put_scalar(self, field: str, value: Any) -> None:
        """Set one of the fields that are no mapping."""
        self._changing("scalars")[field] = value

    # -- the log and what was learned from it

    def append(self, event: Event) -> int:
        """Add an event to the log; raises `StoreError` if it has an event of this id already."""
        if event.event_id is not None and self.find_event(event.event_id) is not None:
            raise StoreError(f"the log has an event of the id {event.event_id!r} already")
        self._changing("scalars")
        placed = attrs.evolve(event, position=self.next_number())
        self.appended.append(placed)
        if placed.event_id is not None:
            self._found[placed.event_id] = placed
        return placed.position

    def find_event(self, event_id: str) -> Event | None:
        """Return the user's event of this id, asking the store once for each."""
        self._part("scalars")
        if event_id not in self._found:
            self._found[event_id] = None if self._created else self.stored_event(event_id)
        return self._found[event_id]

    def state(self, learner: str, key: str) -> Any:
        """Return a learner's state under a key."""
        return copied(self._part("states").get(learner, {}).get(key))

    def put_state(self, learner: str, key: str, state: Any) -> None:
        """Set a learner's state under a key; None removes it."""
        states = self._changing("states").setdefault(learner, {})
        states[key] = copied(state)
        if state is None:
            del states[key]

    def states(self) -> Iterator[tuple[str, str, Any]]:
        """Iterate learner, key and state."""
        for learner, states in self._part("states").items():
            yield from ((learner, key, copied(state)) for key, state in states.items())
