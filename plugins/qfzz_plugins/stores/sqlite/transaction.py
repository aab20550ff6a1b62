"""A transaction in SQLite: a handful of small reads and writes, and one update of each user's row at its end."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import attrs

from qfzz_core.errors import StoreError
from qfzz_core.events import Event, decode_event, encode_event
from qfzz_core.profiles import ProfileSnapshot
from qfzz_core.recording.restoring import write_record
from qfzz_core.stores import UserRecord, fresh_number
from qfzz_core.tracks import Track
from qfzz_core.weights import WEIGHT_FIELDS
from qfzz_plugins.stores.sqlite.catalogue import find_track
from qfzz_plugins.stores.sqlite.connection import Connection, Row
from qfzz_plugins.stores.sqlite.texts import decoded, encoded

_SCALARS = ("created_at", "updated_at", "energy_level", "tempo_preference", "discovery_factor")
_COLUMNS = f"user_id, serial, revision, {', '.join(_SCALARS)}"

_PUT_WEIGHT = """INSERT INTO weights (serial, field, same, name, weight) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (serial, field, same) DO UPDATE SET weight = excluded.weight"""
_PUT_STATE = """INSERT INTO states (serial, learner, key, state) VALUES (?, ?, ?, ?)
    ON CONFLICT (serial, learner, key) DO UPDATE SET state = excluded.state"""
_APPEND = """INSERT INTO events (serial, kind, timestamp, event_id, body) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (serial, event_id) WHERE event_id IS NOT NULL DO NOTHING"""
EVENT_COLUMNS = "position, kind, timestamp, event_id, body"
_FIND_EVENT = f"SELECT {EVENT_COLUMNS} FROM events WHERE serial = ? AND event_id = ?"


@attrs.define
class StoredUser:
    """The row of a user in `users`."""

    user_id: str
    serial: int
    revision: int
    scalars: dict[str, Any]

    def snapshot(self, connection: Connection) -> ProfileSnapshot:
        """Return the profile, reading its weights."""
        weights: dict[str, Any] = {field: {} for field in WEIGHT_FIELDS}
        query = "SELECT field, name, weight FROM weights WHERE serial = ? ORDER BY id"
        for field, name, weight in connection.rows(query, [self.serial]):
            weights[field][name] = weight
        revision = (self.serial, self.revision)
        return ProfileSnapshot(user_id=self.user_id, revision=revision, **self.scalars, **weights)


def stored_user(connection: Connection, user_id: str) -> StoredUser | None:
    """Read the row of a user."""
    row = connection.row(f"SELECT {_COLUMNS} FROM users WHERE user_id = ?", [user_id])
    if row is None:
        return None
    _, serial, revision, *scalars = row
    return StoredUser(user_id, serial, revision, dict(zip(_SCALARS, scalars, strict=True)))


def as_event(row: Row) -> Event:
    """Return the event of a row of `EVENT_COLUMNS`."""
    position, kind, timestamp, event_id, body = row
    return decode_event(kind, timestamp, event_id, position, decoded(body))


class SQLiteUser:
    """A `UserTransaction`. The user's row is kept here and written once, by `flush`."""

    def __init__(self, connection: Connection, user_id: str) -> None:
        self._connection = connection
        self._user_id = user_id
        self._user = stored_user(connection, user_id)
        self._changed = False
        self._over = False

    @property
    def exists(self) -> bool:
        """Whether there is such a user."""
        return self._user is not None

    @property
    def updated_at(self) -> str:
        """When the profile changed last."""
        return str(self._now().scalars["updated_at"])

    @property
    def revision(self) -> tuple[int, int]:
        """The revision that a snapshot would have now."""
        user = self._now()
        return user.serial, user.revision

    def create(self, timestamp: str) -> None:
        """Make the user with default preferences."""
        if self._user is not None:
            raise StoreError("this user exists already and cannot be created again")
        profile = ProfileSnapshot(user_id=self._user_id, created_at=timestamp, updated_at=timestamp)
        scalars = {field: getattr(profile, field) for field in _SCALARS}
        insert = f"INSERT INTO users ({_COLUMNS}) VALUES (?, NULL, 1, ?, ?, ?, ?, ?)"
        serial = self._connection.run(insert, [self._user_id, *scalars.values()]).lastrowid or 0
        self._user = StoredUser(self._user_id, serial, 1, scalars)

    def _now(self) -> StoredUser:
        if self._over:
            raise StoreError("this transaction is over; begin another one")
        if self._user is None:
            raise StoreError("this user does not exist; create it first")
        return self._user

    def _changing(self) -> StoredUser:
        """Return the user, at its next revision."""
        user = self._now()
        user.revision = fresh_number()
        self._changed = True
        return user

    def snapshot(self) -> ProfileSnapshot:
        """Return the profile as it is in this transaction."""
        return self._now().snapshot(self._connection)

    # -- the profile

    def weight(self, field: str, name: str) -> tuple[str, float] | None:
        """Return spelling and weight of a name."""
        query = "SELECT name, weight FROM weights WHERE serial = ? AND field = ? AND same = ?"
        return self._connection.row(query, [self._now().serial, field, WEIGHT_FIELDS[field](name)])

    def put_weight(self, field: str, name: str, weight: float) -> None:
        """Set a weight under the spelling that is there."""
        self._connection.run(_PUT_WEIGHT, [self._changing().serial, field, WEIGHT_FIELDS[field](name), name, weight])

    def drop_weight(self, field: str, name: str) -> None:
        """Remove a name."""
        if self.weight(field, name) is not None:
            delete = "DELETE FROM weights WHERE serial = ? AND field = ? AND same = ?"
            self._connection.run(delete, [self._changing().serial, field, WEIGHT_FIELDS[field](name)])

    def clear_weights(self, field: str) -> None:
        """Remove all names of a field."""
        self._connection.run("DELETE FROM weights WHERE serial = ? AND field = ?", [self._changing().serial, field])

    def put_scalar(self, field: str, value: Any) -> None:
        """Set one of the fields that are no mapping."""
        self._changing().scalars[field] = value

    # -- the log and what was learned from it

    def append(self, event: Event) -> int:
        """Add an event to the log; raises `StoreError` if it has an event of this id already."""
        row = [self._now().serial, event.kind, event.timestamp, event.event_id, encoded(encode_event(event))]
        cursor = self._connection.run(_APPEND, row)
        if cursor.rowcount != 1:
            raise StoreError(f"the log has an event of the id {event.event_id!r} already")
        self._changing()
        return cursor.lastrowid or 0

    def find_event(self, event_id: str) -> Event | None:
        """Return the user's event of this id."""
        row = self._connection.row(_FIND_EVENT, [self._now().serial, event_id])
        return None if row is None else as_event(row)

    def state(self, learner: str, key: str) -> Any:
        """Return a learner's state under a key."""
        query = "SELECT state FROM states WHERE serial = ? AND learner = ? AND key = ?"
        row = self._connection.row(query, [self._now().serial, learner, key])
        return None if row is None else decoded(row[0])

    def put_state(self, learner: str, key: str, state: Any) -> None:
        """Set a learner's state under a key."""
        serial = self._changing().serial
        if state is None:
            delete = "DELETE FROM states WHERE serial = ? AND learner = ? AND key = ?"
            self._connection.run(delete, [serial, learner, key])
        else:
            self._connection.run(_PUT_STATE, [serial, learner, key, encoded(state)])

    # -- the end

    def flush(self) -> None:
        """Write the user's row if anything changed."""
        if self._changed:
            user = self._now()
            columns = ", ".join(f"{field} = ?" for field in ("revision", *_SCALARS))
            row = [user.revision, *user.scalars.values(), user.serial]
            self._connection.run(f"UPDATE users SET {columns} WHERE serial = ?", row)

    def end(self) -> None:
        """Refuse whatever comes after the transaction."""
        self._over = True


