"""A transaction in PostgreSQL: locked users, reads by key, and all writes together at its end."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

import attrs

from qfzz_core.contracts.stores import Foreseen, UserRecord
from qfzz_core.model.events import Event
from qfzz_core.model.tracks import Track
from qfzz_core.model.weights import WEIGHT_FIELDS
from qfzz_core.storage.decoding import Decoding, event_row
from qfzz_core.storage.pages import batches, paged
from qfzz_core.storage.records import SCALARS, Name, UserRow, Weight, write_record
from qfzz_core.storage.unit_of_work import ReadAheadUnit, RowUser
from qfzz_plugins.stores.postgresql.catalogue import find_track
from qfzz_plugins.stores.postgresql.connection import BEGIN, Connection, Statement, as_bytes, as_name, digests
from qfzz_plugins.stores.postgresql.raw import Row
from qfzz_plugins.stores.postgresql.schema import latest_statements

_USER_COLUMNS = f"user_id, serial, revision, {', '.join(SCALARS)}"
SELECT_USERS = f"SELECT {_USER_COLUMNS} FROM users"
_INSERT = f"INSERT INTO users ({_USER_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
_UPDATE = f"UPDATE users SET {', '.join(f'{column} = %s' for column in ('revision', *SCALARS))} WHERE serial = %s"
# In the order of the ids, so that transactions with several users do not wait for each other crosswise.
_LOCK = f"{SELECT_USERS} WHERE sha256(user_id) = ANY(%s::bytea[]) ORDER BY user_id FOR UPDATE"
_LOCK_PLACES = "SELECT pg_advisory_xact_lock(%s::int, place) FROM unnest(%s::int[]) AS place"
_TAKE = "SELECT nextval('{}') FROM generate_series(1, %s)"
_TAKE_POSITIONS: Statement = (_TAKE.format("events_position"), [2])  # as many as most transactions need
_MOST_TAKEN = 1000  # numbers

_SELECT_WEIGHTS = "SELECT field, same, name, weight FROM weights"
_WEIGHT = f"{_SELECT_WEIGHTS} WHERE serial = %s AND field = %s AND sha256(same) = sha256(%s)"
_SEVERAL_WEIGHTS = [" UNION ALL ".join([_WEIGHT] * count) for count in range(5)]  # one, and three that are expected
_WEIGHTS_AHEAD = f"{_SELECT_WEIGHTS} WHERE serial = %s AND field = %s AND sha256(same) = ANY(%s::bytea[])"
_PUT_WEIGHTS = """INSERT INTO weights (serial, field, same, name, weight) VALUES {}
    ON CONFLICT (serial, field, sha256(same)) DO UPDATE SET weight = excluded.weight"""
_PUT_AT_ONCE = 3  # weights that one statement writes: as many as a feedback moves
_DROP_WEIGHT = "DELETE FROM weights WHERE serial = %s AND field = %s AND sha256(same) = sha256(%s)"
_CLEAR_WEIGHTS = "DELETE FROM weights WHERE serial = %s AND field = %s"

_IS_STATE = "serial = %s AND sha256(learner) = sha256(%s) AND sha256(key) = sha256(%s)"
_STATE = f"SELECT state FROM states WHERE {_IS_STATE}"
_MOST_STATES = 1000  # that are read ahead of one user
_STATES_AHEAD = f"SELECT learner, key, state FROM states WHERE serial = %s LIMIT {_MOST_STATES}"
_PUT_STATE = """INSERT INTO states (serial, learner, key, state) VALUES (%s, %s, %s, %s)
    ON CONFLICT (serial, sha256(learner), sha256(key)) DO UPDATE SET state = excluded.state"""
_DROP_STATE = f"DELETE FROM states WHERE {_IS_STATE}"

_EVENT_COLUMNS = ("position", "kind", '"timestamp"', "event_id", "body")
SELECT_EVENTS = f"SELECT {', '.join(_EVENT_COLUMNS)} FROM events"
_FIND_EVENT = f"{SELECT_EVENTS} WHERE serial = %s AND sha256(event_id) = sha256(%s)"
_EVENTS_AHEAD = f"{SELECT_EVENTS} WHERE serial = %s AND sha256(event_id) = ANY(%s::bytea[])"
_EVENTS = f"events (serial, {', '.join(_EVENT_COLUMNS)})"
_APPEND = f"INSERT INTO {_EVENTS} VALUES (%s, %s, %s, %s, %s, %s)"
_FEW_EVENTS = 50  # more go by COPY rather than one by one
_TRACKS_AHEAD = "SELECT track_id, body FROM tracks WHERE sha256(track_id) = ANY(%s::bytea[])"
_ONE_AHEAD = f"""SELECT tracks.position, tracks.body, {", ".join(f"events.{column}" for column in _EVENT_COLUMNS)}
    FROM (SELECT 1) AS one
    LEFT JOIN tracks ON sha256(tracks.track_id) = sha256(%s)
    LEFT JOIN events ON events.serial = %s::bigint AND sha256(events.event_id) = sha256(%s)"""

_USER_TYPES = ("bytea", "int8", "int8", "text", "text", "float8", "text", "float8")
_WEIGHT_TYPES = ("int8", "text", "bytea", "bytea", "float8")
_STATE_TYPES = ("int8", "bytea", "bytea", "text")
_EVENT_TYPES = ("int8", "int8", "text", "text", "bytea", "text")
_LOADED_AT_ONCE = 5000  # rows of users that are loaded


def user_of(row: Row, decoding: Decoding) -> UserRow:
    """Return the user of a row of `SELECT_USERS`."""
    return decoding.user((as_name(row[0]), *row[1:]))


def packed_event(row: Row) -> Row:
    """Return the row of `SELECT_EVENTS` as `qfzz_core.storage.event_of` takes it."""
    position, kind, timestamp, event_id, body = row
    return position, kind, timestamp, None if event_id is None else as_name(event_id), body


# ---- how a transaction locks its users -------------------------------------------------------------------------------
# A row lock locks nothing where there is no row. So a transaction that finds a user missing takes an advisory lock, of
# which there are a limited number, and looks again: one that created the user meanwhile has committed then.


@attrs.frozen
class Begun:
    """A transaction that has begun: its users who exist, and the first positions for events."""

    users: Mapping[str, UserRow] = attrs.field(factory=dict)
    positions: Sequence[int] = ()


def begin(connection: Connection, user_ids: Collection[str], space: int) -> Begun:
    """Begin a transaction that holds the locks of users; `space` is the first key of the store's advisory locks."""
    names = sorted({as_bytes(user_id) for user_id in user_ids})
    if not names:
        connection.run(BEGIN)
        return Begun()
    lock: Statement = (_LOCK, [digests(names)])
    _, rows, positions = connection.together([(BEGIN, ()), lock, _TAKE_POSITIONS])  # taken under the locks
    missing = {*names} - {row[0] for row in rows}
    if missing:
        places = sorted({sha256(name).digest()[0] for name in missing})
        wait: Statement = (_LOCK_PLACES, [space, "{" + ",".join(map(str, places)) + "}"])
        _, rows, positions = connection.together([wait, lock, _TAKE_POSITIONS])
    users = [user_of(row, connection.decoding) for row in rows]
    return Begun({user.user_id: user for user in users}, [position for (position,) in positions])


