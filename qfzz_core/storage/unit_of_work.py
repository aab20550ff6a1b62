"""The unit of work of every store: a transaction over several users, which some read ahead for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Generic, Self, TypeVar

from qfzz_core.contracts.stores import Foreseen
from qfzz_core.model.events import Event
from qfzz_core.model.json_codec import decoded, encoded
from qfzz_core.model.tracks import Track
from qfzz_core.model.weights import WEIGHT_FIELDS
from qfzz_core.storage.decoding import WRONG, Decoding
from qfzz_core.storage.records import Name, UserRow
from qfzz_core.storage.user_unit import UserUnit

MOST_EVENTS = 1000  # of one user that wait to be written, so that loading a long log takes little memory

_LEARNED_FROM = (("genres", "genre"), ("artists", "artist"), ("moods", "mood"))


User = TypeVar("User", bound=UserUnit)


class UnitOfWork(ABC, Generic[User]):
    """A `Transaction` over several users, each fetched on first use."""

    def __init__(self, user_ids: Collection[str]) -> None:
        self.users: dict[str, User] = {}
        self._named = set(user_ids)

    @abstractmethod
    def find_user(self, user_id: str) -> User:
        """Return a user, who may not exist yet."""

    @abstractmethod
    def find_track(self, track_id: str) -> tuple[int, Track] | None:
        """Return position and track as they are now."""

    @abstractmethod
    def write(self, users: Sequence[User]) -> None:
        """Write the changes of these users, all of them or, if an exception is raised, none in the end."""

    def user(self, user_id: str) -> User:
        """Return one of the users; KeyError for one who was not named."""
        if user_id not in self.users:
            if user_id not in self._named:
                raise KeyError(user_id)
            self.users[user_id] = self.find_user(user_id)
        return self.users[user_id]

    def track(self, track_id: str) -> Track | None:
        """Return a track as it is now."""
        found = self.find_track(track_id)
        return None if found is None else found[1]

    def changed_users(self) -> list[User]:
        """Return the users whose changes are to be written."""
        return [user for user in self.users.values() if user.changed]

    def finish(self) -> None:
        """Write what changed, for the last time."""
        self.write(self.changed_users())

    def flush(self) -> None:
        """Write what changed, and go on."""
        changed = self.changed_users()
        self.write(changed)
        for user in changed:
            user.was_written()

    def end(self) -> None:
        """Refuse whatever comes after the transaction."""
        self._named.clear()
        for user in self.users.values():
            user.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc_info: object) -> None:
        """Write what changed unless an exception is raised, and refuse whatever comes later."""
        try:
            if kind is None:
                self.finish()
        finally:
            self.end()


class FoundUnit(UnitOfWork[User]):
    """A unit of work over functions that find a user, find position and track, and write the changes of users."""

    def __init__(
        self,
        user_ids: Collection[str],
        find_user: Callable[[str], User],
        find_track: Callable[[str], tuple[int, Track] | None],
        write: Callable[[Sequence[User]], None],
    ) -> None:
        super().__init__(user_ids)
        self._find_user = find_user
        self._find_track = find_track
        self._write = write

    def find_user(self, user_id: str) -> User:
        """Return a user, who may not exist yet."""
        return self._find_user(user_id)

    def find_track(self, track_id: str) -> tuple[int, Track] | None:
        """Return position and track as they are now."""
        return self._find_track(track_id)

    def write(self, users: Sequence[User]) -> None:
        """Write the changes of these users."""
        self._write(users)


# ---- over tables, reading ahead --------------------------------------------------------------------------------------


def names_of(track: Track | None) -> list[Name]:
    """Return the names whose weights feedback on a track moves."""
    named = [] if track is None else [(field, track[key]) for field, key in _LEARNED_FROM]
    return [(field, WEIGHT_FIELDS[field](name)) for field, name in named if name is not None]


class RowUser(UserUnit):
    """A user in a unit of work over tables: states and events are JSON text, and a long log is written in parts."""

    def __init__(self, unit: ReadAheadUnit[Any], user_id: str, row: UserRow | None) -> None:
        super().__init__(user_id, row)
        self.expected = unit.expected
        self.decoding = unit.decoding
        self._unit: Any = unit

    def append(self, event: Event) -> int:
        """Add an event to the log; raises `StoreError` if it has an event of this id already."""
        position = super().append(event)
        if len(self.appended) >= MOST_EVENTS:
            self._unit.flush()
        return position

    def log(self) -> Iterator[Event] | None:
        """Iterate the user's log as this transaction sees it, newest first; what was appended is written before."""
        self._unit.flush()
        return super().log()

    def pack_state(self, state: Any) -> str:
        """Return a state as JSON text."""
        return encoded(state)

    def unpack_state(self, packed: str) -> Any:
        """Return the state of a JSON text."""
        try:
            state = decoded(packed)
        except WRONG:
            state = None
        if state is not None:
            return state
        learner, key = next(place for place, known in self._known_states.items() if known is packed)
        return self.decoding.state(self.user_id, learner, key, packed)

    def unpack_event(self, packed: tuple[Any, ...]) -> Event:
        """Return the event of a row."""
        return self.decoding.event(packed)

    def end(self) -> None:
        """Refuse whatever comes after the transaction."""
        super().end()
        self._unit = None  # a circle would keep the connection until Python looks for circles


class ReadAheadUnit(UnitOfWork[User]):
    """A unit of work that offers `ReadsAhead`; its users share its `expected`. `decoding` reads what it fetches."""

    def __init__(self, user_ids: Collection[str], decoding: Decoding) -> None:
        super().__init__(user_ids)
        self.decoding = decoding
        self.expected: list[Name] = []
        self._tracks: dict[str, Track | None] = {}  # those that were read ahead

    @abstractmethod
    def fetch_one_ahead(self, feedback: Foreseen) -> Track | None:
        """Return the track of a feedback, and let its user learn the event, all by one query."""

    @abstractmethod
    def fetch_ahead(self, track_ids: Collection[str], users: Mapping[User, Sequence[Foreseen]]) -> Mapping[str, Track]:
        """Return tracks, and let stored users learn the events and states of their feedbacks."""

    @abstractmethod
    def fetch_weights_ahead(self, users: Mapping[User, Sequence[Name]]) -> None:
        """Let stored users learn the weights of names that they do not know."""

    def track(self, track_id: str) -> Track | None:
        """Return a track as it is now; feedback on it is expected."""
        if track_id in self._tracks:
            return self._tracks[track_id]
        track = super().track(track_id)
        self.expected[:] = names_of(track)
        return track

    def read_ahead(self, feedbacks: Sequence[Foreseen]) -> None:
        """Read in few queries what these feedbacks will need."""
        if len(feedbacks) == 1:
            track = self.fetch_one_ahead(feedbacks[0])
            self._tracks = {feedbacks[0].track_id: track}
            self.expected[:] = names_of(track)
            return
        users: dict[User, list[Foreseen]] = {}
        for feedback in feedbacks:
            if (user := self.user(feedback.user_id)).is_stored:
                users.setdefault(user, []).append(feedback)
        track_ids = {feedback.track_id for feedback in feedbacks}
        found = self.fetch_ahead(track_ids, users)
        self._tracks = {track_id: found.get(track_id) for track_id in track_ids}
        names = {
            user: user.unknown_names({name for each in own for name in names_of(found.get(each.track_id))})
            for user, own in users.items()
        }
        self.fetch_weights_ahead(names)
