"""A transaction in SQLite: a handful of small reads and writes, and one update of each user's row at its end."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from qfzz_core.contracts.stores import Foreseen, UserRecord, fresh_number
from qfzz_core.errors import StoreError
from qfzz_core.model.events import Event
from qfzz_core.model.json_codec import decoded, decoded_all
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.model.tracks import Track
from qfzz_core.storage.records import write_record
from qfzz_plugins.stores.sqlite.catalogue import find_track
from qfzz_plugins.stores.sqlite.connection import Connection, Row
from qfzz_plugins.stores.sqlite.drafts import LogDraft, StatesDraft, WeightsDraft
from qfzz_plugins.stores.sqlite.rows import EVENT_COLUMNS, SCALARS, USER_COLUMNS, StoredUser, as_event, stored_user
from qfzz_plugins.stores.sqlite.streams import MARKS, padded

_CREATE = f"INSERT INTO users ({USER_COLUMNS}) VALUES (?, NULL, 1, ?, ?, ?, ?, ?)"
_TOUCH = "UPDATE users SET revision = ?, updated_at = ? WHERE serial = ?"
_WRITE = f"UPDATE users SET revision = ?, {', '.join(f'{field} = ?' for field in SCALARS)} WHERE serial = ?"

_TRACKS = f"SELECT body FROM tracks WHERE track_id IN ({MARKS})"


def _of(table: str, columns: str) -> str:
    return ", ".join(f"{table}.{column}" for column in columns.split(", "))


_ONE_AHEAD = f"""SELECT tracks.body, {_of("users", USER_COLUMNS)}, {_of("events", EVENT_COLUMNS)} FROM (SELECT 1)
    LEFT JOIN tracks ON tracks.track_id = ?
    LEFT JOIN users ON users.user_id = ?
    LEFT JOIN events ON events.serial = users.serial AND events.event_id = ?"""


class Refusal:
    """Stands in the place of what cannot be used now, and refuses every use."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def __getattr__(self, name: str) -> Any:
        raise StoreError(self._reason)


class SQLiteUser:
    """A `UserTransaction`. What it writes is kept here, and written by `flush`."""

    _missing: Any = Refusal("this user does not exist; create it first")
    _over: Any = Refusal("this transaction is over; begin another one")

    def __init__(self, connection: Connection, log: LogDraft, user_id: str, user: StoredUser | None) -> None:
        self._connection = connection
        self._log = log
        self._user_id = user_id
        self._user: StoredUser = self._missing
        self._weights: WeightsDraft = self._missing
        self._states: StatesDraft = self._missing
        self._changed = False  # since the revision got its number
        self._settings_changed = False
        self._written = 0  # the revision in the table
        self.exists = False
        if user is not None:
            self._hold(user, new=False)

    def _hold(self, user: StoredUser, *, new: bool) -> None:
        self.exists = True
        self._user = user
        self._written = user.revision
        self._weights = WeightsDraft(self._connection, user.serial, new)
        self._states = StatesDraft(self._connection, user.serial, new)

    @property
    def updated_at(self) -> str:
        """When the profile changed last."""
        return str(self._user.scalars["updated_at"])

    @property
    def revision(self) -> tuple[int, int]:
        """The revision that a snapshot would have now."""
        user = self._numbered()
        return user.serial, user.revision

    def create(self, timestamp: str) -> None:
        """Make the user with default preferences."""
        if self.exists:
            raise StoreError("this user exists already and cannot be created again")
        profile = ProfileSnapshot(user_id=self._user_id, created_at=timestamp, updated_at=timestamp)
        scalars = {field: getattr(profile, field) for field in SCALARS}
        serial = self._connection.run(_CREATE, [self._user_id, *scalars.values()]).lastrowid or 0
        self._hold(StoredUser(self._user_id, serial, 1, scalars), new=True)

    def _numbered(self) -> StoredUser:
        """Return the user, with a new number for its revision if it has changed."""
        if self._changed:
            self._user.revision = fresh_number()
            self._changed = False
        return self._user

    def snapshot(self) -> ProfileSnapshot:
        """Return the profile as it is in this transaction."""
        self._weights.write()
        return self._numbered().snapshot(self._connection)

    # -- the profile

    def weight(self, field: str, name: str) -> tuple[str, float] | None:
        """Return spelling and weight of a name."""
        return self._weights.get(field, name)

    def put_weight(self, field: str, name: str, weight: float) -> None:
        """Set a weight under the spelling that is there."""
        self._weights.put(field, name, weight)
        self._changed = True

    def drop_weight(self, field: str, name: str) -> None:
        """Remove a name."""
        if self._weights.drop(field, name):
            self._changed = True

    def clear_weights(self, field: str) -> None:
        """Remove all names of a field."""
        self._weights.clear(field)
        self._changed = True

    def put_scalar(self, field: str, value: Any) -> None:
        """Set one of the fields that are no mapping."""
        self._user.scalars[field] = value
        self._changed = True
        if field != "updated_at":
            self._settings_changed = True

    # -- the log and what was learned from it

    def append(self, event: Event) -> int:
        """Add an event to the log."""
        position = self._log.append(self._user.serial, event)
        self._changed = True
        return position

    def find_event(self, event_id: str) -> Event | None:
        """Return the user's event of this id."""
        row = self._log.find(self._user.serial, event_id)
        return None if row is None else as_event(row)

    def state(self, learner: str, key: str) -> Any:
        """Return a learner's state under a key."""
        return self._states.get(learner, key)

    def put_state(self, learner: str, key: str, state: Any) -> None:
        """Set a learner's state under a key."""
        self._states.put(learner, key, state)
        self._changed = True

    def read_ahead(self, tracks: Collection[Track], event_ids: Iterable[str]) -> None:
        """Read what feedback on these tracks will ask for."""
        if self.exists:
            self._weights.read_ahead(tracks)
            self._states.read_ahead(len(tracks))
            self._log.read_ahead(self._user.serial, event_ids)

    def read_one_ahead(self, track: Track | None, event_id: str | None, event: Row | None) -> None:
        """Take the event that was read for the first feedback, and read what its track teaches."""
        if event_id is not None:
            self._log.learn(self._user.serial, event_id, event)
        if track is not None:
            self._weights.read_taught(track)

    # -- the end

    def flush(self) -> None:
        """Write what is kept here."""
        if not self.exists:
            return
        self._weights.write()
        self._states.write()
        user = self._numbered()
        if user.revision == self._written:
            return
        self._written = user.revision
        if self._settings_changed:
            self._connection.run(_WRITE, [user.revision, *user.scalars.values(), user.serial])
        else:
            self._connection.run(_TOUCH, [user.revision, user.scalars["updated_at"], user.serial])

    def end(self) -> None:
        """Refuse whatever comes after the transaction."""
        self._connection = self._user = self._weights = self._states = self._over