class Numbers:
    """The numbers of a database sequence, taken in ever larger blocks, each used in order."""

    def __init__(self, connection: Connection, name: str, taken: Iterable[int] = ()) -> None:
        self._connection = connection
        self._query = _TAKE.format(name)
        self._taken = deque(taken)
        self._size = 1

    def next(self) -> int:
        """Return the next number."""
        if not self._taken:
            self._taken.extend(number for (number,) in self._connection.rows(self._query, [self._size]))
            self._size = min(4 * self._size, _MOST_TAKEN)
        return self._taken.popleft()


# ---- the unit of work ------------------------------------------------------------------------------------------------


class PostgresqlUser(RowUser):
    """A user in a transaction, whose rows are read on first use."""

    def __init__(self, unit: PostgresqlUnit, user_id: str, row: UserRow | None) -> None:
        super().__init__(unit, user_id, row)
        self._connection = unit.connection
        self._serials, self._positions = unit.serials, unit.positions

    def next_serial(self) -> int:
        """Return the next serial."""
        return self._serials.next()

    def place_event(self, event: Event) -> tuple[int, Row]:
        """Return the next position, and the row of the event."""
        position = self._positions.next()
        return position, event_row(event, position)

    def fetch_weights(self, names: Sequence[Name]) -> Iterable[tuple[Name, Weight]]:
        """Return the stored weights of names."""
        values = [value for field, same in names for value in (self.serial, field, as_bytes(same))]
        return self.weights_of(self._connection.rows(_SEVERAL_WEIGHTS[len(names)], values))

    def fetch_all_weights(self) -> dict[Name, Weight]:
        """Return all stored weights."""
        rows = self._connection.rows(f"{_SELECT_WEIGHTS} WHERE serial = %s ORDER BY id", [self.serial])
        return dict(self.weights_of(rows))

    def weights_of(self, rows: Iterable[Row]) -> list[tuple[Name, Weight]]:
        """Return the weights of rows of `_SELECT_WEIGHTS` by name."""
        named = [(field, as_name(same), as_name(name), weight) for field, same, name, weight in rows]
        return self.decoding.weights(self.user_id, named)

    def fetch_state(self, learner: str, key: str) -> Any:
        """Return a stored state."""
        return (self._connection.row(_STATE, [self.serial, as_bytes(learner), as_bytes(key)]) or (None,))[0]

    def fetch_event(self, event_id: str) -> Row | None:
        """Return a stored event."""
        row = self._connection.row(_FIND_EVENT, [self.serial, as_bytes(event_id)])
        return None if row is None else packed_event(row)

    def fetch_log(self) -> Iterable[Row]:
        """Return the stored events, page by page."""
        query = f"{SELECT_EVENTS} WHERE serial = %s AND position < %s ORDER BY position DESC LIMIT %s"
        return map(packed_event, paged(self._connection.rows, query, [self.serial], 2**63 - 1))

    # -- the rows of what changed

    def table_row(self) -> Row:
        """Return the row of the user."""
        row = self.numbered()
        return as_bytes(row.user_id), row.serial, row.revision, *row.scalars.values()

    def weight_rows(self) -> list[Row]:
        """Return the rows of the weights that were put."""
        put = self.put_weights.items()
        return [(self.serial, field, as_bytes(same), as_bytes(name), weight) for (field, same), (name, weight) in put]

    def state_rows(self) -> list[Row]:
        """Return the rows of the states that were put or, with None, removed."""
        put = self.put_states.items()
        return [(self.serial, as_bytes(learner), as_bytes(key), state) for (learner, key), state in put]

    def event_rows(self) -> list[Row]:
        """Return the rows of the events that were appended."""
        return [
            (self.serial, position, kind, timestamp, None if event_id is None else as_bytes(event_id), body)
            for position, kind, timestamp, event_id, body in self.appended
        ]

    def latest_rows(self) -> list[Row]:
        """Return the rows of the latest interactions among the events that were appended."""
        put = self.put_latest.items()
        return [(self.serial, as_bytes(name), as_bytes(track_id), *numbers) for (name, track_id), numbers in put]

    def statements(self) -> Iterator[Statement]:
        """Iterate the statements that write what changed but the events."""
        user_id, serial, *values = self.table_row()
        yield (_UPDATE, [*values, serial]) if self.is_stored else (_INSERT, [user_id, serial, *values])
        yield from ((_CLEAR_WEIGHTS, [serial, field]) for field in self.cleared_fields)
        yield from ((_DROP_WEIGHT, [serial, field, as_bytes(same)]) for field, same in self.dropped_weights)
        for some in batches(self.weight_rows(), _PUT_AT_ONCE):
            marks = ", ".join(["(%s, %s, %s, %s, %s)"] * len(some))
            yield _PUT_WEIGHTS.format(marks), [value for row in some for value in row]
        for *place, state in self.state_rows():
            yield (_DROP_STATE, place) if state is None else (_PUT_STATE, [*place, state])
        if self.cleared_latest:
            yield "DELETE FROM latest WHERE serial = %s", [serial]
        yield from latest_statements(self.latest_rows())


