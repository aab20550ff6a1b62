"""Writing the catalogue: in batches, under the lock of its one row."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence

from qfzz_core.stores import Written
from qfzz_core.tracks import Track
from qfzz_plugins.stores.postgresql.connection import BEGIN, Connection, Row, Statement
from qfzz_plugins.stores.postgresql.texts import as_bytes, digests, encoded

KEPT_COMMITS = 1000  # how far back a reader can ask for the changes alone
BATCH = 5000
_FEW = 100  # rows that are replaced one by one; more of them go through a temporary table

# A generator of tracks may take its time, so a statement of an import has no limit; waiting for the lock has one.
LOCK_CATALOGUE = "SELECT last_position, counter FROM catalogue FOR UPDATE"
_UNLIMITED = "SET LOCAL statement_timeout = 0"

_COLUMNS = "tracks (position, track_id, changed, body)"
_KNOWN = "SELECT track_id, position, changed FROM tracks WHERE sha256(track_id) = ANY(%s::bytea[])"
_REPLACE = "UPDATE tracks SET changed = %s, body = %s WHERE position = %s"
_STAGE = "CREATE TEMPORARY TABLE IF NOT EXISTS replaced (position bigint, body text) ON COMMIT DROP"
_MERGE = """UPDATE tracks SET changed = %s, body = replaced.body FROM pg_temp.replaced
    WHERE tracks.position = replaced.position"""
_REMOVE = "DELETE FROM tracks WHERE sha256(track_id) = ANY(%s::bytea[]) RETURNING position"


def begin_catalogue(connection: Connection) -> Row:
    """Begin a transaction that holds the catalogue's lock; return the last position and the counter."""
    *_, (state,) = connection.together([(BEGIN, ()), (_UNLIMITED, ()), (LOCK_CATALOGUE, ())])
    return state


class CatalogueWriter:
    """One commit of the catalogue. `ending` has to be executed with the commit."""

    def __init__(self, connection: Connection, state: Row) -> None:
        self._connection = connection
        self._last, self._counter = state
        self._counter += 1
        self._changed = False
        self.written = Written(0, 0)

    def put(self, tracks: Sequence[Track]) -> None:
        """Write a batch of tracks: new ones by COPY, those that are there in place."""
        self._changed = True
        given = {as_bytes(track["track_id"]): track for track in tracks}
        known = {row[0]: row[1:] for row in self._connection.rows(_KNOWN, [digests(given)])}
        self._replace([(position, given[track_id]) for track_id, (position, _) in known.items()])
        new = [(track_id, track) for track_id, track in given.items() if track_id not in known]
        self._add(new)
        replaced = sum(changed != self._counter for _, changed in known.values())
        self.written = Written(self.written.added + len(new), self.written.replaced + replaced)

    def _add(self, tracks: Sequence[tuple[bytes, Track]]) -> None:
        if tracks:
            first, counter = self._last + 1, self._counter
            # Lazily, so that the server writes rows while later ones are encoded.
            rows = ((place, key, counter, encoded(track)) for place, (key, track) in enumerate(tracks, first))
            self._connection.copy(_COLUMNS, ("int8", "bytea", "int8", "text"), rows)
            self._last += len(tracks)

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
        """Remove every track, so that every reader has to read everything again."""
        if self._counter > 1:
            self._changed = True
            self._connection.together([(f"DELETE FROM {table}", ()) for table in ("tracks", "removed", "commits")])

    def ending(self) -> list[Statement]:
        """Return the statements that count the commit and forget those of long ago; none if nothing changed."""
        if not self._changed:
            return []
        token = secrets.token_hex(8)
        return [
            ("UPDATE catalogue SET last_position = %s, counter = %s, token = %s", [self._last, self._counter, token]),
            ("INSERT INTO commits (counter, token) VALUES (%s, %s)", [self._counter, token]),
            ("DELETE FROM commits WHERE counter <= %s", [self._counter - KEPT_COMMITS]),
            ("DELETE FROM removed WHERE changed <= %s", [self._counter - KEPT_COMMITS]),
        ]
