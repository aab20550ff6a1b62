"""A transaction in PostgreSQL: locked users, reads when they are asked for, and all writes together at its end."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from qfzz_core.contracts.stores import Foreseen, fresh_number
from qfzz_core.errors import StoreError
from qfzz_core.model.events import Event, encode_event
from qfzz_core.model.json_codec import decoded, encoded
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.model.tracks import Track
from qfzz_plugins.stores.postgresql.ahead import STATES, UserAhead, features_of, read_ahead
from qfzz_plugins.stores.postgresql.catalogue import find_track
from qfzz_plugins.stores.postgresql.connection import Connection, Row, Statement
from qfzz_plugins.stores.postgresql.locks import Begun
from qfzz_plugins.stores.postgresql.numbering import Numbers
from qfzz_plugins.stores.postgresql.pending import Name, PendingStates, PendingWeights
from qfzz_plugins.stores.postgresql.rows import EVENT_COLUMNS, UserRow, as_event
from qfzz_plugins.stores.postgresql.texts import as_bytes

_MANY = 50  # events that go by COPY rather than one by one
_MOST = 10_000  # events that are kept until the end

WEIGHTS = "SELECT field, name, weight FROM weights WHERE serial = %s ORDER BY id"
_FIND_EVENT = f"SELECT {EVENT_COLUMNS} FROM events WHERE serial = %s AND sha256(event_id) = sha256(%s)"
_ONE_AHEAD = f"""SELECT tracks.body, {", ".join(f"events.{column}" for column in EVENT_COLUMNS.split(", "))}
    FROM (SELECT 1) AS one
    LEFT JOIN tracks ON sha256(tracks.track_id) = sha256(%s)
    LEFT JOIN events ON events.serial = %s::bigint AND sha256(events.event_id) = sha256(%s)"""
_APPEND = f"INSERT INTO events (serial, {EVENT_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s)"
EVENT_TYPES = ("int8", "int8", "text", "text", "bytea", "text")


def event_row(event: Event, position: int) -> Row:
    """Return the row of `EVENT_COLUMNS` of an event."""
    event_id = None if event.event_id is None else as_bytes(event.event_id)
    return position, event.kind, event.timestamp, event_id, encoded(encode_event(event))


def copy_events(connection: Connection, rows: Iterable[Row]) -> None:
    """Write events by COPY: rows of serial and `EVENT_COLUMNS`."""
    connection.copy(f"events (serial, {EVENT_COLUMNS})", EVENT_TYPES, rows)


class PostgresqlUser:
    """A `UserTransaction`. What it writes is kept here until the transaction is written."""

    def __init__(self, transaction: PostgresqlTransaction, user_id: str, row: UserRow | None) -> None:
        self._transaction = transaction
        self._connection = transaction.connection
        self._user_id = user_id
        self._row: UserRow | None = None
        self._changed = False
        self._shown = True  # whether anybody may have seen the revision
        self._over = False
        self._events: list[Row] = []
        self._event_ids: dict[bytes, Row | None] = {}
        if row is not None:
            self._hold(row)

    def _hold(self, row: UserRow) -> None:
        self._row = row
        self._weights = PendingWeights(self._connection, row.serial, self._transaction.expected, not row.stored)
        self._states = PendingStates(self._connection, row.serial, not row.stored)

    @property
    def exists(self) -> bool:
        """Whether there is such a user."""
        return self._row is not None

    @property
    def updated_at(self) -> str:
        """When the profile changed last."""
        return str(self._now().scalars["updated_at"])

    @property
    def revision(self) -> tuple[int, int]:
        """The revision that a snapshot would have now."""
        row = self._now()
        self._shown = True
        return row.serial, row.revision

    def create(self, timestamp: str) -> None:
        """Make the user with default preferences."""
        if self._over:
            raise StoreError("this transaction is over; begin another one")
        if self._row is not None:
            raise StoreError("this user exists already and cannot be created again")
        profile = ProfileSnapshot(user_id=self._user_id, created_at=timestamp, updated_at=timestamp)
        self._hold(UserRow.new(self._transaction.serials.next(), profile))
        self._changed = True

    def _now(self) -> UserRow:
        if self._over:
            raise StoreError("this transaction is over; begin another one")
        if self._row is None:
            raise StoreError("this user does not exist; create it first")
        return self._row

    def _changing(self) -> UserRow:
        """Return the row, at its next revision."""
        row = self._now()
        if self._shown:
            row.revision = fresh_number()
            self._shown = False
        self._changed = True
        return row

    def snapshot(self) -> ProfileSnapshot:
        """Return the profile as it is in this transaction."""
        row = self._now()
        self._transaction.write()
        return row.snapshot(self._connection.rows(WEIGHTS, [row.serial]))

    # -- the profile

    def weight(self, field: str, name: str) -> tuple[str, float] | None:
        """Return spelling and weight of a name."""
        self._now()
        return self._weights.get(field, name)

    def put_weight(self, field: str, name: str, weight: float) -> None:
        """Set a weight under the spelling that is there."""
        self._changing()
        self._weights.put(field, name, weight)

    def drop_weight(self, field: str, name: str) -> None:
        """Remove a name."""
        self._now()
        if self._weights.drop(field, name):
            self._changing()

    def clear_weights(self, field: str) -> None:
        """Remove all names of a field."""
        self._changing()
        self._weights.clear(field)

    def put_scalar(self, field: str, value: Any) -> None:
        """Set one of the fields that are no mapping."""
        self._changing().scalars[field] = value

    # -- the log and what was learned from it

    def append(self, event: Event) -> int:
        """Add an event to the log; raises `StoreError` if it has an event of this id already."""
        self._now()
        if event.event_id is not None and self._find(as_bytes(event.event_id)) is not None:
            raise StoreError(f"the log has an event of the id {event.event_id!r} already")
        row = event_row(event, self._transaction.positions.next())
        self._changing()
        self._events.append(row)
        if row[3] is not None:
            self._event_ids[row[3]] = row
        if len(self._events) >= _MOST:
            self._transaction.write()
        return int(row[0])

    def find_event(self, event_id: str) -> Event | None:
        """Return the user's event of this id."""
        self._now()
        row = self._find(as_bytes(event_id))
        return None if row is None else as_event(row)

    def _find(self, event_id: bytes) -> Row | None:
        """Return the row of an event, asking the database once for each id."""
        if event_id not in self._event_ids:
            row = self._now()
            stored = self._connection.row(_FIND_EVENT, [row.serial, event_id]) if row.stored else None
            self._event_ids[event_id] = stored
        return self._event_ids[event_id]

    def state(self, learner: str, key: str) -> Any:
        """Return a learner's state under a key."""
        self._now()
        return self._states.get(learner, key)

    def put_state(self, learner: str, key: str, state: Any) -> None:
        """Set a learner's state under a key."""
        self._changing()
        self._states.put(learner, key, state)

    @property
    def stored_serial(self) -> int | None:
        """The serial of a user whom the tables hold, None if nothing can be read of this one."""
        return self._row.serial if self._row is not None and self._row.stored else None

    def learn_event(self, event_id: bytes, row: Row | None) -> None:
        """Take the row of an event that was read, None if there is none; what is known already counts more."""
        self._event_ids.setdefault(event_id, row)

    def learn(self, found: UserAhead) -> None:
        """Take what was read ahead; what is known already counts more."""
        self._event_ids = {**found.events, **self._event_ids}
        self._states.learn(found.states, whole=len(found.states) < STATES)
        self._weights.learn(found.names, found.weights)

    # -- the end

    def statements(self) -> list[Statement]:
        """Return the statements that write what is pending but the events, which then is no more."""
        if self._row is None or not self._changed:
            return []
        found = [self._row.statement(), *self._weights.statements(), *self._states.statements()]
        self._row.stored = True
        self._changed = False
        self._shown = True
        return found

    def events(self) -> list[Row]:
        """Return the rows of the events that are pending, with the serial before them, which then are no more."""
        events, self._events = self._events, []
        return [(self._row.serial, *event) for event in events] if self._row is not None else []

    def end(self) -> None:
        """Refuse whatever comes after the transaction."""
        self._over = True


