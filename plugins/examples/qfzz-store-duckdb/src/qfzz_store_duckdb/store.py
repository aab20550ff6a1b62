"""The store, and a user in it. What each method promises is said by the protocols in `qfzz_core.stores`."""

import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import count, islice
from typing import Any
from urllib.parse import unquote

import attrs
from qfzz_core import ProfileSnapshot
from qfzz_core.errors import StoreCorruptError, StoreError, StoreURLError
from qfzz_core.events import Event, decode_event, encode_event
from qfzz_core.names import is_storable
from qfzz_core.recording.restoring import write_record
from qfzz_core.stores import CatalogueChanges, CatalogueToken, UserRecord, Written, fresh_number
from qfzz_core.tracks import Track
from qfzz_core.weights import WEIGHT_FIELDS

from qfzz_store_duckdb.database import Cursor, Database

_TOKEN = "SELECT * EXCLUDE version FROM qfzz, commits WHERE counter = ifnull(?, (SELECT max(counter) FROM commits))"
_NEXT = "SELECT max(counter) + 1, (SELECT coalesce(max(position), 0) FROM tracks) FROM commits"
_COMMIT = "INSERT INTO commits SELECT ?, uuid() WHERE ? > 0"
_PUT_TRACKS = """INSERT INTO tracks (position, track_id, changed, body) SELECT unnest(?), unnest(?), ?, unnest(?)
    ON CONFLICT (track_id) DO UPDATE SET changed = excluded.changed, body = excluded.body"""
_COUNT = "SELECT count(*), count(*) FILTER (position > ?) FROM tracks WHERE changed = ? AND body IS NOT NULL"
_REMOVE = "UPDATE tracks SET track_id = NULL, body = NULL, changed = ?"
_SINCE = "SELECT position, body FROM tracks WHERE changed > ?"  # no index: DuckDB skips the blocks of older commits
_SCALARS = ("created_at", "updated_at", "energy_level", "tempo_preference", "discovery_factor")
_FIND_USER = "SELECT serial, revision, body FROM users WHERE user_id = ?"
_PUT_USER = "INSERT OR REPLACE INTO users (serial, user_id, revision, body) VALUES (?, ?, ?, ?)"
_PUT_EVENTS = "INSERT INTO events SELECT ?, unnest(?), unnest(?), unnest(?::VARCHAR[]), unnest(?), unnest(?)"


