"""Users in PostgreSQL: what can be read of one, page by page where it is long."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from qfzz_core.contracts.stores import UserRecord
from qfzz_core.model.events import Event
from qfzz_core.model.json_codec import decoded
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_plugins.stores.postgresql.connection import VIEW, Row
from qfzz_plugins.stores.postgresql.connections import Connections
from qfzz_plugins.stores.postgresql.locks import begin
from qfzz_plugins.stores.postgresql.rows import EVENT_COLUMNS, SERIAL, USER, UserRow, as_event
from qfzz_plugins.stores.postgresql.schema import lock_space
from qfzz_plugins.stores.postgresql.streams import PAGE, streamed
from qfzz_plugins.stores.postgresql.texts import as_bytes, as_name
from qfzz_plugins.stores.postgresql.transaction import PostgresqlTransaction

_FIRST_PAGE = 50
_LARGEST_PAGE = 3200

_REVISION = "SELECT serial, revision FROM users WHERE sha256(user_id) = sha256(%s)"
_WEIGHTS = f"SELECT field, name, weight FROM weights WHERE serial = {SERIAL} ORDER BY id"
_EVENTS = f"SELECT {EVENT_COLUMNS} FROM events WHERE serial = {SERIAL} ORDER BY position"
_STATES = f"SELECT key, state FROM states WHERE serial = {SERIAL} AND sha256(learner) = sha256(%s) ORDER BY key"
_ALL_STATES = f"SELECT learner, key, state FROM states WHERE serial = {SERIAL} ORDER BY learner, key"
_RECORD = (USER, _WEIGHTS, _ALL_STATES)
_IDS = "SELECT serial, user_id FROM users WHERE serial > %s ORDER BY serial LIMIT %s"


class PostgresqlUsers:
    """The users of one store."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._space = lock_space(connections.options.schema)

    @contextmanager
    def transaction(self, user_ids: Collection[str]) -> Iterator[PostgresqlTransaction]:
        """Begin a transaction; see `Store.transaction`."""
        with self._connections.writing(lambda held: begin(held, user_ids, self._space)) as (connection, begun):
            transaction = PostgresqlTransaction(connection, user_ids, begun)
            try:
                yield transaction
                self._connections.commit(connection, transaction.ending())
            finally:
                transaction.end()

    def forget(self, user_id: str) -> bool:
        """Erase a user."""
        with self._connections.writing(lambda held: begin(held, [user_id], self._space)) as (connection, begun):
            user = begun.users.get(user_id)
            delete = [("DELETE FROM users WHERE serial = %s", [user.serial])] if user else []
            self._connections.commit(connection, delete)
        return user is not None

    # -- reading

    def ids(self) -> Iterator[str]:
        """Iterate the ids of all users in the order of their creation."""
        return (as_name(user_id) for _, user_id in self._pages(_IDS, (), 0))

    def revision(self, user_id: str) -> tuple[int, int] | None:
        """Return the revision of a user's profile."""
        row = self._connections.read(lambda connection: connection.row(_REVISION, [as_bytes(user_id)]))
        return None if row is None else (row[0], row[1])

    def snapshot(self, user_id: str) -> ProfileSnapshot | None:
        """Return a user's profile."""
        queries = [(query, [as_bytes(user_id)]) for query in (USER, _WEIGHTS)]
        user, weights = self._connections.read(lambda connection: connection.view(queries))
        return UserRow.of(user[0]).snapshot(weights) if user else None

    def events(self, user_id: str, newest_first: bool) -> Iterator[Event]:
        """Iterate a user's log."""
        found = self.revision(user_id)
        if found is None:
            return iter(())
        beyond, order, start = ("<", "DESC", 2**63 - 1) if newest_first else (">", "ASC", 0)
        query = f"""SELECT {EVENT_COLUMNS} FROM events
            WHERE serial = %s AND position {beyond} %s ORDER BY position {order} LIMIT %s"""
        return (as_event(row) for row in self._pages(query, found[:1], start))

    def _pages(self, query: str, parameters: tuple[Any, ...], start: int) -> Iterator[Row]:
        """Iterate rows page by page, the first value of a row being what the next page goes on from."""
        size = _FIRST_PAGE
        while True:
            page = self._connections.rows(query, [*parameters, start, size])
            yield from page
            if len(page) < size:
                return
            start = page[-1][0]
            size = min(4 * size, _LARGEST_PAGE)

    def states(self, user_id: str, learner: str) -> Mapping[str, Any]:
        """Return everything a learner knows of a user."""
        values = [as_bytes(user_id), as_bytes(learner)]
        rows = self._connections.rows(_STATES, values)
        return {as_name(key): decoded(state) for key, state in rows}

    def record(self, user_id: str) -> UserRecord | None:
        """Return everything held of a user; a log of more than a page streams over a connection of its own."""
        queries = [(query, [as_bytes(user_id)]) for query in (*_RECORD, f"{_EVENTS} LIMIT {PAGE + 1}")]
        *parts, events = self._connections.read(lambda connection: connection.view(queries))
        return _record(parts, map(as_event, events)) if len(events) <= PAGE else self._long_record(user_id)

    def _long_record(self, user_id: str) -> UserRecord | None:
        connection = self._connections.another()
        try:
            connection.run(VIEW)
            parts = connection.together([(query, [as_bytes(user_id)]) for query in _RECORD])
            return _record(parts, streamed(connection, _EVENTS, [as_bytes(user_id)], lambda page: map(as_event, page)))
        except BaseException:
            connection.close()
            raise


def _record(parts: Sequence[list[Row]], events: Iterable[Event]) -> UserRecord | None:
    user, weights, states = parts
    if not user:
        return None
    learned = [(as_name(learner), as_name(key), decoded(state)) for learner, key, state in states]
    return UserRecord(UserRow.of(user[0]).snapshot(weights), events, learned)