class PostgresqlUnit(ReadAheadUnit[PostgresqlUser]):
    """A `Transaction` over the users it was begun with, who are locked."""

    def __init__(self, connection: Connection, user_ids: Collection[str], begun: Begun) -> None:
        super().__init__(user_ids, connection.decoding)
        self.connection = connection
        self.positions = Numbers(connection, "events_position", begun.positions)
        self.serials = Numbers(connection, "users_serial")
        self._begun = begun

    def find_user(self, user_id: str) -> PostgresqlUser:
        """Return a user, who may not exist yet."""
        return PostgresqlUser(self, user_id, self._begun.users.get(user_id))

    def find_track(self, track_id: str) -> tuple[int, Track] | None:
        """Return position and track as they are now."""
        return find_track(self.connection, track_id)

    # -- reading ahead

    def fetch_one_ahead(self, feedback: Foreseen) -> Track | None:
        """Read track and event by one query."""
        user, event_id = self.user(feedback.user_id), feedback.event_id
        serial = user.serial if user.is_stored else None
        values = [as_bytes(feedback.track_id), serial, None if event_id is None else as_bytes(event_id)]
        ((position, body, *event),) = self.connection.rows(_ONE_AHEAD, values)
        if event_id is not None and serial is not None:
            user.learn_events([event_id], {} if event[0] is None else {event_id: packed_event(tuple(event))})
        return None if position is None else self.decoding.track("track_id", feedback.track_id, body)

    def fetch_ahead(
        self, track_ids: Collection[str], users: Mapping[PostgresqlUser, Sequence[Foreseen]]
    ) -> Mapping[str, Track]:
        """Read tracks, events and states in one round trip."""
        statements: list[Statement] = [(_TRACKS_AHEAD, [digests(map(as_bytes, track_ids))])]
        event_ids = [{each.event_id for each in own if each.event_id is not None} for own in users.values()]
        for user, ids in zip(users, event_ids, strict=True):
            statements += [(_EVENTS_AHEAD, [user.serial, digests(map(as_bytes, ids))]), (_STATES_AHEAD, [user.serial])]
        tracks, *rest = self.connection.together(statements)
        for user, ids, events, states in zip(users, event_ids, rest[::2], rest[1::2], strict=True):
            user.learn_events(ids, {row[3]: row for row in map(packed_event, events)})
            learned = (((as_name(learner), as_name(key)), state) for learner, key, state in states)
            user.learn_states(learned, whole=len(states) < _MOST_STATES)
        return dict(self.decoding.whole_tracks("track_id", [(as_name(track_id), body) for track_id, body in tracks]))

    def fetch_weights_ahead(self, users: Mapping[PostgresqlUser, Sequence[Name]]) -> None:
        """Read weights in one round trip."""
        wanted = [
            (user, own)
            for user, names in users.items()
            for field in WEIGHT_FIELDS
            if (own := [name for name in names if name[0] == field])
        ]
        statements = [
            (_WEIGHTS_AHEAD, [user.serial, names[0][0], digests(as_bytes(same) for _, same in names)])
            for user, names in wanted
        ]
        for (user, names), rows in zip(wanted, self.connection.together(statements), strict=True):
            user.learn_weights(names, user.weights_of(rows))

    # -- the end

    def write(self, users: Sequence[PostgresqlUser]) -> None:
        """Write what changed."""
        self.connection.together(self._statements(users))

    def last_statements(self) -> list[Statement]:
        """Return the statements that write what changed, to be executed with the commit."""
        return self._statements(self.changed_users())

    def _statements(self, users: Sequence[PostgresqlUser]) -> list[Statement]:
        """Return the statements that write what changed; many events are written here."""
        statements = [statement for user in users for statement in user.statements()]
        events = [row for user in users for row in user.event_rows()]
        if len(events) <= _FEW_EVENTS:
            return [*statements, *((_APPEND, row) for row in events)]
        self.connection.together(statements)
        self.connection.copy(_EVENTS, _EVENT_TYPES, events)
        return []


