"""The store, and a user in it. What each method promises is said by the protocols in `qfzz_core.contracts.stores`."""

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import count, islice
from urllib.parse import unquote

from qfzz_core.contracts.stores import CatalogueChanges, CatalogueToken, UserRecord, Written
from qfzz_core.errors import StoreCorruptError, StoreURLError
from qfzz_core.model.events import Event
from qfzz_core.model.json_codec import encoded
from qfzz_core.model.names import is_storable
from qfzz_core.model.tracks import Track
from qfzz_core.storage import DraftedStore, UserDraft, damaged_rows, event_row, refuse_used, without_advice

from qfzz_store_duckdb.database import Cursor, Database

_TOKEN = "SELECT * EXCLUDE version FROM qfzz, commits WHERE counter = ifnull(?, (SELECT max(counter) FROM commits))"
_NEXT = "SELECT max(counter) + 1, (SELECT coalesce(max(position), 0) FROM tracks) FROM commits"
_PUT_TRACKS = """INSERT INTO tracks (position, track_id, changed, body) SELECT unnest(?), unnest(?), ?, unnest(?)
    ON CONFLICT (track_id) DO UPDATE SET changed = excluded.changed, body = excluded.body"""
_COMMIT = "INSERT INTO commits VALUES (?, uuid())"
_COUNT = "SELECT count(*), count(*) FILTER (position > ?) FROM tracks WHERE changed = ? AND body IS NOT NULL"
_REMOVE = "UPDATE tracks SET track_id = NULL, body = NULL, changed = ? WHERE track_id IN (SELECT unnest(?::TEXT[]))"
_SINCE = "SELECT position, body FROM tracks WHERE changed > ?"  # no index: DuckDB skips the blocks of older commits
_EMPTY = """DELETE FROM users; DELETE FROM events; DELETE FROM commits WHERE counter > 0;
    UPDATE tracks SET track_id = NULL, body = NULL, changed = 0"""
_USED = "SELECT max(counter), (SELECT count(*) FROM users) FROM commits"
_CHECKED = {
    "tracks": "SELECT position, track_id, body FROM tracks WHERE body IS NOT NULL",
    "events": "SELECT position, kind, timestamp, event_id, body FROM events",
}
_EVENTS = "SELECT position, kind, timestamp, event_id, body FROM events WHERE serial = ?"
_PUT_EVENTS = "INSERT INTO events SELECT ?, unnest(?), unnest(?), unnest(?), unnest(?::TEXT[]), unnest(?)"


class DuckDBUser(UserDraft):
    """A user, written in two statements: each costs DuckDB about as much for a thousand rows as for one."""

    def __init__(self, cursor: Cursor, user_id: str) -> None:
        self._cursor = cursor
        query = "SELECT serial, revision, body FROM users WHERE user_id = ?"
        serial, revision, body = next(cursor.run(query, [user_id]), (0, 0, "{}"))
        self.decoding = cursor.decoding
        super().__init__(user_id, (serial, revision), self.decoding.document(user_id, body))
        self._serial = serial

    def next_number(self) -> int:
        return int(next(self._cursor.run("SELECT nextval('numbers')"))[0])  # a sequence gives none twice

    def stored_events(self, *, newest_first: bool = False) -> Iterator[Event]:
        order = "DESC" if newest_first else "ASC"
        return map(self.decoding.event, self._cursor.run(f"{_EVENTS} ORDER BY position {order}", [self._serial]))

    def stored_event(self, event_id: str) -> Event | None:
        rows = self._cursor.run(f"{_EVENTS} AND event_id = ?", [self._serial, event_id])
        return next(map(self.decoding.event, rows), None)

    def write(self) -> None:
        row = [*self.revision, self.user_id, encoded(self.body)]
        self._cursor.run("INSERT OR REPLACE INTO users (serial, revision, user_id, body) VALUES (?, ?, ?, ?)", row)
        if self.appended:
            columns = map(list, zip(*map(event_row, self.appended), strict=True))
            self._cursor.run(_PUT_EVENTS, [self.revision[0], *columns])

    def delete(self) -> None:
        for table in ("users", "events"):
            self._cursor.run(f"DELETE FROM {table} WHERE serial = ?", [self._serial])


