"""What a transaction knows: read when it is asked for, written when the transaction ends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qfzz_core.model.events import Event, encode_event
from qfzz_core.model.json_codec import decoded, encoded
from qfzz_core.model.tracks import Track
from qfzz_core.model.weights import WEIGHT_FIELDS
from qfzz_plugins.stores.sqlite.connection import Connection, Insertion, Row
from qfzz_plugins.stores.sqlite.rows import EVENT_COLUMNS
from qfzz_plugins.stores.sqlite.streams import MARKS, padded

Name = tuple[str, str]  # field and normal form

_TAUGHT_BY = (("genres", "genre"), ("artists", "artist"), ("moods", "mood"))

_WEIGHT = "SELECT field, same, name, weight FROM weights WHERE serial = ? AND field = ? AND same = ?"
_WEIGHTS_OF_TRACK = " UNION ALL ".join([_WEIGHT] * len(_TAUGHT_BY))
_WEIGHTS_OF_FIELD = (
    f"SELECT field, same, name, weight FROM weights WHERE serial = ? AND field = ? AND same IN ({MARKS})"
)
_PUT_WEIGHTS = Insertion(
    """INSERT INTO weights (serial, field, same, name, weight) VALUES {}
        ON CONFLICT (serial, field, same) DO UPDATE SET weight = excluded.weight""",
    columns=5,
)
_DROP_WEIGHT = "DELETE FROM weights WHERE serial = ? AND field = ? AND same = ?"
_CLEAR_WEIGHTS = "DELETE FROM weights WHERE serial = ? AND field = ?"

_APPEND = Insertion(f"INSERT INTO events (serial, {EVENT_COLUMNS}) VALUES {{}}", columns=6)
_FIND_EVENT = f"SELECT {EVENT_COLUMNS} FROM events WHERE serial = ? AND event_id = ?"
_FIND_EVENTS = f"SELECT {EVENT_COLUMNS} FROM events WHERE serial = ? AND event_id IN ({MARKS})"
_MOST = 1000  # events that wait to be written

_STATE = "SELECT state FROM states WHERE serial = ? AND learner = ? AND key = ?"
_STATES = "SELECT learner, key, state FROM states WHERE serial = ? LIMIT ?"
_STATES_AHEAD = 8  # states that are read for one feedback in less time than looking up one takes
_PUT_STATES = Insertion(
    """INSERT INTO states (serial, learner, key, state) VALUES {}
        ON CONFLICT (serial, learner, key) DO UPDATE SET state = excluded.state""",
    columns=4,
)
_DROP_STATE = "DELETE FROM states WHERE serial = ? AND learner = ? AND key = ?"


def features_of(track: Track) -> list[Name]:
    """Return the names that feedback on a track teaches."""
    return [(field, WEIGHT_FIELDS[field](track[key])) for field, key in _TAUGHT_BY]


class WeightsDraft:
    """The weights of one user: those that were asked for, and those that are to be written.

    `new` is whether the user was created in this transaction, so that nothing has to be read.
    """

    def __init__(self, connection: Connection, serial: int, new: bool) -> None:
        self._connection = connection
        self._serial = serial
        self._whole = set(WEIGHT_FIELDS) if new else set()  # fields of which every name is known
        self._known: dict[Name, tuple[str, float] | None] = {}
        self._put: dict[Name, None] = {}

    def get(self, field: str, name: str) -> tuple[str, float] | None:
        """Return spelling and weight of a name."""
        key = field, WEIGHT_FIELDS[field](name)
        return self._known[key] if key in self._known else self._read(key)

    def _read(self, key: Name) -> tuple[str, float] | None:
        if key[0] in self._whole:
            return None
        self._learn([key], self._connection.rows(_WEIGHT, [self._serial, *key]))
        return self._known[key]

    def _learn(self, keys: Iterable[Name], rows: Iterable[Row]) -> None:
        self._known.update(dict.fromkeys(keys))
        for field, same, name, weight in rows:
            self._known[field, same] = (name, weight)

    def read_taught(self, track: Track) -> None:
        """Read what a feedback on a track will ask for."""
        keys = features_of(track)
        parameters = [value for key in keys for value in (self._serial, *key)]
        self._learn(keys, self._connection.rows(_WEIGHTS_OF_TRACK, parameters))

    def read_ahead(self, tracks: Iterable[Track]) -> None:
        """Read what feedbacks on these tracks will ask for."""
        names = {name for track in tracks for name in features_of(track)}
        unknown = [key for key in names if key not in self._known and key[0] not in self._whole]
        for field in WEIGHT_FIELDS:
            for some in padded(same for of, same in unknown if of == field):
                rows = self._connection.rows(_WEIGHTS_OF_FIELD, [self._serial, field, *some])
                self._learn([(field, same) for same in some if same is not None], rows)

    def put(self, field: str, name: str, weight: float) -> None:
        """Set a weight under the spelling that is there."""
        key = field, WEIGHT_FIELDS[field](name)
        present = self._known[key] if key in self._known else self._read(key)
        self._known[key] = (present[0] if present else name, weight)
        self._put[key] = None

    def drop(self, field: str, name: str) -> bool:
        """Remove a name; False if it is not there."""
        if self.get(field, name) is None:
            return False
        self.write()
        key = field, WEIGHT_FIELDS[field](name)
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
            rows = [(self._serial, *key, *(self._known[key] or ())) for key in self._put]
            self._connection.insert(_PUT_WEIGHTS, rows)
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
            self._connection.insert(_PUT_STATES, list(self._put.values()))
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
            self._position = self._connection.run(_APPEND.one, (serial, None, *values)).lastrowid or 0
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

    def learn(self, serial: int, event_id: str, row: Row | None) -> None:
        """Take what was read of a user's event; None stands for one that is not there."""
        self._known[serial, event_id] = row

    def read_ahead(self, serial: int, event_ids: Iterable[str]) -> None:
        """Read what will be asked for."""
        for some in padded(event_id for event_id in event_ids if (serial, event_id) not in self._known):
            rows = self._connection.rows(_FIND_EVENTS, [serial, *some])
            self._known.update({(serial, event_id): None for event_id in some if event_id is not None})
            self._known.update({(serial, row[3]): row for row in rows})

    def write(self) -> None:
        """Write what waits, and know no event any more, because all of them are in the table."""
        if self._put:
            self._connection.insert(_APPEND, self._put)
            self._put = []
            self._known.clear()