class DuckDBUser:
    """A `UserTransaction`, and outside of transactions a user as stored.

    It is a draft, which `flush` writes in two statements: DuckDB keeps columns, and a statement costs about as much
    for a thousand rows as for one. In its body, weights are (spelling, weight) by field and normal form, and states
    are JSON by learner and key.
    """

    def __init__(self, cursor: Cursor, user_id: str) -> None:
        self._cursor, self._user_id, self.exists = cursor, user_id, False
        self._serial = self._revision = self._stored = 0
        self._body: dict[str, dict[str, Any]] = {}
        self._events: list[tuple[Any, ...]] = []
        if is_storable(user_id):  # DuckDB would refuse to look for anything else
            for self._serial, self._revision, body in cursor.run(_FIND_USER, [user_id]):
                self.exists, self._stored, self._body = True, self._revision, json.loads(body)

    def _part(self, part: str, *, changing: bool = False) -> dict[str, Any]:
        if not self.exists:
            raise StoreError("this user does not exist in a transaction that is open: create it, or begin another one")
        self._revision = fresh_number() if changing else self._revision
        return self._body[part]

    def _number(self) -> int:
        """Return a serial or a position; a sequence gives none twice, not even after a transaction that failed."""
        return int(next(self._cursor.run("SELECT nextval('numbers')"))[0])

    @property
    def updated_at(self) -> str:
        return self.snapshot().updated_at

    @property
    def revision(self) -> tuple[int, int]:
        return self.snapshot().revision

    def create(self, timestamp: str) -> None:
        if self.exists:
            raise StoreError("this user exists already and cannot be created again")
        self.exists, self._serial, self._revision = True, self._number(), 1
        default = ProfileSnapshot(user_id=self._user_id, created_at=timestamp, updated_at=timestamp)
        scalars = {field: getattr(default, field) for field in _SCALARS}
        self._body = {"scalars": scalars, "weights": {field: {} for field in WEIGHT_FIELDS}, "states": {}}

    def snapshot(self) -> ProfileSnapshot:
        weights: Any = {field: dict(names.values()) for field, names in self._part("weights").items()}
        weights["revision"] = self._serial, self._revision
        return ProfileSnapshot(user_id=self._user_id, **self._part("scalars"), **weights)

    def weight(self, field: str, name: str) -> tuple[str, float] | None:
        found = self._part("weights")[field].get(WEIGHT_FIELDS[field](name))
        return found and tuple(found)

    def put_weight(self, field: str, name: str, weight: float) -> None:
        spelling, _ = self.weight(field, name) or (name, weight)
        self._part("weights", changing=True)[field][WEIGHT_FIELDS[field](name)] = (spelling, weight)

    def drop_weight(self, field: str, name: str) -> None:
        if self.weight(field, name):
            del self._part("weights", changing=True)[field][WEIGHT_FIELDS[field](name)]

    def clear_weights(self, field: str) -> None:
        self._part("weights", changing=True)[field] = {}

    def put_scalar(self, field: str, value: Any) -> None:
        self._part("scalars", changing=True)[field] = value

    def append(self, event: Event) -> int:
        self._part("scalars", changing=True)
        position, body = self._number(), json.dumps(encode_event(event))
        self._events.append((event.kind, event.timestamp, event.event_id, position, body))
        return position

    def find_event(self, event_id: str) -> Event | None:
        self.flush()
        self._part("scalars")
        return next(self.events("AND event_id = ?", event_id), None)

    def state(self, learner: str, key: str) -> Any:
        return json.loads(self._part("states").get(learner, {}).get(key, "null"))

    def put_state(self, learner: str, key: str, state: Any) -> None:
        self._part("states", changing=True).setdefault(learner, {})[key] = json.dumps(state)

    # -- what transactions and the store do with a user

    def states(self) -> Iterator[tuple[str, str, Any]]:
        """Iterate learner, key and state, without the states that were removed."""
        for learner, states in self._body.get("states", {}).items():
            yield from ((learner, key, json.loads(state)) for key, state in states.items() if state != "null")

    def events(self, more: str = "ORDER BY position", *parameters: str) -> Iterator[Event]:
        """Return an iterator over the stored events."""
        query = f"SELECT kind, timestamp, event_id, position, body FROM events WHERE serial = ? {more}"
        rows = self._cursor.run(query, [self._serial, *parameters])
        return (decode_event(kind, time, event_id, at, json.loads(body)) for kind, time, event_id, at, body in rows)

    def flush(self) -> None:
        """Write the draft; the table refuses an event of an id that it has."""
        if self._revision != self._stored:
            self._cursor.run(_PUT_USER, [self._serial, self._user_id, self._revision, json.dumps(self._body)])
        if self._events:
            self._cursor.run(_PUT_EVENTS, [self._serial, *map(list, zip(*self._events, strict=True))])
        self._stored, self._events = self._revision, []

    def erase(self) -> bool:
        """Delete what is stored, and return whether there was anything."""
        for table in ("users", "events"):
            self._cursor.run(f"DELETE FROM {table} WHERE serial = ?", [self._serial])
        return self.exists


@attrs.frozen
class DuckDBTransaction:
    """A `Transaction`, whose two methods are given to it."""

    user: Callable[[str], DuckDBUser]
    track: Callable[[str], Track | None]


