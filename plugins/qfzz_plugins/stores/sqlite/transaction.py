"""A transaction in SQLite: a handful of reads by key, and all writes at its end."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, Self

from qfzz_core.contracts.stores import Foreseen, UserRecord
from qfzz_core.model.events import Event
from qfzz_core.model.tracks import Track
from qfzz_core.model.weights import WEIGHT_FIELDS
from qfzz_core.storage.decoding import event_row
from qfzz_core.storage.records import EVENT_COLUMNS, SCALARS, Name, UserRow, Weight, write_record
from qfzz_core.storage.unit_of_work import ReadAheadUnit, RowUser
from qfzz_plugins.stores.sqlite.catalogue import find_track
from qfzz_plugins.stores.sqlite.connection import Connection, Insertion, Row
from qfzz_plugins.stores.sqlite.schema import PUT_LATEST

_USER_COLUMNS = ("user_id", "serial", "revision", *SCALARS)
_USER = f"SELECT {', '.join(_USER_COLUMNS)} FROM users WHERE user_id = ?"
_RESERVE = f"INSERT INTO users (user_id, revision, {', '.join(SCALARS)}) VALUES (?, 0, '', '', 0, '', 0)"
_TOUCH = "UPDATE users SET revision = ?, updated_at = ? WHERE serial = ?"
_WRITE = f"UPDATE users SET revision = ?, {', '.join(f'{field} = ?' for field in SCALARS)} WHERE serial = ?"

_WEIGHT = "SELECT field, same, name, weight FROM weights WHERE serial = ? AND field = ? AND same = ?"
_SEVERAL_WEIGHTS = [" UNION ALL ".join([_WEIGHT] * count) for count in range(5)]  # one, and three that are expected
_ALL_WEIGHTS = "SELECT field, same, name, weight FROM weights WHERE serial = ? ORDER BY id"
_PUT_WEIGHTS = Insertion(
    """INSERT INTO weights (serial, field, same, name, weight) VALUES {}
        ON CONFLICT (serial, field, same) DO UPDATE SET weight = excluded.weight""",
    columns=5,
)
_DROP_WEIGHT = "DELETE FROM weights WHERE serial = ? AND field = ? AND same = ?"
_CLEAR_WEIGHTS = "DELETE FROM weights WHERE serial = ? AND field = ?"

SELECT_EVENTS = f"SELECT {', '.join(EVENT_COLUMNS)} FROM events WHERE serial = ?"
_APPEND = Insertion(f"INSERT INTO events (serial, {', '.join(EVENT_COLUMNS)}) VALUES {{}}", columns=6)

_STATE = "SELECT state FROM states WHERE serial = ? AND learner = ? AND key = ?"
_STATES = "SELECT learner, key, state FROM states WHERE serial = ? LIMIT ?"
_STATES_AHEAD = 8  # states that are read for one feedback in less time than looking up one takes
_PUT_STATES = Insertion(
    """INSERT INTO states (serial, learner, key, state) VALUES {}
        ON CONFLICT (serial, learner, key) DO UPDATE SET state = excluded.state""",
    columns=4,
)
_DROP_STATE = "DELETE FROM states WHERE serial = ? AND learner = ? AND key = ?"

_LOOKED_UP = 32  # values of one query, always as many, so that SQLite prepares the query once
_MARKS = ",".join("?" * _LOOKED_UP)
_TRACKS_AHEAD = f"SELECT track_id, body FROM tracks WHERE track_id IN ({_MARKS})"
_EVENTS_AHEAD = f"{SELECT_EVENTS} AND event_id IN ({_MARKS})"
_WEIGHTS_AHEAD = f"SELECT field, same, name, weight FROM weights WHERE serial = ? AND field = ? AND same IN ({_MARKS})"
_ONE_AHEAD = f"""SELECT tracks.position, tracks.body,
        {", ".join(f"users.{column}" for column in _USER_COLUMNS)},
        {", ".join(f"events.{column}" for column in EVENT_COLUMNS)}
    FROM (SELECT 1)
    LEFT JOIN tracks ON tracks.track_id = ?
    LEFT JOIN users ON users.user_id = ?
    LEFT JOIN events ON events.serial = users.serial AND events.event_id = ?"""


def stored_user(connection: Connection, user_id: str) -> UserRow | None:
    """Read the row of a user."""
    row = connection.row(_USER, [user_id])
    return None if row is None else connection.decoding.user(row)


class SQLiteUser(RowUser):
    """A user in a transaction, whose rows are read on first use."""

    def __init__(self, unit: SQLiteUnit, user_id: str, row: UserRow | None) -> None:
        super().__init__(unit, user_id, row)
        self._connection = unit.connection

    def next_serial(self) -> int:
        """Return what the table gives to a row that waits for its values."""
        return self._connection.run(_RESERVE, [self.user_id])

    def place_event(self, event: Event) -> tuple[int, Row]:
        """Return the next position, and the row of the event.

        The first event of a transaction is written at once, to get its position from the table. Nobody else writes
        until the end, so the others can wait.
        """
        unit: SQLiteUnit = self._unit
        if unit.last_position:
            unit.last_position += 1
            return unit.last_position, event_row(event, unit.last_position)
        values = event_row(event)[1:]
        position = unit.last_position = unit.first_position = self._connection.run(
            _APPEND.one, (self.serial, None, *values)
        )
        return position, (position, *values)

    def fetch_weights(self, names: Sequence[Name]) -> Iterable[tuple[Name, Weight]]:
        """Return the stored weights of names."""
        values = [value for name in names for value in (self.serial, *name)]
        return self.decoding.weights(self.user_id, self._connection.rows(_SEVERAL_WEIGHTS[len(names)], values))

    def fetch_all_weights(self) -> dict[Name, Weight]:
        """Return all stored weights."""
        return dict(self.decoding.weights(self.user_id, self._connection.rows(_ALL_WEIGHTS, [self.serial])))

    def fetch_state(self, learner: str, key: str) -> Any:
        """Return a stored state."""
        return (self._connection.row(_STATE, [self.serial, learner, key]) or (None,))[0]

    def fetch_event(self, event_id: str) -> Row | None:
        """Return a stored event."""
        return self._connection.row(f"{SELECT_EVENTS} AND event_id = ?", [self.serial, event_id])

    def fetch_log(self) -> Iterable[Row]:
        """Return the stored events, page by page."""
        pages = self._connection.pages(f"{SELECT_EVENTS} ORDER BY position DESC", [self.serial])
        return chain.from_iterable(pages)

    def read_ahead(self, feedbacks: Sequence[Foreseen]) -> None:
        """Read the events of feedbacks, and all states unless there are far more than feedbacks."""
        limit = len(feedbacks) * _STATES_AHEAD
        if not self.all_states_known:
            rows = self._connection.rows(_STATES, [self.serial, limit])
            self.learn_states((((learner, key), state) for learner, key, state in rows), whole=len(rows) < limit)
        event_ids = {feedback.event_id for feedback in feedbacks if feedback.event_id is not None}
        events = [
            row for some in _padded(event_ids) for row in self._connection.rows(_EVENTS_AHEAD, [self.serial, *some])
        ]
        self.learn_events(event_ids, {row[3]: row for row in events})


class SQLiteUnit(ReadAheadUnit[SQLiteUser]):
    """A `Transaction` over the users it was begun with. As a context manager it begins, and ends all or nothing."""

    def __init__(self, connection: Connection, user_ids: Collection[str]) -> None:
        super().__init__(user_ids, connection.decoding)
        self.connection = connection
        self.first_position = self.last_position = 0  # of the events of this transaction

    def __enter__(self) -> Self:
        self.connection.begin()
        return self

    def finish(self) -> None:
        """Write what changed, and commit."""
        super().finish()
        self.connection.commit()

    def end(self) -> None:
        """Undo what was not committed, and refuse whatever comes later."""
        super().end()
        self.connection.end()

    def find_user(self, user_id: str) -> SQLiteUser:
        """Return a user, who may not exist yet."""
        return SQLiteUser(self, user_id, stored_user(self.connection, user_id))

    def find_track(self, track_id: str) -> tuple[int, Track] | None:
        """Return position and track as they are now."""
        return find_track(self.connection, track_id)

    # -- reading ahead

    def fetch_one_ahead(self, feedback: Foreseen) -> Track | None:
        """Read track, user, event and the last position by one query."""
        user_id, event_id = feedback.user_id, feedback.event_id
        for row in self.connection.rows(_ONE_AHEAD, [feedback.track_id, user_id, event_id]):
            position, body, user, event = row[0], row[1], row[2:10], row[10:]
            if user_id not in self.users:
                self.users[user_id] = SQLiteUser(self, user_id, None if user[1] is None else self.decoding.user(user))
            if event_id is not None and self.users[user_id].is_stored:
                self.users[user_id].learn_events([event_id], {} if event[0] is None else {event_id: event})
            return None if position is None else self.decoding.track("track_id", feedback.track_id, body)
        return None  # for text that is no Unicode, which no table has

    def fetch_ahead(
        self, track_ids: Collection[str], users: Mapping[SQLiteUser, Sequence[Foreseen]]
    ) -> Mapping[str, Track]:
        """Read tracks, events and states."""
        for user, own in users.items():
            user.read_ahead(own)
        rows = [row for some in _padded(track_ids) for row in self.connection.rows(_TRACKS_AHEAD, some)]
        return dict(self.decoding.whole_tracks("track_id", rows))

    def fetch_weights_ahead(self, users: Mapping[SQLiteUser, Sequence[Name]]) -> None:
        """Read weights."""
        for user, names in users.items():
            rows = [
                row
                for field in WEIGHT_FIELDS
                for some in _padded(same for of, same in names if of == field)
                for row in self.connection.rows(_WEIGHTS_AHEAD, [user.serial, field, *some])
            ]
            user.learn_weights(names, self.decoding.weights(user.user_id, rows))

    # -- the end

    def write(self, users: Sequence[SQLiteUser]) -> None:
        """Write what changed."""
        for user in users:
            self._write_user(user)
            self._write_weights(user)
            self._write_states(user)
            if user.cleared_latest:
                self.connection.run("DELETE FROM latest WHERE serial = ?", [user.serial])
            latest = [(user.serial, *key, *numbers) for key, numbers in user.put_latest.items()]
            self.connection.insert(PUT_LATEST, latest)
        first = self.first_position  # of the event that was written at once
        events = [(user.serial, *event) for user in users for event in user.appended if event[0] != first]
        if events:
            self.connection.insert(_APPEND, events)

    def _write_user(self, user: SQLiteUser) -> None:
        row = user.numbered()
        if user.is_stored and user.changed_scalars <= {"updated_at"}:
            self.connection.run(_TOUCH, [row.revision, row.scalars["updated_at"], row.serial])
        else:
            self.connection.run(_WRITE, [row.revision, *row.scalars.values(), row.serial])

    def _write_weights(self, user: SQLiteUser) -> None:
        serial = user.serial
        for field in user.cleared_fields:
            self.connection.run(_CLEAR_WEIGHTS, [serial, field])
        for name in user.dropped_weights:
            self.connection.run(_DROP_WEIGHT, [serial, *name])
        self.connection.insert(_PUT_WEIGHTS, [(serial, *name, *weight) for name, weight in user.put_weights.items()])

    def _write_states(self, user: SQLiteUser) -> None:
        serial = user.serial
        put = [(serial, *place, state) for place, state in user.put_states.items() if state is not None]
        self.connection.insert(_PUT_STATES, put)
        if len(put) < len(user.put_states):
            for place in [place for place, state in user.put_states.items() if state is None]:
                self.connection.run(_DROP_STATE, [serial, *place])


def _padded(values: Iterable[str]) -> Iterator[list[str | None]]:
    """Iterate lists of `_LOOKED_UP` values; the last is filled up with None, which equals nothing."""
    remaining = iter(values)
    while some := list(islice(remaining, _LOOKED_UP)):
        yield [*some, *[None] * (_LOOKED_UP - len(some))]


def put_record(connection: Connection, record: UserRecord) -> None:
    """Put a recorded user, replacing the one who has the id, inside the transaction that is open."""
    user_id = record.profile.user_id
    connection.run("DELETE FROM users WHERE user_id = ?", [user_id])
    unit = SQLiteUnit(connection, [user_id])
    write_record(unit.user(user_id), record)
    unit.flush()
