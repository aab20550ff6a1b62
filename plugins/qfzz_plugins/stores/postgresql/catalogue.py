"""The catalogue in PostgreSQL: one row for each track, which commit wrote it last, and how commits are written."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial

from qfzz_core.contracts.stores import CatalogueChanges, CatalogueToken, Written
from qfzz_core.model.json_codec import encoded, encoded_all
from qfzz_core.model.tracks import Track
from qfzz_core.storage.pages import batches
from qfzz_plugins.stores.postgresql.connection import BEGIN, PAGE, VIEW, Connection, Statement, as_bytes, digests
from qfzz_plugins.stores.postgresql.connections import Connections
from qfzz_plugins.stores.postgresql.errors import RepeatedRowError
from qfzz_plugins.stores.postgresql.raw import Row

KEPT_COMMITS = 1000  # how far back a reader can get the changes alone
BATCH = 5000
_ENCODED = 500  # tracks that are encoded in one go
_FEW = 100  # rows that are replaced one by one; more of them go through a temporary table

# A generator of tracks may take its time, so a statement of an import has no limit; waiting for the lock has one.
LOCK_CATALOGUE = "SELECT last_position, counter FROM catalogue FOR UPDATE"
_UNLIMITED = "SET LOCAL statement_timeout = 0"

_COLUMNS = "tracks (position, track_id, changed, body)"
_PLACES = "SELECT track_id, position, changed FROM tracks WHERE sha256(track_id) = ANY(%s::bytea[])"
_REPLACE = "UPDATE tracks SET changed = %s, body = %s WHERE position = %s"
_STAGE = "CREATE TEMPORARY TABLE IF NOT EXISTS replaced (position bigint, body text) ON COMMIT DROP"
_MERGE = """UPDATE tracks SET changed = %s, body = replaced.body FROM pg_temp.replaced
    WHERE tracks.position = replaced.position"""
_REMOVE = "DELETE FROM tracks WHERE sha256(track_id) = ANY(%s::bytea[]) RETURNING position"

_NOW = "SELECT counter, token FROM catalogue"
_OLDEST = "SELECT coalesce(min(counter), 1) - 1 FROM commits"
_KNOWN = "SELECT token FROM commits WHERE counter = %s"
_REMOVED = "SELECT position FROM removed WHERE changed > %s ORDER BY position"
_ALL = "SELECT position, body FROM tracks ORDER BY position"
_SINCE = "SELECT position, body FROM tracks WHERE changed > %s ORDER BY position"
_AT = "SELECT position, body FROM tracks WHERE position = ANY(%s::bigint[])"
_FIND = "SELECT position, body FROM tracks WHERE sha256(track_id) = sha256(%s)"


class PostgresqlCatalogue:
    """The methods of the store that have to do with tracks."""

    _connections: Connections
    _identity: str

    # -- writing

    def write_tracks(self, tracks: Iterable[Track]) -> Written:
        """Add or replace tracks in one transaction, taking them in batches."""
        pages = batches(tracks, BATCH)
        first = next(pages, None)
        self._connections.refuse_closed()
        if first is None:
            return Written(0, 0)
        with self._connections.writing(begin_catalogue) as (connection, state):
            writer = CatalogueWriter(connection, state)
            writer.put(first)
            for page in pages:
                writer.put(page)
            self._connections.commit(connection, writer.ending())
        return writer.written

    def remove_tracks(self, track_ids: Collection[str]) -> int:
        """Remove tracks in one transaction and return how many there were."""
        self._connections.refuse_closed()
        with self._connections.writing(begin_catalogue) as (connection, state):
            writer = CatalogueWriter(connection, state)
            count = sum(writer.remove(page) for page in batches(track_ids, BATCH))
            self._connections.commit(connection, writer.ending())
        return count

    # -- reading

    def catalogue_token(self) -> CatalogueToken:
        """Return the token of the catalogue as it is now."""
        return self._connections.read(lambda connection: self._token(connection.row(_NOW)))

    def _token(self, row: Row | None) -> CatalogueToken:
        counter, token = row or (0, "")
        return CatalogueToken(self._identity, counter, token)

    def catalogue_since(self, token: CatalogueToken | None) -> CatalogueChanges:
        """Return what changed since `token`.

        What does not fit one page streams over a connection of its own, whose transaction ends when `written` does.
        So a million tracks are never in memory at once, and no connection of the pool is kept from others.
        """
        return self._connections.read(lambda connection: self._short(connection, token)) or self._long(token)

    def _short(self, connection: Connection, token: CatalogueToken | None) -> CatalogueChanges | None:
        with connection.viewing():
            now, since, removed = self._state(connection, token)
            query, parameters = (_ALL, []) if since is None else (_SINCE, [since])
            page = connection.rows(f"{query} LIMIT {PAGE + 1}", parameters)
        if len(page) > PAGE:
            return None
        return CatalogueChanges(now, since is None, connection.decoding.tracks("position", page), removed)

    def _long(self, token: CatalogueToken | None) -> CatalogueChanges:
        connection = self._connections.another()
        try:
            connection.run(VIEW)
            now, since, removed = self._state(connection, token)
            query, parameters = (_ALL, []) if since is None else (_SINCE, [since])
            written = connection.stream(query, parameters, partial(connection.decoding.tracks, "position"))
            return CatalogueChanges(now, since is None, written, removed)
        except BaseException:
            connection.close()
            raise

    def _state(
        self, connection: Connection, token: CatalogueToken | None
    ) -> tuple[CatalogueToken, int | None, list[int]]:
        """Return the token of now, the commit of `token` if it is known here, and the positions removed since."""
        now, oldest, known = connection.view([(_NOW, ()), (_OLDEST, ()), (_KNOWN, [token.counter if token else 0])])
        since = None
        if token is not None and token.identity == self._identity:
            known_here = oldest == [(0,)] if token.counter == 0 else known == [(token.token,)]
            since = token.counter if known_here else None
        removed = [] if since is None else connection.rows(_REMOVED, [since])
        return self._token(now[0] if now else None), since, [position for (position,) in removed]

    def tracks_at(self, positions: Sequence[int]) -> list[Track | None]:
        """Return the tracks at these positions."""
        wanted = "{" + ",".join(map(str, positions)) + "}"
        found: dict[int, str] = dict(self._connections.read(lambda connection: connection.rows(_AT, [wanted])))
        return self._connections.place.decoding.tracks_at(positions, found)

    def find_track(self, track_id: str) -> tuple[int, Track] | None:
        """Return position and track."""
        return self._connections.read(lambda connection: find_track(connection, track_id))


def find_track(connection: Connection, track_id: str) -> tuple[int, Track] | None:
    """Return position and track as they are now."""
    row = connection.row(_FIND, [as_bytes(track_id)])
    return None if row is None else (row[0], connection.decoding.track("track_id", track_id, row[1]))


# ---- writing, in batches, under the lock of the catalogue's one row --------------------------------------------------


def begin_catalogue(connection: Connection) -> Row:
    """Begin a transaction that holds the catalogue's lock; return the last position and the counter."""
    *_, (state,) = connection.together([(BEGIN, ()), (_UNLIMITED, ()), (LOCK_CATALOGUE, ())])
    return state