class DuckDBStore(DraftedStore[Cursor]):
    """A `qfzz_core.contracts.stores.Store` in one DuckDB file, for the threads of one process."""

    shared = False

    def __init__(self, url: str) -> None:
        path = unquote(url.removeprefix("duckdb:///"))
        if path in (url, "") or "?" in url or "\0" in path:
            raise StoreURLError(f"{url!r} names no file: write duckdb:///relative/path or duckdb:////absolute/path")
        self._database = Database(os.path.realpath(path))
        self.name, self.close = url, self._database.close
        super().__init__(self._database, DuckDBUser, _find)

    # -- catalogue

    def write_tracks(self, tracks: Iterable[Track]) -> Written:
        with self._database.writing() as cursor:
            return _put(cursor, tracks)

    def remove_tracks(self, track_ids: Collection[str]) -> int:
        with self._database.writing() as cursor:
            ((commit, _),) = cursor.run(_NEXT)
            known = [track_id for track_id in track_ids if is_storable(track_id)]
            removed = len(list(cursor.run(f"{_REMOVE} RETURNING position", [commit, known])))
            if removed:
                cursor.run(_COMMIT, [commit])
            return removed

    def catalogue_token(self) -> CatalogueToken:
        return CatalogueToken(*next(self._database.reading().run(_TOKEN, [None])))

    def catalogue_since(self, token: CatalogueToken | None) -> CatalogueChanges:
        cursor = self._database.reading()
        now = CatalogueToken(*next(cursor.run(_TOKEN, [None])))
        known = token and token in (CatalogueToken(*row) for row in cursor.run(_TOKEN, [token.counter]))
        since = token.counter if token and known else -1
        removed = [row[0] for row in cursor.run(f"{_SINCE} AND body IS NULL", [since])] if since >= 0 else []
        rows = cursor.run(f"{_SINCE} AND body IS NOT NULL ORDER BY position", [since])
        return CatalogueChanges(now, since < 0, cursor.decoding.tracks("position", list(rows)), removed)

    def tracks_at(self, positions: Sequence[int]) -> list[Track | None]:
        query = "SELECT position, body FROM tracks WHERE body IS NOT NULL AND position IN (SELECT unnest(?::BIGINT[]))"
        cursor = self._database.reading()
        return cursor.decoding.tracks_at(positions, dict(cursor.run(query, [list(positions)])))

    # -- users

    def user_ids(self) -> Iterator[str]:
        return (row[0] for row in self._database.reading().run("SELECT user_id FROM users ORDER BY serial"))

    def load(
        self,
        users: Iterable[UserRecord],
        tracks: Iterable[Track] = (),
        *,
        empty_first: bool = False,
        only_if_new: bool = False,
        held_tracks: bool = False,
    ) -> None:
        with self._database.writing() as cursor:
            if only_if_new:
                refuse_used(self.name, *next(cursor.run(_USED)))
            if empty_first:
                cursor.run(_EMPTY)
            self.load_users(cursor, users)
            _put(cursor, tracks, held_tracks)

    def check(self) -> list[str]:
        """Return what is wrong. DuckDB has no check of its own, but compares the checksum of each block it reads."""
        cursor = self._database.reading()
        try:
            cursor.run("SELECT sum(hash(commits)) FROM commits")
            return [*damaged_rows(cursor.decoding, cursor.run, _CHECKED), *self._damaged_users(cursor)]
        except StoreCorruptError as error:
            return [str(error)]

    def _damaged_users(self, cursor: Cursor) -> Iterator[str]:
        for (user_id,) in cursor.run("SELECT user_id FROM users"):
            try:
                DuckDBUser(cursor, user_id)
            except StoreCorruptError as error:
                yield without_advice(error)


def _put(cursor: Cursor, tracks: Iterable[Track], held_tracks: bool = False) -> Written:
    ((commit, before),), remaining = cursor.run(_NEXT), iter(tracks)
    numbers = count(before + 1)
    while batch := {track["track_id"]: encoded(track) for track in islice(remaining, 2000)}:
        positions = list(islice(numbers, len(batch)))  # those of tracks that are replaced stay unused
        cursor.run(_PUT_TRACKS, [positions, list(batch), commit, list(batch.values())])
    ((written, added),) = cursor.run(_COUNT, [before, commit])
    if written or held_tracks:
        cursor.run(_COMMIT, [commit])
    return Written(added, written - added)


def _find(cursor: Cursor, track_id: str) -> tuple[int, Track] | None:
    rows = cursor.run("SELECT position, body FROM tracks WHERE track_id = ?", [track_id])
    return next(((position, cursor.decoding.track("track_id", track_id, body)) for position, body in rows), None)
