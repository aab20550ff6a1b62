"""What a transaction knows: read when it is asked for, written when the transaction ends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qfzz_core.events import Event, encode_event
from qfzz_core.json_texts import decoded, encoded
from qfzz_core.weights import WEIGHT_FIELDS
from qfzz_plugins.stores.sqlite.connection import Connection, Row
from qfzz_plugins.stores.sqlite.rows import EVENT_COLUMNS
from qfzz_plugins.stores.sqlite.streams import MARKS, padded

Name = tuple[str, str]  # field and normal form

_WEIGHT = "SELECT field, same, name, weight FROM weights WHERE serial = ? AND field = ? AND same = ?"
_SEVERAL_WEIGHTS = [" UNION ALL ".join([_WEIGHT] * count) for count in range(4)]
_WEIGHTS_OF_FIELD = (
    f"SELECT field, same, name, weight FROM weights WHERE serial = ? AND field = ? AND same IN ({MARKS})"
)
_PUT_WEIGHT = """INSERT INTO weights (serial, field, same, name, weight) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (serial, field, same) DO UPDATE SET weight = excluded.weight"""
_DROP_WEIGHT = "DELETE FROM weights WHERE serial = ? AND field = ? AND same = ?"
_CLEAR_WEIGHTS = "DELETE FROM weights WHERE serial = ? AND field = ?"

_APPEND = f"INSERT INTO events (serial, {EVENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"
_FIND_EVENT = f"SELECT {EVENT_COLUMNS} FROM events WHERE serial = ? AND event_id = ?"
_FIND_EVENTS = f"SELECT {EVENT_COLUMNS} FROM events WHERE serial = ? AND event_id IN ({MARKS})"
_MOST = 1000  # events that wait to be written

_STATE = "SELECT state FROM states WHERE serial = ? AND learner = ? AND key = ?"
_STATES = "SELECT learner, key, state FROM states WHERE serial = ? LIMIT ?"
_STATES_AHEAD = 8  # states that are read for one feedback in less time than looking up one takes
_PUT_STATE = """INSERT INTO states (serial, learner, key, state) VALUES (?, ?, ?, ?)
    ON CONFLICT (serial, learner, key) DO UPDATE SET state = excluded.state"""
_DROP_STATE = "DELETE FROM states WHERE serial = ? AND learner = ? AND key = ?"


def name_key(field: str, name: str) -> Name:
    """Return the field and the normal form by which a name is found in it."""
    return field, WEIGHT_FIELDS[field](name)


class WeightsDraft:
    """The weights of one user: those that were asked for, and those that are to be written.

    `expected` are a few names that will probably be asked for, too; they are read with the first of them. `new` is
    whether the user was created in this transaction, so that nothing has to be read.
    """

    def __init__(self, connection: Connection, serial: int, expected: list[Name], new: bool) -> None:
        self._connection = connection
        self._serial = serial
        self._expected = expected
        self._whole = set(WEIGHT_FIELDS) if new else set()  # fields of which every name is known
        self._known: dict[Name, tuple[str, float] | None] = {}
        self._put: dict[Name, tuple[int, str, str, str, float]] = {}

    def get(self, field: str, name: str) -> tuple[str, float] | None:
        """Return spelling and weight of a name."""
        return self._get(name_key(field, name))

    def _get(self, key: Name) -> tuple[str, float] | None:
        try:
            return self._known[key]
        except KeyError:
            return None if key[0] in self._whole else self._read(key)

    def _read(self, key: Name) -> tuple[str, float] | None:
        others = [other for other in self._expected if other != key and other not in self._known]
        keys = [key, *others[:2]]
        parameters = [value for key in keys for value in (self._serial, *key)]
        self._learn(keys, self._connection.rows(_SEVERAL_WEIGHTS[len(keys)], parameters))
        return self._known[key]

    def _learn(self, keys: Iterable[Name], rows: Iterable[Row]) -> None:
        self._known.update(dict.fromkeys(keys))
        for field, same, name, weight in rows:
            self._known[field, same] = (name, weight)

    def read_ahead(self, field: str, sames: Iterable[str]) -> None:
        """Read what will be asked for in a field, by normal forms."""
        if field in self._whole:
            return
        for some in padded(same for same in sames if (field, same) not in self._known):
            rows = self._connection.rows(_WEIGHTS_OF_FIELD, [self._serial, field, *some])
            self._learn([(field, same) for same in some if same is not None], rows)

    def put(self, field: str, name: str, weight: float) -> None:
        """Set a weight under the spelling that is there."""
        key = name_key(field, name)
        present = self._get(key)
        spelling = present[0] if present else name
        self._known[key] = (spelling, weight)
        self._put[key] = (self._serial, *key, spelling, weight)

    def drop(self, field: str, name: str) -> bool:
        """Remove a name; False if it is not there."""
        key = name_key(field, name)
        if self._get(key) is None:
            return False
        self.write()
        self._connection.run(_DROP_WEIGHT, [self._serial, *key])
        self._known[key] = None
        return True

    def clear(self, field: str) -> None:
        """Remove all names of a field."""
        self.write()
        self._connection.run(_CLEAR_WEIGHTS, [self._serial, field])
        self._whole.add(field)
        self._known = {key: found for key, found in self._known.items() if key[0] != field}

    def write(self) -> None:
        """Write what was put, in the order in which the names were put first."""
        if self._put:
            self._connection.run_many(_PUT_WEIGHT, list(self._put.values()))
            self._put.clear()


class StatesDraft:
    """The learned states of one user, as JSON: those that were asked for, and those that are to be written."""

    def __init__(self, connection: Connection, serial: int, new: bool) -> None:
        self._connection = connection
        self._serial = serial
        self._whole = new  # whether every state is known
        self._known: dict[tuple[str, str], str | None] = {}
        self._put: dict[tuple[str, str], tuple[int, str, str, str]] = {}

    def get(self, learner: str, key: str) -> Any:
        """Return a learner's state under a key."""
        if (learner, key) not in self._known and not self._whole:
            row = self._connection.row(_STATE, [self._serial, learner, key])
            self._known[learner, key] = None if row is None else row[0]
        found = self._known.get((learner, key))
        return None if found is None else decoded(found)

    def read_ahead(self, count: int) -> None:
        """Read the states that so many feedbacks will probably ask for: all of them, unless there are far more."""
        limit = count * _STATES_AHEAD
        rows = [] if self._whole else self._connection.rows(_STATES, [self._serial, limit])
        self._whole = self._whole or len(rows) < limit
        for learner, key, state in rows:
            self._known.setdefault((learner, key), state)

    def put(self, learner: str, key: str, state: Any) -> None:
        """Set a learner's state under a key; None removes it."""
        if state is None:
            self._put.pop((learner, key), None)
            self._connection.run(_DROP_STATE, [self._serial, learner, key])
            self._known[learner, key] = None
        else:
            text = self._known[learner, key] = encoded(state)
            self._put[learner, key] = (self._serial, learner, key, text)

    def write(self) -> None:
        """Write what was put."""
        if self._put:
            self._connection.run_many(_PUT_STATE, list(self._put.values()))
            self._put.clear()


