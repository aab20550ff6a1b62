"""Loading recorded users: many at once by COPY, each in the place of whoever has the id."""

from __future__ import annotations

from collections.abc import Iterable

from qfzz_core.contracts.stores import UserRecord
from qfzz_core.model.json_codec import encoded
from qfzz_core.model.weights import WEIGHT_FIELDS
from qfzz_plugins.stores.postgresql.connection import Connection, Row
from qfzz_plugins.stores.postgresql.importing import begin_catalogue
from qfzz_plugins.stores.postgresql.numbering import Numbers
from qfzz_plugins.stores.postgresql.pending import name_key
from qfzz_plugins.stores.postgresql.rows import USER_COLUMNS, UserRow
from qfzz_plugins.stores.postgresql.texts import as_bytes, digests
from qfzz_plugins.stores.postgresql.transaction import copy_events, event_row

_AT_ONCE = 5000  # rows that are kept until they are written

_USERS = f"users ({', '.join(USER_COLUMNS)})"
_USER_TYPES = ("int8", "bytea", "int8", "text", "text", "float8", "text", "float8")
_WEIGHT_TYPES = ("int8", "text", "bytea", "bytea", "float8")
_STATE_TYPES = ("int8", "bytea", "bytea", "text")


def begin_loading(connection: Connection) -> Row:
    """Begin a transaction in which nobody else writes; return what `begin_catalogue` does."""
    state = begin_catalogue(connection)
    connection.run("LOCK TABLE users IN EXCLUSIVE MODE")  # which lets others read, but lock no user
    return state


class UserLoader:
    """Writes recorded users; `flush` has to follow the last."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._serials = Numbers(connection, "users_serial")
        self._positions = Numbers(connection, "events_position")
        self._clear()

    def _clear(self) -> None:
        self._users: dict[bytes, UserRow] = {}
        self._weights: list[Row] = []
        self._states: list[Row] = []
        self._events: list[Row] = []

    def put(self, record: UserRecord) -> None:
        """Take one user; what comes later in the same place counts."""
        user_id = as_bytes(record.profile.user_id)
        if user_id in self._users:
            self.flush()
        row = UserRow.new(self._serials.next(), record.profile)
        self._users[user_id] = row
        for field in WEIGHT_FIELDS:
            for name, weight in getattr(record.profile, field).items():
                self._weights.append((row.serial, *name_key(field, name), as_bytes(name), weight))
        for learner, key, state in record.states:
            self._states.append((row.serial, as_bytes(learner), as_bytes(key), encoded(state)))
        for event in record.events:
            self._events.append((row.serial, *event_row(event, self._positions.next())))
            self._flush_if_many()
        self._flush_if_many()

    def _flush_if_many(self) -> None:
        kept = (self._users, self._weights, self._states, self._events)
        if sum(map(len, kept)) >= _AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what was taken."""
        connection = self._connection
        connection.run("DELETE FROM users WHERE sha256(user_id) = ANY(%s::bytea[])", [digests(self._users)])
        users = [tuple(user.statement()[1]) for user in self._users.values()]
        connection.copy(f"users ({', '.join(USER_COLUMNS)})", _USER_TYPES, users)
        connection.copy("weights (serial, field, same, name, weight)", _WEIGHT_TYPES, self._weights)
        connection.copy("states (serial, learner, key, state)", _STATE_TYPES, self._states)
        copy_events(connection, self._events)
        self._clear()


def load_users(connection: Connection, records: Iterable[UserRecord]) -> None:
    """Write recorded users inside the transaction that is open."""
    loader = UserLoader(connection)
    for record in records:
        loader.put(record)
    loader.flush()
