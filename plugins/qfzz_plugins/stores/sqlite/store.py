"""The store `sqlite:///path`: the whole contract in one file."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from typing import Any
from urllib.parse import unquote

from qfzz_core.contracts.stores import CatalogueChanges, CatalogueToken, Condition, Transaction, UserRecord, Written
from qfzz_core.errors import StoreURLError
from qfzz_core.model.events import Event
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.model.tracks import Track
from qfzz_core.storage.records import refuse_used
from qfzz_plugins.stores.sqlite.catalogue import SQLiteCatalogue, erase_tracks, put_tracks
from qfzz_plugins.stores.sqlite.connections import Connections
from qfzz_plugins.stores.sqlite.maintenance import backup, condition
from qfzz_plugins.stores.sqlite.options import SQLiteOptions
from qfzz_plugins.stores.sqlite.schema import damages, examine
from qfzz_plugins.stores.sqlite.streams import batches
from qfzz_plugins.stores.sqlite.transaction import put_record
from qfzz_plugins.stores.sqlite.users import SQLiteUsers

_PREFIX = "sqlite:///"


def path_of(url: str) -> str:
    """Return the absolute path that a URL names; raises `StoreURLError` if it names none."""
    if not url.startswith(_PREFIX):
        raise StoreURLError(f"{url!r} names no file: write sqlite:///relative/path.db or sqlite:////absolute/path.db")
    if "?" in url:
        raise StoreURLError(f"{url!r}: options stand in the table [store]; a question mark in the path is written %3F")
    path = unquote(url.removeprefix(_PREFIX), errors="surrogateescape")
    if path in ("", ":memory:"):
        raise StoreURLError(f"{url!r} names no file: write memory: for a store without one")
    if "\0" in path:
        raise StoreURLError(f"{url!r}: a path cannot hold a NUL character")
    return os.path.abspath(path)


class SQLiteStore:
    """A `qfzz_core.contracts.stores.Store` in one file, shared by threads and processes.

    Every write is one transaction begun IMMEDIATE; every read sees one state of the file.
    """

    def __init__(self, url: str, options: SQLiteOptions) -> None:
        path = path_of(url)
        examine(path)
        self._name = url
        self._connections = Connections(path, options)
        try:
            self._catalogue = SQLiteCatalogue(self._connections)
        except BaseException:
            self._connections.close()
            raise
        self._users = SQLiteUsers(self._connections)

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

    # -- catalogue

    def write_tracks(self, tracks: Iterable[Track]) -> Written:
        """Add or replace tracks in one transaction, taking them in batches."""
        return self._catalogue.write(tracks)

    def remove_tracks(self, track_ids: Collection[str]) -> int:
        """Remove tracks in one transaction and return how many there were."""
        return self._catalogue.remove(track_ids)

    def catalogue_token(self) -> CatalogueToken:
        """Return the token of the catalogue as it is now."""
        return self._catalogue.token()

    def catalogue_since(self, token: CatalogueToken | None) -> CatalogueChanges:
        """Return what changed since `token`; a long `written` streams from the state of this moment."""
        return self._catalogue.since(token)

    def tracks_at(self, positions: Sequence[int]) -> list[Track | None]:
        """Return the tracks at these positions."""
        return self._catalogue.at(positions)

    def find_track(self, track_id: str) -> tuple[int, Track] | None:
        """Return position and track."""
        return self._catalogue.find(track_id)

    # -- users

    def user_ids(self) -> Iterator[str]:
        """Iterate the ids of all users in the order of their creation."""
        self._connections.mine()
        return self._users.ids()

    def revision(self, user_id: str) -> tuple[int, int] | None:
        """Return the revision of a user's profile."""
        return self._users.revision(user_id)

    def snapshot(self, user_id: str) -> ProfileSnapshot | None:
        """Return a user's profile."""
        return self._users.snapshot(user_id)

    def events(self, user_id: str, *, newest_first: bool = False) -> Iterator[Event]:
        """Iterate a user's log, page by page."""
        return self._users.events(user_id, newest_first)

    def states(self, user_id: str, learner: str) -> Mapping[str, Any]:
        """Return everything a learner knows of a user."""
        return self._users.states(user_id, learner)

    def transaction(self, user_ids: Collection[str]) -> AbstractContextManager[Transaction]:
        """Begin a transaction, which holds the file's write lock until it ends."""
        return self._users.transaction(user_ids)

    def record(self, user_id: str) -> UserRecord | None:
        """Return everything held of a user; a long log streams from the state of this moment."""
        return self._users.record(user_id)

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
            put_tracks(connection, batches(tracks), held_tracks)
        connection.clean_journal()

    def check(self) -> list[str]:
        """Return what SQLite finds wrong with the file, at most a hundred sentences."""
        return damages(self._connections.mine())

    def forget(self, user_id: str) -> bool:
        """Erase a user; False if there was none."""
        return self._users.forget(user_id)

    # -- for the operator

    def backup(self, path: str, *, replace: bool = False) -> None:
        """Write a consistent copy of the store to a file; with WAL, writers go on meanwhile."""
        with closing(self._connections.another()) as connection:
            backup(connection, path, replace=replace)

    def vacuum(self) -> None:
        """Write the file anew; needs up to twice its size as free room, and other writers wait."""
        self._connections.mine().compact()

    def condition(self) -> Condition:
        """Return how file, directory and SQLite fare."""
        return condition(self._connections.mine())
