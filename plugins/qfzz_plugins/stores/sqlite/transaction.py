"""A transaction in SQLite: a handful of small reads and writes, and one update of each user's row at its end."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from qfzz_core.errors import StoreError
from qfzz_core.events import Event
from qfzz_core.json_texts import decoded_all
from qfzz_core.plain import copied
from qfzz_core.profiles import ProfileSnapshot
from qfzz_core.recording.restoring import write_record
from qfzz_core.stores import Foreseen, UserRecord, fresh_number
from qfzz_core.tracks import Track
from qfzz_core.weights import WEIGHT_FIELDS
from qfzz_plugins.stores.sqlite.catalogue import find_track
from qfzz_plugins.stores.sqlite.connection import Connection
from qfzz_plugins.stores.sqlite.drafts import LogDraft, Name, StatesDraft, WeightsDraft, name_key
from qfzz_plugins.stores.sqlite.rows import SCALARS, USER_COLUMNS, StoredUser, as_event, stored_user
from qfzz_plugins.stores.sqlite.streams import MARKS, padded

_CREATE = f"INSERT INTO users ({USER_COLUMNS}) VALUES (?, NULL, 1, ?, ?, ?, ?, ?)"
_TOUCH = "UPDATE users SET revision = ?, updated_at = ? WHERE serial = ?"
_WRITE = f"UPDATE users SET revision = ?, {', '.join(f'{field} = ?' for field in SCALARS)} WHERE serial = ?"

_TRACKS = f"SELECT body FROM tracks WHERE track_id IN ({MARKS})"
_TAUGHT_BY = (("genres", "genre"), ("artists", "artist"), ("moods", "mood"))


class SQLiteUser:
    """A `UserTransaction`. What it writes is kept here, and written by `flush`."""

    def __init__(self, connection: Connection, user_id: str, log: LogDraft, expected: list[Name]) -> None:
        self._connection = connection
        self._log = log
        self._expected = expected
        self._user_id = user_id
        self._user: StoredUser | None = None
        self._over = False
        self._changed = False
        self._revised = False  # whether the revision is a new one, which no earlier change had
        self._settings_changed = False
        user = stored_user(self._connection, user_id)
        if user is not None:
            self._hold(user, new=False)

    def _hold(self, user: StoredUser, *, new: bool) -> None:
        self._user = user
        self._weights = WeightsDraft(self._connection, user.serial, self._expected, new)
        self._states = StatesDraft(self._connection, user.serial, new)

    @property
    def exists(self) -> bool:
        """Whether there is such a user."""
        return self._user is not None

    @property
    def updated_at(self) -> str:
        """When the profile changed last."""
        return str(self._now().scalars["updated_at"])

    @property
    def revision(self) -> tuple[int, int]:
        """The revision that a snapshot would have now."""
        user = self._numbered()
        return user.serial, user.revision

    def create(self, timestamp: str) -> None:
        """Make the user with default preferences."""
        if self._over:
            raise StoreError("this transaction is over; begin another one")
        if self._user is not None:
            raise StoreError("this user exists already and cannot be created again")
        profile = ProfileSnapshot(user_id=self._user_id, created_at=timestamp, updated_at=timestamp)
        scalars = {field: getattr(profile, field) for field in SCALARS}
        serial = self._connection.run(_CREATE, [self._user_id, *scalars.values()]).lastrowid or 0
        self._hold(StoredUser(self._user_id, serial, 1, scalars), new=True)

    def _now(self) -> StoredUser:
        if self._over:
            raise StoreError("this transaction is over; begin another one")
        if self._user is None:
            raise StoreError("this user does not exist; create it first")
        return self._user

    def _changing(self) -> StoredUser:
        """Return the user, who is at another revision from now on."""
        user = self._now()
        self._changed = True
        self._revised = False
        return user

    def _numbered(self) -> StoredUser:
        """Return the user, with a number for its revision if it has none yet."""
        user = self._now()
        if self._changed and not self._revised:
            user.revision = fresh_number()
            self._revised = True
        return user

    def snapshot(self) -> ProfileSnapshot:
        """Return the profile as it is in this transaction."""
        user = self._numbered()
        self._weights.write()
        return user.snapshot(self._connection)

    # -- the profile

    def weight(self, field: str, name: str) -> tuple[str, float] | None:
        """Return spelling and weight of a name."""
        self._now()
        return self._weights.get(field, name)

    def put_weight(self, field: str, name: str, weight: float) -> None:
        """Set a weight under the spelling that is there."""
        self._changing()
        self._weights.put(field, name, weight)

    def drop_weight(self, field: str, name: str) -> None:
        """Remove a name."""
        self._now()
        if self._weights.drop(field, name):
            self._changing()

    def clear_weights(self, field: str) -> None:
        """Remove all names of a field."""
        self._changing()
        self._weights.clear(field)

    def put_scalar(self, field: str, value: Any) -> None:
        """Set one of the fields that are no mapping."""
        self._changing().scalars[field] = value
        if field != "updated_at":
            self._settings_changed = True

    # -- the log and what was learned from it

    def append(self, event: Event) -> int:
        """Add an event to the log."""
        return self._log.append(self._changing().serial, event)

    def find_event(self, event_id: str) -> Event | None:
        """Return the user's event of this id."""
        row = self._log.find(self._now().serial, event_id)
        return None if row is None else as_event(row)

    def state(self, learner: str, key: str) -> Any:
        """Return a learner's state under a key."""
        self._now()
        return self._states.get(learner, key)

    def put_state(self, learner: str, key: str, state: Any) -> None:
        """Set a learner's state under a key."""
        self._changing()
        self._states.put(learner, key, state)

    def read_ahead(self, tracks: Collection[Track], event_ids: Iterable[str]) -> None:
        """Read what feedback on these tracks will ask for."""
        if self._user is not None:
            for field, key in _TAUGHT_BY:
                self._weights.read_ahead(field, {WEIGHT_FIELDS[field](track[key]) for track in tracks})
            self._states.read_ahead(len(tracks))
            self._log.read_ahead(self._user.serial, event_ids)

    # -- the end

    def flush(self) -> None:
        """Write what is kept here."""
        if not self._changed:
            return
        self._weights.write()
        self._states.write()
        user = self._numbered()
        if self._settings_changed:
            self._connection.run(_WRITE, [user.revision, *user.scalars.values(), user.serial])
        else:
            self._connection.run(_TOUCH, [user.revision, user.scalars["updated_at"], user.serial])

    def end(self) -> None:
        """Refuse whatever comes after the transaction."""
        self._over = True


class SQLiteTransaction:
    """A `Transaction` over the users it was begun with, each read when it is asked for.

    As a context manager it begins, and ends all or nothing.
    """

    def __init__(self, connection: Connection, user_ids: Collection[str]) -> None:
        self._connection = connection
        self._expected: list[Name] = []  # a track that was read will probably teach
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
        if user_id not in self._users:
            if user_id not in self._named:
                raise KeyError(user_id)
            self._users[user_id] = SQLiteUser(self._connection, user_id, self._log, self._expected)
        return self._users[user_id]

    def track(self, track_id: str) -> Track | None:
        """Return a track as it is now."""
        if track_id in self._tracks:
            return copied(self._tracks[track_id])  # type: ignore[no-any-return]
        track = find_track(self._connection, track_id)
        if track is not None:
            self._expected[:] = [name_key(field, track[key]) for field, key in _TAUGHT_BY]
        return track

    def read_ahead(self, feedbacks: Sequence[Foreseen]) -> None:
        """Read in few queries what these feedbacks will ask for."""
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
