"""The store `sqlite:///path`: the whole contract in one file."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any
from urllib.parse import unquote

from qfzz_core.contracts.stores import Condition, LatestRow, UserRecord
from qfzz_core.errors import StoreURLError
from qfzz_core.model.credentials import shown_url
from qfzz_core.model.events import Event
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.model.tracks import Track
from qfzz_core.storage.pages import batches, paged
from qfzz_core.storage.records import UserRow, refuse_used
from qfzz_plugins.stores.options import SQLiteOptions
from qfzz_plugins.stores.sqlite.catalogue import SQLiteCatalogue, erase_tracks, put_tracks
from qfzz_plugins.stores.sqlite.connection import PAGE, Connection, Row
from qfzz_plugins.stores.sqlite.connections import Connections
from qfzz_plugins.stores.sqlite.maintenance import backup, condition, erase_traces
from qfzz_plugins.stores.sqlite.schema import damages, examine
from qfzz_plugins.stores.sqlite.transaction import SELECT_EVENTS, SQLiteUnit, put_record, stored_user

_PREFIX = "sqlite:///"
_WEIGHTS = "SELECT field, name, weight FROM weights WHERE serial = ? ORDER BY id"
_STATES = """SELECT key, state FROM states
    WHERE serial = (SELECT serial FROM users WHERE user_id = ?) AND learner = ? ORDER BY key"""

_LATEST = """SELECT type, track_id, position, moment FROM latest
    WHERE serial = (SELECT serial FROM users WHERE user_id = ?)"""


def path_of(url: str) -> str:
    """Return the absolute path that a URL names; raises `StoreURLError` if it names none."""
    shown = repr(shown_url(url))
    if not url.startswith(_PREFIX):
        raise StoreURLError(f"{shown} names no file: write sqlite:///relative/path.db or sqlite:////absolute/path.db")
    if "?" in url:
        raise StoreURLError(f"{shown}: options stand in the table [store]; a question mark in the path is written %3F")
    path = unquote(url.removeprefix(_PREFIX), errors="surrogateescape")
    if path in ("", ":memory:"):
        raise StoreURLError(f"{shown} names no file: write memory: for a store without one")
    if "\0" in path:
        raise StoreURLError(f"{shown}: a path cannot hold a NUL character")
    return os.path.abspath(path)


class SQLiteStore(SQLiteCatalogue):
    """A `qfzz_core.contracts.stores.Store` in one file, shared by threads and processes.

    Every write is one transaction begun IMMEDIATE; every read sees one state of the file.
    """

    def __init__(self, url: str, options: SQLiteOptions) -> None:
        path = path_of(url)
        examine(path)
        self._name = shown_url(url)
        self._connections = Connections(path, options)
        try:
            self._identity = str((self._connections.mine().row("SELECT identity FROM store") or ("",))[0])
        except BaseException:
            self._connections.close()
            raise

    @property
    def name(self) -> str:
        """The store's URL."""
        return self._name

    @property
    def shared(self) -> bool:
        """Other processes can use the file at the same time."""
        return True

    def close(self) -> None:
        """Close every connection when its operation is done; called twice it does nothing."""
        self._connections.close()

    # -- users

    def user_ids(self) -> Iterator[str]:
        """Iterate the ids of all users in the order of their creation."""
        decoding = self._connections.mine().decoding
        query = "SELECT serial, user_id FROM users WHERE serial > ? ORDER BY serial LIMIT ?"
        # No generator: whoever passes over an id that is damaged gets those that follow.
        return map(decoding.user_id, (user_id for _, user_id in paged(self._rows, query, (), 0)))

    def _rows(self, query: str, values: Sequence[Any]) -> list[Row]:
        return self._connections.mine().rows(query, values)

    def revision(self, user_id: str) -> tuple[int, int] | None:
        """Return the revision of a user's profile."""
        return self._connections.mine().row("SELECT serial, revision FROM users WHERE user_id = ?", [user_id])

    def snapshot(self, user_id: str) -> ProfileSnapshot | None:
        """Return a user's profile."""
        connection = self._connections.mine()
        with connection.reading():
            user = stored_user(connection, user_id)
            return None if user is None else _snapshot(connection, user)

    def events(self, user_id: str, *, newest_first: bool = False) -> Iterator[Event]:
        """Iterate a user's log, page by page."""
        serial, _ = self.revision(user_id) or (0, 0)
        beyond, order, start = ("<", "DESC", 2**63 - 1) if newest_first else (">", "ASC", 0)
        query = f"{SELECT_EVENTS} AND position {beyond} ? ORDER BY position {order} LIMIT ?"
        return map(self._connections.mine().decoding.event, paged(self._rows, query, (serial,), start))

    def states(self, user_id: str, learner: str) -> Mapping[str, Any]:
        """Return everything a learner knows of a user."""
        connection = self._connections.mine()
        rows = connection.rows(_STATES, [user_id, learner])
        return {key: connection.decoding.state(user_id, learner, key, state) for key, state in rows}

    def latest_interactions(self, user_id: str, types: Collection[str]) -> list[LatestRow]:
        """Return the latest interactions of a user."""
        marks = ",".join("?" * len(types))
        connection = self._connections.mine()
        rows = connection.rows(f"{_LATEST} AND type IN ({marks})", [user_id, *types])
        return connection.decoding.latest(user_id, rows)

    def transaction(self, user_ids: Collection[str]) -> SQLiteUnit:
        """Begin a transaction, which holds the file's write lock until it ends."""
        return SQLiteUnit(self._connections.mine(), user_ids)

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
            learned = connection.decoding.states(user_id, states)
            profile = _snapshot(connection, user)
            query = f"{SELECT_EVENTS} ORDER BY position"
            events = connection.stream(query, [user.serial], lambda page: map(connection.decoding.event, page))
        except BaseException:
            connection.close()
            raise
        return UserRecord(profile, events, learned)

    def load(
        self,
        users: Iterable[UserRecord],
        tracks: Iterable[Track] = (),
        *,
        empty_first: bool = False,
        only_if_new: bool = False,
        held_tracks: bool = False,
    ) -> None:
        """Put recorded users and tracks into the store, in one transaction that takes them one after the other."""
        connection = self._connections.mine()
        with connection.writing():
            if only_if_new:
                query = "SELECT EXISTS (SELECT 1 FROM users) OR EXISTS (SELECT 1 FROM commits)"
                refuse_used(self._name, *connection.row(query) or ())
            if empty_first:
                connection.run("DELETE FROM users")
                erase_tracks(connection)
            for record in users:
                put_record(connection, record)
            put_tracks(connection, batches(tracks, PAGE), held_tracks)
        connection.clean_journal()

    def check(self) -> list[str]:
        """Return what SQLite finds wrong with the file, and every row that is not as it was written."""
        return damages(self._connections.mine())

    def forget(self, user_id: str) -> bool:
        """Erase a user, from the journal and the gaps of the file too; False if there was none."""
        connection = self._connections.mine()
        with connection.writing():
            found = connection.rows("DELETE FROM users WHERE user_id = ? RETURNING serial", [user_id])
        if found:
            connection.clean_journal()
            erase_traces(connection, user_id)
        return bool(found)

    # -- for the operator

    def backup(self, path: str, *, replace: bool = False) -> None:
        """Write a consistent copy of the store to a file; with WAL, writers go on meanwhile."""
        with closing(self._connections.another()) as connection:
            backup(connection, path, replace=replace)

    def vacuum(self) -> None:
        """Rewrite the file; needs up to twice its size as free room, and other writers wait."""
        self._connections.mine().compact()

    def condition(self) -> Condition:
        """Return how file, directory and SQLite fare."""
        return condition(self._connections.mine())


def _snapshot(connection: Connection, user: UserRow) -> ProfileSnapshot:
    return connection.decoding.snapshot(user, connection.rows(_WEIGHTS, [user.serial]))