class _Loading(PostgresqlUnit):
    """Users who are new or replace those who have their ids: all by COPY."""

    def write(self, users: Sequence[PostgresqlUser]) -> None:
        """Write what changed."""
        new = [user for user in users if not user.is_stored]  # of the others, more events come
        ids = digests(as_bytes(user.user_id) for user in new)
        self.connection.run("DELETE FROM users WHERE sha256(user_id) = ANY(%s::bytea[])", [ids])
        for table, types, rows in (
            (f"users ({_USER_COLUMNS})", _USER_TYPES, [user.table_row() for user in new]),
            ("weights (serial, field, same, name, weight)", _WEIGHT_TYPES, _all(user.weight_rows() for user in users)),
            ("states (serial, learner, key, state)", _STATE_TYPES, _all(user.state_rows() for user in users)),
            (_EVENTS, _EVENT_TYPES, _all(user.event_rows() for user in users)),
        ):
            self.connection.copy(table, types, rows)
        replaced = [user for user in users if user.cleared_latest]
        self.connection.together([("DELETE FROM latest WHERE serial = %s", [user.serial]) for user in replaced])
        self.connection.together(latest_statements(_all(user.latest_rows() for user in users)))


def _all(rows: Iterable[list[Row]]) -> list[Row]:
    return [row for some in rows for row in some]


def load_users(connection: Connection, records: Iterable[UserRecord]) -> None:
    """Write recorded users inside the transaction that is open; of those with one id, the last counts."""
    unit = _Loading(connection, (), Begun())
    count = 0
    for record in records:
        user_id = record.profile.user_id
        if count >= _LOADED_AT_ONCE or user_id in unit.users:
            unit.flush()
            unit.users, count = {}, 0
        user = unit.users[user_id] = PostgresqlUser(unit, user_id, None)
        write_record(user, record)
        count += 1 + len(user.put_weights) + len(user.put_states) + len(user.appended)
    unit.flush()
