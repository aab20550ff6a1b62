"""Users in SQLite: what can be read of one, page by page where it is long."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from qfzz_core.contracts.stores import UserRecord
from qfzz_core.model.events import Event
from qfzz_core.model.json_codec import decoded
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_plugins.stores.sqlite.connection import Row
from qfzz_plugins.stores.sqlite.connections import Connections
from qfzz_plugins.stores.sqlite.maintenance import erase_traces
from qfzz_plugins.stores.sqlite.rows import EVENT_COLUMNS, as_event, stored_user
from qfzz_plugins.stores.sqlite.streams import streamed
from qfzz_plugins.stores.sqlite.transaction import SQLiteTransaction

_FIRST_PAGE = 50
_LARGEST_PAGE = 3200

_SERIAL = "(SELECT serial FROM users WHERE user_id = ?)"


class SQLiteUsers:
    """The users of one store."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def transaction(self, user_ids: Collection[str]) -> SQLiteTransaction:
        """Return a transaction that is to be begun; see `Store.transaction`."""
        return SQLiteTransaction(self._connections.mine(), user_ids)

    def record(self, user_id: str) -> UserRecord | None:
        """Return everything held of a user, from one read transaction that ends with the reading of the events."""
        connection = self._connections.another()
        try:
            connection.run("BEGIN")
            user = stored_user(connection, user_id)
            if user is None:
                connection.close()
                return None
            states = connection.rows("SELECT learner, key, state FROM states WHERE serial = ?", [user.serial])
            profile = user.snapshot(connection)
            query = f"SELECT {EVENT_COLUMNS} FROM events WHERE serial = ? ORDER BY position"
            events = streamed(connection, query, [user.serial], lambda page: map(as_event, page))
        except BaseException:
            connection.close()
            raise
        return UserRecord(profile, events, [(learner, key, decoded(state)) for learner, key, state in states])

    def forget(self, user_id: str) -> bool:
        """Erase a user, from the journal and the gaps of the file too."""
        connection = self._connections.mine()
        with connection.writing():
            found = connection.rows("DELETE FROM users WHERE user_id = ? RETURNING serial", [user_id])
        if found:
            connection.clean_journal()
            erase_traces(connection, user_id)
        return bool(found)

    def ids(self) -> Iterator[str]:
        """Iterate the ids of all users in the order of their creation."""
        query = "SELECT serial, user_id FROM users WHERE serial > ? ORDER BY serial LIMIT ?"
        return (user_id for _, user_id in self._pages(query, (), 0))

    def revision(self, user_id: str) -> tuple[int, int] | None:
        """Return the revision of a user's profile."""
        return self._connections.mine().row("SELECT serial, revision FROM users WHERE user_id = ?", [user_id])

    def snapshot(self, user_id: str) -> ProfileSnapshot | None:
        """Return a user's profile."""
        connection = self._connections.mine()
        with connection.reading():
            user = stored_user(connection, user_id)
            return None if user is None else user.snapshot(connection)

    def events(self, user_id: str, newest_first: bool) -> Iterator[Event]:
        """Iterate a user's log."""
        found = self.revision(user_id)
        serial = 0 if found is None else found[0]
        beyond, order, start = ("<", "DESC", 2**63 - 1) if newest_first else (">", "ASC", 0)
        query = f"""SELECT {EVENT_COLUMNS} FROM events
            WHERE serial = ? AND position {beyond} ? ORDER BY position {order} LIMIT ?"""
        return (as_event(row) for row in self._pages(query, (serial,), start))

    def _pages(self, query: str, parameters: tuple[Any, ...], start: int) -> Iterator[Row]:
        """Iterate rows page by page, the first value of a row being what the next page goes on from."""
        size = _FIRST_PAGE
        while True:
            page = self._connections.mine().rows(query, [*parameters, start, size])
            yield from page
            if len(page) < size:
                return
            start = page[-1][0]
            size = min(4 * size, _LARGEST_PAGE)

    def states(self, user_id: str, learner: str) -> Mapping[str, Any]:
        """Return everything a learner knows of a user."""
        query = f"SELECT key, state FROM states WHERE serial = {_SERIAL} AND learner = ? ORDER BY key"
        return {key: decoded(state) for key, state in self._connections.mine().rows(query, [user_id, learner])}