def put_record(connection: Connection, record: UserRecord) -> None:
    """Put a recorded user in the place of whoever has the id, inside the transaction that is open."""
    connection.run("DELETE FROM users WHERE user_id = ?", [record.profile.user_id])
    user = SQLiteUser(connection, record.profile.user_id)
    write_record(user, record)
    user.flush()


class SQLiteTransaction:
    """A `Transaction` over the users it was begun with, each read when it is asked for."""

    def __init__(self, connection: Connection, user_ids: Collection[str]) -> None:
        self._connection = connection
        self._named = set(user_ids)
        self._users: dict[str, SQLiteUser] = {}

    def user(self, user_id: str) -> SQLiteUser:
        """Return one of the users; KeyError for one who was not named."""
        if user_id not in self._named:
            raise KeyError(user_id)
        if user_id not in self._users:
            self._users[user_id] = SQLiteUser(self._connection, user_id)
        return self._users[user_id]

    def track(self, track_id: str) -> Track | None:
        """Return a track as it is now."""
        return find_track(self._connection, track_id)

    def flush(self) -> None:
        """Write what was kept back."""
        for user in self._users.values():
            user.flush()

    def end(self) -> None:
        """Refuse whatever comes after the transaction."""
        self._named.clear()
        for user in self._users.values():
            user.end()