class SQLiteTransaction:
    """A `Transaction` over the users it was begun with, each read when it is asked for.

    As a context manager it begins, and ends all or nothing.
    """

    def __init__(self, connection: Connection, user_ids: Collection[str]) -> None:
        self._connection = connection
        self._named = set(user_ids)
        self._users: dict[str, SQLiteUser] = {}
        self._tracks: dict[str, Track | None] = {}  # those that were read ahead
        self._log = LogDraft(connection)

    def __enter__(self) -> SQLiteTransaction:
        self._connection.begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc_info: object) -> None:
        try:
            if kind is None:
                self.flush()
                self._connection.commit()
        finally:
            self._end()
            self._connection.end()

    def user(self, user_id: str) -> SQLiteUser:
        """Return one of the users; KeyError for one who was not named."""
        if user_id in self._users:
            return self._users[user_id]
        if user_id not in self._named:
            raise KeyError(user_id)
        return self._hold(user_id, stored_user(self._connection, user_id))

    def _hold(self, user_id: str, user: StoredUser | None) -> SQLiteUser:
        held = self._users[user_id] = SQLiteUser(self._connection, self._log, user_id, user)
        return held

    def track(self, track_id: str) -> Track | None:
        """Return a track as it is now."""
        if track_id in self._tracks:
            return self._tracks[track_id]
        return find_track(self._connection, track_id)

    # -- reading ahead

    def read_ahead(self, feedbacks: Sequence[Foreseen]) -> None:
        """Read in few queries what these feedbacks will ask for."""
        if len(feedbacks) == 1 and not self._users and feedbacks[0].user_id in self._named:
            self._read_one_ahead(feedbacks[0])
            return
        found = self._tracks_of({feedback.track_id for feedback in feedbacks})
        self._tracks = {feedback.track_id: found.get(feedback.track_id) for feedback in feedbacks}
        by_user: dict[str, list[Foreseen]] = {}
        for feedback in feedbacks:
            by_user.setdefault(feedback.user_id, []).append(feedback)
        for user_id, own in by_user.items():
            tracks = [found[feedback.track_id] for feedback in own if feedback.track_id in found]
            event_ids = {feedback.event_id for feedback in own if feedback.event_id is not None}
            self.user(user_id).read_ahead(tracks, event_ids)

    def _tracks_of(self, track_ids: Iterable[str]) -> dict[str, Track]:
        bodies = [body for some in padded(track_ids) for (body,) in self._connection.rows(_TRACKS, some)]
        return {track["track_id"]: track for track in decoded_all(bodies)}

    def _read_one_ahead(self, feedback: Foreseen) -> None:
        """Read track, user and event by one query, and what the track teaches by another."""
        asked = [feedback.track_id, feedback.user_id, feedback.event_id]
        for row in self._connection.rows(_ONE_AHEAD, asked):
            body, user, event = row[0], row[1:9], row[9:]
            track = self._tracks[feedback.track_id] = None if body is None else decoded(body)
            held = self._hold(feedback.user_id, None if user[0] is None else StoredUser.of(user))
            if held.exists:
                held.read_one_ahead(track, feedback.event_id, None if event[0] is None else event)

    # -- the end

    def flush(self) -> None:
        """Write what is kept here."""
        for user in self._users.values():
            user.flush()
        self._log.write()

    def _end(self) -> None:
        """Refuse whatever comes after the transaction."""
        self._named.clear()
        for user in self._users.values():
            user.end()


def put_record(connection: Connection, record: UserRecord) -> None:
    """Put a recorded user in the place of whoever has the id, inside the transaction that is open."""
    connection.run("DELETE FROM users WHERE user_id = ?", [record.profile.user_id])
    transaction = SQLiteTransaction(connection, [record.profile.user_id])
    write_record(transaction.user(record.profile.user_id), record)
    transaction.flush()