class DuckDBStore:
    """A `qfzz_core.stores.Store` in one DuckDB file, for the threads of one process."""

    shared = False

    def __init__(self, url: str) -> None:
        path = unquote(url.removeprefix("duckdb:///"))
        if path in (url, "") or "?" in url or "\0" in path:
            raise StoreURLError(f"{url!r} names no file: write duckdb:///relative/path or duckdb:////absolute/path")
        self._database = Database(os.path.realpath(path))
        self.name, self.close = url, self._database.close

    # -- catalogue

    def write_tracks(self, tracks: Iterable[Track]) -> Written:
        with self._database.writing() as cursor:
            return _put(cursor, tracks)

    def remove_tracks(self, track_ids: Collection[str]) -> int:
        with self._database.writing() as cursor:
            known = [track_id for track_id in track_ids if is_storable(track_id)]
            return _remove(cursor, "track_id IN (SELECT unnest(?::VARCHAR[]))", known)

    def catalogue_token(self) -> CatalogueToken:
        return CatalogueToken(*next(self._database.cursor().run(_TOKEN, [None])))

    def catalogue_since(self, token: CatalogueToken | None) -> CatalogueChanges:
        cursor = self._database.cursor()
        cursor.run("BEGIN")  # one view of all that follows
        now = CatalogueToken(*next(cursor.run(_TOKEN, [None])))
        since = token.counter if token and attrs.astuple(token) in cursor.run(_TOKEN, [token.counter]) else -1
        removed = [row[0] for row in cursor.run(f"{_SINCE} AND body IS NULL", [since])] if since >= 0 else []
        rows = cursor.run(f"{_SINCE} AND body IS NOT NULL ORDER BY position", [since])
        written = ((position, json.loads(body)) for position, body in rows)
        return CatalogueChanges(now, since < 0, written, removed)

    def tracks_at(self, positions: Sequence[int]) -> list[Track | None]:
        query = "SELECT position, body FROM tracks WHERE body IS NOT NULL AND position IN (SELECT unnest(?::BIGINT[]))"
        found = dict(self._database.cursor().run(query, [list(positions)]))
        return [json.loads(found[position]) if position in found else None for position in positions]

    def find_track(self, track_id: str) -> tuple[int, Track] | None:
        return _find(self._database.cursor(), track_id)

    # -- users

    def user_ids(self) -> Iterator[str]:
        return (row[0] for row in self._database.cursor().run("SELECT user_id FROM users ORDER BY serial"))

    def revision(self, user_id: str) -> tuple[int, int] | None:
        user = DuckDBUser(self._database.cursor(), user_id)
        return user.revision if user.exists else None

    def snapshot(self, user_id: str) -> ProfileSnapshot | None:
        user = DuckDBUser(self._database.cursor(), user_id)
        return user.snapshot() if user.exists else None

    def events(self, user_id: str, *, newest_first: bool = False) -> Iterator[Event]:
        user = DuckDBUser(self._database.cursor(), user_id)
        return user.events("ORDER BY position DESC" if newest_first else "ORDER BY position")

    def states(self, user_id: str, learner: str) -> Mapping[str, Any]:
        states = DuckDBUser(self._database.cursor(), user_id).states()
        return {key: state for name, key, state in states if name == learner}

    def transaction(self, user_ids: Collection[str]) -> AbstractContextManager[DuckDBTransaction]:
        self._database.cursor()  # so that a closed store refuses now, and not when the transaction begins
        return self._transaction(user_ids)

    @contextmanager
    def _transaction(self, user_ids: Collection[str]) -> Iterator[DuckDBTransaction]:
        with self._database.writing() as cursor:
            users = {user_id: DuckDBUser(cursor, user_id) for user_id in user_ids}
            try:
                yield DuckDBTransaction(users.__getitem__, lambda track_id: (_find(cursor, track_id) or (0, None))[1])
                for user in users.values():
                    user.flush()
            finally:
                for user in users.values():
                    user.exists = False  # so that it refuses whatever comes later

    def record(self, user_id: str) -> UserRecord | None:
        cursor = self._database.cursor()
        cursor.run("BEGIN")  # one view of all that follows
        user = DuckDBUser(cursor, user_id)
        return UserRecord(user.snapshot(), user.events(), list(user.states())) if user.exists else None

    def load(self, users: Iterable[UserRecord], tracks: Iterable[Track] = (), *, empty_first: bool = False) -> None:
        with self._database.writing() as cursor:
            if empty_first:
                _remove(cursor, "body IS NOT NULL")
                cursor.run("DELETE FROM users; DELETE FROM events")
            for record in users:
                DuckDBUser(cursor, record.profile.user_id).erase()
                user = DuckDBUser(cursor, record.profile.user_id)
                write_record(user, record)
                user.flush()
            _put(cursor, tracks)

    def forget(self, user_id: str) -> bool:
        with self._database.writing() as cursor:
            return DuckDBUser(cursor, user_id).erase()

    def check(self) -> list[str]:
        """Return what is wrong. DuckDB has no check of its own, but compares the checksum of each block it reads."""
        try:
            for table in ("commits", "tracks", "users", "events"):
                self._database.cursor().run(f"SELECT sum(hash({table})) FROM {table}")
            return []
        except StoreCorruptError as error:
            return [str(error)]


def _put(cursor: Cursor, tracks: Iterable[Track]) -> Written:
    ((commit, before),), remaining = cursor.run(_NEXT), iter(tracks)
    numbers = count(before + 1)
    while batch := {track["track_id"]: json.dumps(track) for track in islice(remaining, 2000)}:
        positions = list(islice(numbers, len(batch)))  # those of tracks that are replaced stay unused
        cursor.run(_PUT_TRACKS, [positions, list(batch), commit, list(batch.values())])
    ((written, added),) = cursor.run(_COUNT, [before, commit])
    cursor.run(_COMMIT, [commit, written])
    return Written(added, written - added)


def _remove(cursor: Cursor, condition: str, *parameters: list[str]) -> int:
    ((commit, _),) = cursor.run(_NEXT)
    removed = len(list(cursor.run(f"{_REMOVE} WHERE {condition} RETURNING position", [commit, *parameters])))
    cursor.run(_COMMIT, [commit, removed])
    return removed


def _find(cursor: Cursor, track_id: str) -> tuple[int, Track] | None:
    find = "SELECT position, body FROM tracks WHERE track_id = ?"
    rows = cursor.run(find, [track_id]) if is_storable(track_id) else ()
    return next(((position, json.loads(body)) for position, body in rows), None)