class CatalogueWriter:
    """One commit of the catalogue. `ending` has to be executed with the commit."""

    def __init__(self, connection: Connection, state: Row) -> None:
        self._connection = connection
        self._last, self._counter = state
        self.held_tracks = self._counter > 0
        self._counter += 1
        self._changed = self._erased = False
        self._all_new = self._last == 0  # whether no track of the next batch is expected to be there
        self.written = Written(0, 0)

    def put(self, tracks: Sequence[Track]) -> None:
        """Write a batch of tracks: new ones by COPY, those that are there in place."""
        self._changed = True
        given = {as_bytes(track["track_id"]): track for track in tracks}
        if not (self._all_new and self._added(given)):
            self._put(given)

    def _added(self, given: Mapping[bytes, Track]) -> bool:
        """Add tracks that are new as far as anybody knows; False, and nothing was added, if one is there."""
        self._connection.run("SAVEPOINT batch")
        try:
            self._add(given)
        except RepeatedRowError:
            self._connection.run("ROLLBACK TO SAVEPOINT batch")
            return False
        self._connection.run("RELEASE SAVEPOINT batch")
        return True

    def _put(self, given: Mapping[bytes, Track]) -> None:
        known = {row[0]: row[1:] for row in self._connection.rows(_PLACES, [digests(given)])}
        self._all_new = not known
        self._replace([(position, given[track_id]) for track_id, (position, _) in known.items()])
        self._add({track_id: track for track_id, track in given.items() if track_id not in known})
        replaced = sum(changed != self._counter for _, changed in known.values())
        self.written = Written(self.written.added, self.written.replaced + replaced)

    def _add(self, tracks: Mapping[bytes, Track]) -> None:
        if tracks:
            self._connection.copy(_COLUMNS, ("int8", "bytea", "int8", "text"), self._rows(tracks))
            self._last += len(tracks)
            self.written = Written(self.written.added + len(tracks), self.written.replaced)

    def _rows(self, tracks: Mapping[bytes, Track]) -> Iterator[Row]:
        """Iterate the rows of new tracks; lazily, so that the server writes some while others are encoded."""
        position, counter = self._last, self._counter
        for some in batches(tracks.items(), _ENCODED):
            for (track_id, _), text in zip(some, encoded_all([track for _, track in some]), strict=True):
                position += 1
                yield position, track_id, counter, text

    def _replace(self, tracks: Sequence[tuple[int, Track]]) -> None:
        rows = ((place, encoded(track)) for place, track in tracks)
        if len(tracks) <= _FEW:
            self._connection.together([(_REPLACE, [self._counter, body, place]) for place, body in rows])
        else:
            self._connection.run(_STAGE)
            self._connection.copy("pg_temp.replaced (position, body)", ("int8", "text"), rows)
            self._connection.together([(_MERGE, [self._counter]), ("TRUNCATE pg_temp.replaced", ())])

    def remove(self, track_ids: Iterable[str]) -> int:
        """Remove tracks and return how many there were."""
        positions = self._connection.rows(_REMOVE, [digests(map(as_bytes, track_ids))])
        if positions:
            self._changed = True
            rows = ((position, self._counter) for (position,) in positions)
            self._connection.copy("removed (position, changed)", ("int8", "int8"), rows)
        return len(positions)

    def erase(self) -> None:
        """Begin again: as if no track had been there, but for the positions."""
        self._counter, self._erased = 1, True
        self._all_new = True
        self._connection.together([(f"DELETE FROM {table}", ()) for table in ("tracks", "removed", "commits")])

    def touch(self) -> None:
        """Make this a commit even if no track is written."""
        self._changed = True

    def ending(self) -> list[Statement]:
        """Return the statements that count the commit and forget those of long ago; none if nothing changed."""
        if not self._changed:
            return [("UPDATE catalogue SET counter = 0, token = ''", ())] if self._erased else []
        token = secrets.token_hex(8)
        return [
            ("UPDATE catalogue SET last_position = %s, counter = %s, token = %s", [self._last, self._counter, token]),
            ("INSERT INTO commits (counter, token) VALUES (%s, %s)", [self._counter, token]),
            ("DELETE FROM commits WHERE counter <= %s", [self._counter - KEPT_COMMITS]),
            ("DELETE FROM removed WHERE changed <= %s", [self._counter - KEPT_COMMITS]),
        ]
