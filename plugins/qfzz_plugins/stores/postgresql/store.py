"""The store `postgresql://...`: the whole contract in one schema of a database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

from qfzz_core.contracts.stores import LatestRow, Transaction, UserRecord
from qfzz_core.model.events import Event
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.model.tracks import Track
from qfzz_core.storage.pages import batches, paged
from qfzz_core.storage.records import refuse_used
from qfzz_plugins.stores.options import PostgresqlOptions
from qfzz_plugins.stores.postgresql.catalogue import BATCH, CatalogueWriter, PostgresqlCatalogue, begin_catalogue
from qfzz_plugins.stores.postgresql.connection import PAGE, VIEW, Connection, as_bytes, as_name, digests
from qfzz_plugins.stores.postgresql.connections import Connections
from qfzz_plugins.stores.postgresql.place import place_of
from qfzz_plugins.stores.postgresql.raw import Row
from qfzz_plugins.stores.postgresql.schema import damages, lock_space, prepare
from qfzz_plugins.stores.postgresql.transaction import (
    SELECT_EVENTS,
    SELECT_USERS,
    PostgresqlUnit,
    begin,
    load_users,
    packed_event,
    user_of,
)

_IDS = "SELECT serial, user_id FROM users WHERE serial > %s ORDER BY serial LIMIT %s"
_IS_USER = "WHERE sha256(user_id) = sha256(%s)"
_SERIAL = f"(SELECT serial FROM users {_IS_USER})"
_REVISION = f"SELECT serial, revision FROM users {_IS_USER}"
_USER = f"{SELECT_USERS} {_IS_USER}"
_WEIGHTS = f"SELECT field, name, weight FROM weights WHERE serial = {_SERIAL} ORDER BY id"
_EVENTS = f"{SELECT_EVENTS} WHERE serial = {_SERIAL} ORDER BY position"
_STATES = f"SELECT key, state FROM states WHERE serial = {_SERIAL} AND sha256(learner) = sha256(%s) ORDER BY key"
_ALL_STATES = f"SELECT learner, key, state FROM states WHERE serial = {_SERIAL} ORDER BY learner, key"
_LATEST = f"""SELECT type, track_id, position, moment FROM latest
    WHERE serial = {_SERIAL} AND sha256(type) = ANY(%s::bytea[])"""
_RECORD = (_USER, _WEIGHTS, _ALL_STATES)


class PostgresqlStore(PostgresqlCatalogue):
    """A `qfzz_core.contracts.stores.Store` in a PostgreSQL database, shared by threads, processes and machines.

    Writers of one user wait for each other, as do writers of the catalogue; nobody waits for a reader.
    """

    def __init__(self, url: str, options: PostgresqlOptions) -> None:
        place = place_of(url, options.connect_timeout)
        self._options = options
        self._decoding = place.decoding
        self._connections = Connections(place, options)
        try:
            with closing(self._connections.another()) as first:
                prepare(first, options.schema)
            found = self._connections.read(lambda connection: connection.row("SELECT identity FROM store"))
            self._identity = str((found or ("",))[0])
        except BaseException:
            self._connections.close()
            raise
        self._space = lock_space(options.schema)

    @property
    def name(self) -> str:
        """The store's URL without user, password and parameters."""
        return self._connections.place.name

    @property
    def shared(self) -> bool:
        """Other processes can use the database at the same time."""
        return True

    def close(self) -> None:
        """Close every connection when its operation is done; called twice it does nothing."""
        self._connections.close()

    # -- users

    def user_ids(self) -> Iterator[str]:
        """Iterate the ids of all users in the order of their creation."""
        self._connections.refuse_closed()
        # No generator: whoever passes over an id that is damaged gets those that follow.
        ids = (as_name(user_id) for _, user_id in paged(self._connections.rows, _IDS, (), 0))
        return map(self._decoding.user_id, ids)

    def revision(self, user_id: str) -> tuple[int, int] | None:
        """Return the revision of a user's profile."""
        row = self._connections.read(lambda connection: connection.row(_REVISION, [as_bytes(user_id)]))
        return None if row is None else (row[0], row[1])

    def snapshot(self, user_id: str) -> ProfileSnapshot | None:
        """Return a user's profile."""
        queries = [(query, [as_bytes(user_id)]) for query in (_USER, _WEIGHTS)]
        user, weights = self._connections.read(lambda connection: connection.view(queries))
        return self._snapshot(user[0], weights) if user else None

    def events(self, user_id: str, *, newest_first: bool = False) -> Iterator[Event]:
        """Iterate a user's log, page by page."""
        found = self.revision(user_id)
        if found is None:
            return iter(())
        beyond, order, start = ("<", "DESC", 2**63 - 1) if newest_first else (">", "ASC", 0)
        query = f"{SELECT_EVENTS} WHERE serial = %s AND position {beyond} %s ORDER BY position {order} LIMIT %s"
        return map(self._event, paged(self._connections.rows, query, found[:1], start))

    def states(self, user_id: str, learner: str) -> Mapping[str, Any]:
        """Return everything a learner knows of a user."""
        rows = self._connections.rows(_STATES, [as_bytes(user_id), as_bytes(learner)])
        named = ((as_name(key), state) for key, state in rows)
        return {key: self._decoding.state(user_id, learner, key, state) for key, state in named}

    def latest_interactions(self, user_id: str, types: Collection[str]) -> list[LatestRow]:
        """Return the latest interactions of a user."""
        rows = self._connections.rows(_LATEST, [as_bytes(user_id), digests(map(as_bytes, types))])
        named = [(as_name(name), as_name(track_id), *numbers) for name, track_id, *numbers in rows]
        return self._decoding.latest(user_id, named)

    def transaction(self, user_ids: Collection[str]) -> AbstractContextManager[Transaction]:
        """Begin a transaction, which holds the locks of these users until it ends."""
        self._connections.refuse_closed()
        return self._transaction(user_ids)

    @contextmanager
    def _transaction(self, user_ids: Collection[str]) -> Iterator[PostgresqlUnit]:
        with self._connections.writing(lambda held: begin(held, user_ids, self._space)) as (connection, begun):
            unit = PostgresqlUnit(connection, user_ids, begun)
            try:
                yield unit
                self._connections.commit(connection, unit.last_statements())
            finally:
                unit.end()

    def record(self, user_id: str) -> UserRecord | None:
        """Return everything held of a user; a log of more than a page streams over a connection of its own."""
        queries = [(query, [as_bytes(user_id)]) for query in (*_RECORD, f"{_EVENTS} LIMIT {PAGE + 1}")]
        *parts, events = self._connections.read(lambda connection: connection.view(queries))
        return self._record(parts, map(self._event, events)) if len(events) <= PAGE else self._long_record(user_id)

    def _long_record(self, user_id: str) -> UserRecord | None:
        connection = self._connections.another()
        try:
            connection.run(VIEW)
            parts = connection.together([(query, [as_bytes(user_id)]) for query in _RECORD])
            events = connection.stream(_EVENTS, [as_bytes(user_id)], lambda page: map(self._event, page))
            return self._record(parts, events)
        except BaseException:
            connection.close()
            raise

    # -- from rows to what they hold

    def _event(self, row: Row) -> Event:
        return self._decoding.event(packed_event(row))

    def _snapshot(self, user: Row, weights: Iterable[Row]) -> ProfileSnapshot:
        named = ((field, as_name(name), weight) for field, name, weight in weights)
        return self._decoding.snapshot(user_of(user, self._decoding), named)

    def _record(self, parts: Sequence[list[Row]], events: Iterable[Event]) -> UserRecord | None:
        user, weights, states = parts
        if not user:
            return None
        profile = self._snapshot(user[0], weights)
        named = ((as_name(learner), as_name(key), state) for learner, key, state in states)
        return UserRecord(profile, events, self._decoding.states(profile.user_id, named))

    def load(
        self,
        users: Iterable[UserRecord],
        tracks: Iterable[Track] = (),
        *,
        empty_first: bool = False,
        only_if_new: bool = False,
        held_tracks: bool = False,
    ) -> None:
        """Put recorded users and tracks into the store, in one transaction during which nobody else writes."""
        with self._connections.writing(_begin_loading) as (connection, state):
            writer = CatalogueWriter(connection, state)
            if only_if_new:
                (users_there,) = connection.row("SELECT EXISTS (SELECT FROM users)") or (True,)
                refuse_used(self.name, users_there, writer.held_tracks)
            if empty_first:
                connection.run("DELETE FROM users")
                writer.erase()
            load_users(connection, users)
            for page in batches(tracks, BATCH):
                writer.put(page)
            if held_tracks:
                writer.touch()
            self._connections.commit(connection, writer.ending())

    def check(self) -> list[str]:
        """Return what the server finds wrong with the data; reads every row."""
        return damages(self._connections.another(), self._options.schema)

    def forget(self, user_id: str) -> bool:
        """Erase a user; False if there was none."""
        with self._connections.writing(lambda held: begin(held, [user_id], self._space)) as (connection, begun):
            user = begun.users.get(user_id)
            delete = [("DELETE FROM users WHERE serial = %s", [user.serial])] if user else []
            self._connections.commit(connection, delete)
        return user is not None


def _begin_loading(connection: Connection) -> Row:
    """Begin a transaction in which nobody else writes; return what `begin_catalogue` does."""
    state = begin_catalogue(connection)
    connection.run("LOCK TABLE users IN EXCLUSIVE MODE")  # which lets others read, but lock no user
    return state
