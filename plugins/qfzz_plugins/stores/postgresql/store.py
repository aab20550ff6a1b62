"""The store `postgresql://...`: the whole contract in one schema of a database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from typing import Any

from qfzz_core.contracts.stores import CatalogueChanges, CatalogueToken, Transaction, UserRecord, Written
from qfzz_core.model.events import Event
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.model.tracks import Track
from qfzz_core.storage.records import refuse_used
from qfzz_plugins.stores.postgresql.catalogue import PostgresqlCatalogue
from qfzz_plugins.stores.postgresql.checking import damages
from qfzz_plugins.stores.postgresql.connections import Connections
from qfzz_plugins.stores.postgresql.importing import BATCH, CatalogueWriter
from qfzz_plugins.stores.postgresql.loading import begin_loading, load_users
from qfzz_plugins.stores.postgresql.options import PostgresqlOptions
from qfzz_plugins.stores.postgresql.place import place_of
from qfzz_plugins.stores.postgresql.schema import prepare
from qfzz_plugins.stores.postgresql.streams import batches
from qfzz_plugins.stores.postgresql.users import PostgresqlUsers


class PostgresqlStore:
    """A `qfzz_core.contracts.stores.Store` in a PostgreSQL database, shared by threads, processes and machines.

    Writers of one user wait for each other, as do writers of the catalogue; nobody waits for a reader.
    """

    def __init__(self, url: str, options: PostgresqlOptions) -> None:
        place = place_of(url, options.connect_timeout)
        self._options = options
        self._connections = Connections(place, options)
        try:
            with closing(self._connections.another()) as first:
                prepare(first, options.schema)
            self._catalogue = PostgresqlCatalogue(self._connections)
        except BaseException:
            self._connections.close()
            raise
        self._users = PostgresqlUsers(self._connections)

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
        self._connections.enter()
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
        """Begin a transaction, which holds the locks of these users until it ends."""
        self._connections.enter()
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
        """Put recorded users and tracks into the store, in one transaction during which nobody else writes."""
        with self._connections.writing(begin_loading) as (connection, state):
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
        return self._users.forget(user_id)