class PostgresqlTransaction:
    """A `Transaction` over the users it was begun with, who are locked."""

    def __init__(self, connection: Connection, user_ids: Collection[str], begun: Begun) -> None:
        self.connection = connection
        self.positions = Numbers(connection, "events_position", begun.positions)
        self.serials = Numbers(connection, "users_serial")
        self.expected: list[Name] = []  # a track that was read will probably teach
        self._tracks: dict[str, Track | None] = {}  # those that were read ahead
        self._users = {user_id: PostgresqlUser(self, user_id, begun.users.get(user_id)) for user_id in user_ids}

    def user(self, user_id: str) -> PostgresqlUser:
        """Return one of the users; KeyError for one who was not named."""
        return self._users[user_id]

    def track(self, track_id: str) -> Track | None:
        """Return a track as it is now."""
        if track_id in self._tracks:
            return self._tracks[track_id]
        track = find_track(self.connection, track_id)
        if track is not None:
            self.expected[:] = features_of(track)
        return track

    def read_ahead(self, feedbacks: Sequence[Foreseen]) -> None:
        """Read together what these feedbacks will ask for."""
        if len(feedbacks) == 1:
            self._read_one_ahead(feedbacks[0])
            return
        stored = {user_id: user.stored_serial for user_id, user in self._users.items()}
        serials = {user_id: serial for user_id, serial in stored.items() if serial is not None}
        self._tracks, users = read_ahead(self.connection, feedbacks, serials)
        for user_id, found in users.items():
            self._users[user_id].learn(found)

    def _read_one_ahead(self, feedback: Foreseen) -> None:
        """Read track and event by one statement, and expect what the track teaches."""
        user = self._users[feedback.user_id]
        event_id = None if feedback.event_id is None else as_bytes(feedback.event_id)
        asked = [as_bytes(feedback.track_id), user.stored_serial, event_id]
        for body, *event in self.connection.rows(_ONE_AHEAD, asked):
            track = self._tracks[feedback.track_id] = None if body is None else decoded(body)
            self.expected[:] = features_of(track) if track is not None else []
            if event_id is not None:
                user.learn_event(event_id, None if event[0] is None else tuple(event))

    def write(self) -> None:
        """Write what is pending."""
        self.connection.together(self.ending())

    def ending(self) -> list[Statement]:
        """Return the statements that write what is pending; many events are written before."""
        statements = [statement for user in self._users.values() for statement in user.statements()]
        events = [event for user in self._users.values() for event in user.events()]
        if len(events) <= _MANY:
            return [*statements, *((_APPEND, event) for event in events)]
        self.connection.together(statements)
        copy_events(self.connection, events)
        return []

    def end(self) -> None:
        """Refuse whatever comes after the transaction."""
        for user in self._users.values():
            user.end()