class LogDraft:
    """The events of all users of a transaction: those that were asked for by id, and those that are to be written."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._position = 0  # of the last event, 0 before the first of this transaction
        self._known: dict[tuple[int, str], Row | None] = {}
        self._put: list[Row] = []

    def append(self, serial: int, event: Event) -> int:
        """Add an event to the log of a user and return its position; the table refuses an event_id that it has.

        The first one gets its position from the table. Nobody else writes until the end, so the others can wait.
        """
        values = (event.kind, event.timestamp, event.event_id, encoded(encode_event(event)))
        if self._position == 0:
            self._position = self._connection.run(_APPEND, (serial, None, *values)).lastrowid or 0
        else:
            self._position += 1
            self._put.append((serial, self._position, *values))
        if event.event_id is not None:
            self._known[serial, event.event_id] = (self._position, *values)
        if len(self._put) >= _MOST:
            self.write()
        return self._position

    def find(self, serial: int, event_id: str) -> Row | None:
        """Return the row of `EVENT_COLUMNS` of a user's event, reading it once."""
        key = (serial, event_id)
        if key not in self._known:
            self._known[key] = self._connection.row(_FIND_EVENT, key)
        return self._known[key]

    def read_ahead(self, serial: int, event_ids: Iterable[str]) -> None:
        """Read what will be asked for."""
        for some in padded(event_id for event_id in event_ids if (serial, event_id) not in self._known):
            rows = self._connection.rows(_FIND_EVENTS, [serial, *some])
            self._known.update({(serial, event_id): None for event_id in some if event_id is not None})
            self._known.update({(serial, row[3]): row for row in rows})

    def write(self) -> None:
        """Write what waits, and know no event any more, because all of them are in the table."""
        if self._put:
            self._connection.run_many(_APPEND, self._put)
            self._put = []
            self._known.clear()
