"""A user in the unit of work of any store: what the transaction knows of the user, and what it has to write.

A backend says how it fetches what is not known yet, and how it writes the changes of users. What is known already, when
a revision gets a new number and which use is refused are decided here, once for all stores.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NoReturn

from qfzz_core.contracts.stores import fresh_number
from qfzz_core.errors import StoreError
from qfzz_core.model.events import Event
from qfzz_core.model.plain import copied
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.model.weights import WEIGHT_FIELDS
from qfzz_core.storage.latest import note_interaction
from qfzz_core.storage.records import Name, UserRow, Weight, owned_event

StateKey = tuple[str, str]  # learner and key


class UserUnit(ABC):
    """One user in a unit of work: a `UserTransaction`.

    The changes since the last write are `cleared_fields`, `dropped_weights` and `put_weights`, to be written in this
    order, `put_states` (None removes one), `changed_scalars`, `appended`, the packed events, and `put_latest`, the last
    positions and greatest moments of these by type and track, for a backend that `KeepsLatest`; `cleared_latest` says
    that those which it has are to be removed before. `is_stored` is whether
    the backend holds the user; nothing is fetched of one whom it does not hold. By `serial` it finds the rows of one.
    """

    expected: Sequence[Name] = ()
    """Names that will probably be needed: they are fetched together with the first."""

    def __init__(
        self,
        user_id: str,
        row: UserRow | None,
        weights: dict[Name, Weight] | None = None,
        states: dict[StateKey, Any] | None = None,
    ) -> None:
        """`weights` and `states` are all there are, if they are given; they become the unit's own."""
        self.user_id = user_id
        self.user_row = row
        self.serial = 0 if row is None else row.serial
        self.is_stored = self._usable = row is not None
        self._over = False
        self._needs_number = False
        # A name that is not there is None, or missing if its field is whole, which means that every name is known.
        self._known_weights: dict[Name, Any] = {} if weights is None else weights
        self._known_states: dict[StateKey, Any] = {} if states is None else states
        self._known_events: dict[str, Any] = {}
        self._whole_fields: Collection[str] = () if weights is None else WEIGHT_FIELDS
        self.all_states_known = states is not None
        self._begin_changes()

    def _begin_changes(self) -> None:
        self.changed = False
        self.cleared_fields: dict[str, None] = {}
        self.dropped_weights: dict[Name, None] = {}
        self.put_weights: dict[Name, Weight] = {}
        self.put_states: dict[StateKey, Any] = {}
        self.changed_scalars: set[str] = set()
        self.appended: list[Any] = []
        self.put_latest: dict[tuple[str, str], tuple[int, int]] = {}
        self.cleared_latest = False

    # -- what a backend gives

    @abstractmethod
    def next_serial(self) -> int:
        """Return a serial that no user ever had, greater than all before."""

    @abstractmethod
    def place_event(self, event: Event) -> tuple[int, Any]:
        """Return a position that no event ever had, greater than all before, and the event packed with it."""

    def fetch_weights(self, names: Sequence[Name]) -> Iterable[tuple[Name, Weight]]:
        """Return the stored weights of these names; not called for a user of whom all are known, like the next two."""
        raise NotImplementedError

    def fetch_all_weights(self) -> dict[Name, Weight]:
        """Return a new dict of all stored weights, in the order in which the names were added."""
        raise NotImplementedError

    def fetch_state(self, learner: str, key: str) -> Any:
        """Return a stored state, packed; None if there is none."""
        raise NotImplementedError

    @abstractmethod
    def fetch_event(self, event_id: str) -> Any:
        """Return the stored event of an id, packed; None if there is none."""

    def fetch_log(self) -> Iterable[Any] | None:
        """Return the events that were written, packed, newest first; None if `put_latest` is kept nowhere."""
        return None

    # -- how it keeps them: plain objects here, which nobody else can change

    def pack_state(self, state: Any) -> Any:
        """Return a state as the backend writes it."""
        return copied(state)

    def unpack_state(self, packed: Any) -> Any:
        """Return a state that belongs to the caller."""
        return copied(packed)

    def unpack_event(self, packed: Any) -> Event:
        """Return an event that belongs to the caller."""
        return owned_event(packed)

    # -- whether it is there

    @property
    def exists(self) -> bool:
        """Whether there is such a user."""
        return self.user_row is not None

    @property
    def updated_at(self) -> str:
        """When the profile changed last."""
        return str(self._present().scalars["updated_at"])

    @property
    def revision(self) -> tuple[int, int]:
        """The revision that a snapshot would have now."""
        row = self.numbered()
        return row.serial, row.revision

    def create(self, timestamp: str) -> None:
        """Make the user with default preferences."""
        self._refuse_later_use()
        if self.user_row is not None:
            raise StoreError("this user exists already and cannot be created again")
        self.serial = self.next_serial()
        self.user_row = UserRow.new(self.user_id, self.serial, timestamp)
        self._usable = True
        self._whole_fields = WEIGHT_FIELDS
        self.all_states_known = self.changed = self._needs_number = True

    def _refuse_later_use(self) -> None:
        if self._over:
            raise StoreError("this transaction is over; begin another one")

    def _refuse(self) -> NoReturn:
        self._refuse_later_use()
        raise StoreError("this user does not exist; create it first")

    def _present(self) -> UserRow:
        if not self._usable or self.user_row is None:
            self._refuse()
        return self.user_row

    def _changing(self) -> None:
        if not self._usable:
            self._refuse()
        self.changed = self._needs_number = True

    def numbered(self) -> UserRow:
        """Return the row, at a new revision if anything changed since somebody saw the last one."""
        row = self._present()
        if self._needs_number:
            row.revision = fresh_number()
            self._needs_number = False
        return row

    def snapshot(self) -> ProfileSnapshot:
        """Return the profile as it is in this transaction."""
        row = self.numbered()
        return row.snapshot_of_known(self.all_weights())

    # -- the profile

    def all_weights(self) -> Mapping[Name, Weight]:
        """Return all weights in the order of the profile, with the changes; it may be the unit's own."""
        if len(self._whole_fields) == len(WEIGHT_FIELDS):
            return self._known_weights
        found = self.fetch_all_weights()
        if self.cleared_fields:
            found = {name: weight for name, weight in found.items() if name[0] not in self.cleared_fields}
        for name in self.dropped_weights:  # one that was put again comes last
            found.pop(name, None)
        found.update(self.put_weights)
        return found

    def weight(self, field: str, name: str) -> Weight | None:
        """Return spelling and weight of a name."""
        if not self._usable:
            self._refuse()
        key = field, WEIGHT_FIELDS[field](name)
        return self._known_weights[key] if key in self._known_weights else self._fetched(key)

    def _fetched(self, name: Name) -> Weight | None:
        """Return the weight of a name that is not known, fetched together with those that are expected."""
        if name[0] in self._whole_fields:
            return None
        names = self.expected if name in self.expected else [name, *self.expected]
        if self._known_weights or self._whole_fields:
            names = self.unknown_names(names)
        self.learn_weights(names, self.fetch_weights(names))
        found: Weight | None = self._known_weights[name]
        return found

    def put_weight(self, field: str, name: str, weight: float) -> None:
        """Set a weight under the spelling that is there."""
        if not self._usable:  # not by `_changing`: with three weights a feedback, calls are a fiftieth of its time
            self._refuse()
        self.changed = self._needs_number = True
        key = field, WEIGHT_FIELDS[field](name)
        present = self._known_weights[key] if key in self._known_weights else self._fetched(key)
        self._known_weights[key] = self.put_weights[key] = (present[0] if present else name, weight)

    def drop_weight(self, field: str, name: str) -> None:
        """Remove a name."""
        if self.weight(field, name) is not None:
            self._changing()
            key = field, WEIGHT_FIELDS[field](name)
            self.put_weights.pop(key, None)
            self.dropped_weights[key] = self._known_weights[key] = None
            if field in self._whole_fields:
                del self._known_weights[key]  # so that it comes last if it is put again

    def clear_weights(self, field: str) -> None:
        """Remove all names of a field."""
        self._changing()
        self.cleared_fields[field] = None
        self._whole_fields = {*self._whole_fields, field}
        known: Sequence[dict[Name, Any]] = (self._known_weights, self.put_weights, self.dropped_weights)
        for names in known:
            for name in [name for name in names if name[0] == field]:
                del names[name]

    def put_scalar(self, field: str, value: Any) -> None:
        """Set one of the fields that are no mapping."""
        self._present().scalars[field] = value
        self.changed = self._needs_number = True
        self.changed_scalars.add(field)

    # -- the log and what was learned from it

    def append(self, event: Event) -> int:
        """Add an event to the log; raises `StoreError` if it has an event of this id already."""
        if not self._usable:
            self._refuse()
        if event.event_id is not None and self._event(event.event_id) is not None:
            raise StoreError(f"the log has an event of the id {event.event_id!r} already")
        position, packed = self.place_event(event)
        self.changed = self._needs_number = True
        self.appended.append(packed)
        if event.interaction is not None:
            note_interaction(self.put_latest, event.interaction, position)
        if event.event_id is not None:
            self._known_events[event.event_id] = packed
        return position

    def replace_latest(self, latest: Mapping[tuple[str, str], tuple[int, int]]) -> None:
        """Replace what is kept of the latest interactions, by type and track."""
        self._changing()
        self.cleared_latest = True
        self.put_latest = dict(latest)

    def log(self) -> Iterator[Event] | None:
        """Iterate the user's log as this transaction sees it, newest first; None as `fetch_log`."""
        if not self._usable:
            self._refuse()
        written = self.fetch_log()
        return None if written is None else map(self.unpack_event, chain(reversed(self.appended), written))

    def find_event(self, event_id: str) -> Event | None:
        """Return the user's event of this id."""
        if not self._usable:
            self._refuse()
        packed = self._event(event_id)
        return None if packed is None else self.unpack_event(packed)

    def _event(self, event_id: str) -> Any:
        if event_id not in self._known_events:
            self._known_events[event_id] = self.fetch_event(event_id) if self.is_stored else None
        return self._known_events[event_id]

    def state(self, learner: str, key: str) -> Any:
        """Return a learner's state under a key."""
        if not self._usable:
            self._refuse()
        place = learner, key
        if place not in self._known_states and not self.all_states_known:
            self._known_states[place] = self.fetch_state(learner, key)
        packed = self._known_states.get(place)
        return None if packed is None else self.unpack_state(packed)

    def put_state(self, learner: str, key: str, state: Any) -> None:
        """Set a learner's state under a key; None removes it."""
        self._changing()
        packed = None if state is None else self.pack_state(state)
        self._known_states[learner, key] = self.put_states[learner, key] = packed
        if packed is None and self.all_states_known:
            del self._known_states[learner, key]

    # -- what was fetched ahead; what is known already counts more

    def unknown_names(self, names: Iterable[Name]) -> list[Name]:
        """Return those of the names whose weights have to be fetched."""
        return [name for name in names if name not in self._known_weights and name[0] not in self._whole_fields]

    def learn_weights(self, names: Iterable[Name], found: Iterable[tuple[Name, Weight]]) -> None:
        """Take the stored weights of unknown names, of which some may not be there."""
        self._known_weights.update(dict.fromkeys(names))
        self._known_weights.update(found)

    def learn_states(self, states: Iterable[tuple[StateKey, Any]], *, whole: bool) -> None:
        """Take stored states, packed; `whole` is whether these are all of them."""
        if self.all_states_known:
            return  # one that was removed since is missing, and must not come back
        self.all_states_known = whole
        for place, packed in states:
            self._known_states.setdefault(place, packed)

    def learn_events(self, event_ids: Iterable[str], found: Mapping[str, Any]) -> None:
        """Take the stored events of ids, packed, of which some may not be there."""
        for event_id in event_ids:
            self._known_events.setdefault(event_id, found.get(event_id))

    # -- the end

    def all_states(self) -> Mapping[StateKey, Any]:
        """Return the unit's own states, packed, of a user of whom all are known."""
        return self._known_states

    def was_written(self) -> None:
        """Begin with no changes; events that are there are fetched again, so that a long log is not kept in memory."""
        self.is_stored = True
        self._known_events = {event_id: None for event_id, packed in self._known_events.items() if packed is None}
        self._begin_changes()

    def end(self) -> None:
        """Refuse whatever comes after the transaction."""
        self._over = True
        self._usable = False
