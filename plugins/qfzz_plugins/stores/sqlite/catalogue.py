"""The catalogue in SQLite: one row for each track, and which commit wrote it last."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, repeat

from qfzz_core.contracts.stores import CatalogueChanges, CatalogueToken, Written
from qfzz_core.model.json_codec import encoded_all
from qfzz_core.model.tracks import Track
from qfzz_core.storage.pages import batches
from qfzz_plugins.stores.sqlite.connection import PAGE, Connection, Insertion
from qfzz_plugins.stores.sqlite.connections import Connections

KEPT_COMMITS = 1000  # how far back a reader can get the changes alone
_AT_ONCE = 500  # parameters of one query; old builds of SQLite take 999

_PUT = Insertion(
    """INSERT INTO tracks (changed, track_id, body) VALUES {}
        ON CONFLICT (track_id) DO UPDATE SET changed = excluded.changed, body = excluded.body""",
    columns=3,
    together=250,
)
_PUT_REMOVED = Insertion("INSERT INTO removed (position, changed) VALUES {}", columns=2)


class SQLiteCatalogue:
    """The methods of the store that have to do with tracks."""

    _connections: Connections
    _identity: str

    # -- writing

    def write_tracks(self, tracks: Iterable[Track]) -> Written:
        """Add or replace tracks in one transaction, taking them in batches."""
        remaining = batches(tracks, PAGE)
        first = next(remaining, None)
        connection = self._connections.mine()
        if first is None:
            return Written(0, 0)
        with connection.writing():
            return put_tracks(connection, chain([first], remaining))

    def remove_tracks(self, track_ids: Collection[str]) -> int:
        """Remove tracks in one transaction and return how many there were."""
        connection = self._connections.mine()
        with connection.writing():
            delete = "DELETE FROM tracks WHERE track_id = ? RETURNING position"
            positions = [row for track_id in track_ids for row in connection.rows(delete, [track_id])]
            if positions:
                counter = _commit(connection)
                rows = [(position, counter) for (position,) in positions]
                connection.insert(_PUT_REMOVED, rows)
        return len(positions)

    # -- reading

    def catalogue_token(self) -> CatalogueToken:
        """Return the token of the catalogue as it is now."""
        return self._token(self._connections.mine(checks=False))

    def _token(self, connection: Connection) -> CatalogueToken:
        query = "SELECT counter, token FROM commits ORDER BY counter DESC LIMIT 1"
        counter, token = connection.row(query) or (0, "")
        return CatalogueToken(self._identity, counter, connection.decoding.token(counter, token))

    def catalogue_since(self, token: CatalogueToken | None) -> CatalogueChanges:
        """Return what changed since `token`.

        `written` streams: what does not fit one batch comes over a connection of its own, whose read transaction
        ends when `written` does. So a million tracks are never in memory at once, and nobody has to wait meanwhile.
        """
        connection = self._connections.another()
        try:
            connection.run("BEGIN")
            now = self._token(connection)
            since = token.counter if token is not None and self._knows(connection, token) else None
            removed: list[int] = []
            if since is not None:
                query = "SELECT position FROM removed WHERE changed > ? ORDER BY +position"
                removed = [position for (position,) in connection.rows(query, [since])]
            return CatalogueChanges(now, since is None, _written(connection, since), removed)
        except BaseException:
            connection.close()
            raise

    def _knows(self, connection: Connection, token: CatalogueToken) -> bool:
        if token.identity != self._identity:
            return False
        oldest = connection.row("SELECT coalesce(min(counter), 1) - 1 FROM commits")
        if token.counter == 0:
            return oldest == (0,)
        return connection.row("SELECT token FROM commits WHERE counter = ?", [token.counter]) == (token.token,)

    def tracks_at(self, positions: Sequence[int]) -> list[Track | None]:
        """Return the tracks at these positions."""
        connection = self._connections.mine(checks=False)
        if len(positions) <= _AT_ONCE:  # one query sees one state by itself
            bodies = _bodies(connection, positions)
        else:
            bodies = {}
            with connection.reading():
                for first in range(0, len(positions), _AT_ONCE):
                    bodies |= _bodies(connection, positions[first : first + _AT_ONCE])
        return connection.decoding.tracks_at(positions, bodies)

    def find_track(self, track_id: str) -> tuple[int, Track] | None:
        """Return position and track."""
        return find_track(self._connections.mine(), track_id)


def _bodies(connection: Connection, positions: Sequence[int]) -> dict[int, str]:
    marks = ",".join("?" * len(positions))
    return dict(connection.rows(f"SELECT position, body FROM tracks WHERE position IN ({marks})", positions))


def find_track(connection: Connection, track_id: str) -> tuple[int, Track] | None:
    """Return position and track as they are now."""
    row = connection.row("SELECT position, body FROM tracks WHERE track_id = ?", [track_id])
    return None if row is None else (row[0], connection.decoding.track("track_id", track_id, row[1]))


def _commit(connection: Connection) -> int:
    """Count a commit of the catalogue, forget those of long ago, and return its counter."""
    (counter,) = connection.row("SELECT coalesce(max(counter), 0) + 1 FROM commits") or (1,)
    connection.run("INSERT INTO commits (counter, token) VALUES (?, ?)", [counter, secrets.token_hex(8)])
    connection.run("DELETE FROM commits WHERE counter <= ?", [counter - KEPT_COMMITS])
    connection.run("DELETE FROM removed WHERE changed <= ?", [counter - KEPT_COMMITS])
    return int(counter)


def _written(connection: Connection, since: int | None) -> Iterator[tuple[int, Track]]:
    """Return an iterator over the tracks changed since a commit, or over all, in order of position."""
    decode = partial(connection.decoding.tracks, "position")
    if since is None:
        return connection.stream("SELECT position, body FROM tracks ORDER BY position", [], decode)
    # The plus keeps the order from choosing the index: few tracks have changed, and they are found by that.
    query = "SELECT position, body FROM tracks WHERE changed > ? ORDER BY +position"
    return connection.stream(query, [since], decode)


def put_tracks(connection: Connection, batched: Iterable[list[Track]], held_tracks: bool = False) -> Written:
    """Add or replace tracks inside the transaction that is open; `held_tracks` makes it a commit without any."""
    (last,) = connection.row("SELECT coalesce(max(position), 0) FROM tracks") or (0,)
    counter = _commit(connection) if held_tracks else 0
    for batch in batched:
        counter = counter or _commit(connection)
        _put(connection, counter, batch)
    (written,) = connection.row("SELECT count(*) FROM tracks WHERE changed = ?", [counter]) or (0,)
    (added,) = connection.row("SELECT count(*) FROM tracks WHERE position > ?", [last]) or (0,)
    return Written(added, written - added)


def _put(connection: Connection, counter: int, batch: Sequence[Track]) -> None:
    ids = [track["track_id"] for track in batch]
    connection.insert(_PUT, list(zip(repeat(counter), ids, encoded_all(batch))))


def erase_tracks(connection: Connection) -> None:
    """Begin again inside the transaction that is open: as if no track had been there, but for the positions."""
    for table in ("commits", "tracks", "removed"):
        connection.run(f"DELETE FROM {table}")
