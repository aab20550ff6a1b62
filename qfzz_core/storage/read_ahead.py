"""Units of work that read ahead: in few queries what feedbacks that are about to be recorded will need."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from qfzz_core.contracts.stores import Foreseen
from qfzz_core.model.events import Event
from qfzz_core.model.json_codec import decoded, encoded
from qfzz_core.model.tracks import Track
from qfzz_core.model.weights import WEIGHT_FIELDS
from qfzz_core.storage.records import UserRow, event_of
from qfzz_core.storage.unit_of_work import Name, UnitOfWork, User, UserUnit

MOST_EVENTS = 1000  # of one user that wait to be written, so that loading a long log takes little memory

_LEARNED_FROM = (("genres", "genre"), ("artists", "artist"), ("moods", "mood"))


def names_of(track: Track | None) -> list[Name]:
    """Return the names whose weights feedback on a track moves."""
    return [] if track is None else [(field, WEIGHT_FIELDS[field](track[key])) for field, key in _LEARNED_FROM]


class RowUser(UserUnit):
    """A user in a unit of work over tables: states and events are JSON text, and a long log is written in parts."""

    def __init__(self, unit: ReadAheadUnit[Any], user_id: str, row: UserRow | None) -> None:
        super().__init__(user_id, row)
        self.expected = unit.expected
        self._unit: Any = unit

    def append(self, event: Event) -> int:
        """Add an event to the log; raises `StoreError` if it has an event of this id already."""
        position = super().append(event)
        if len(self.appended) >= MOST_EVENTS:
            self._unit.flush()
        return position

    def pack_state(self, state: Any) -> str:
        """Return a state as JSON text."""
        return encoded(state)

    def unpack_state(self, packed: str) -> Any:
        """Return the state of a JSON text."""
        return decoded(packed)

    def unpack_event(self, packed: tuple[Any, ...]) -> Event:
        """Return the event of a row."""
        return event_of(packed)

    def end(self) -> None:
        """Refuse whatever comes after the transaction."""
        super().end()
        self._unit = None  # a circle would keep the connection until Python looks for circles


class ReadAheadUnit(UnitOfWork[User]):
    """A unit of work that offers `ReadsAhead`; its users share its `expected`."""

    def __init__(self, user_ids: Collection[str]) -> None:
        super().__init__(user_ids)
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
        track = self.find_track(track_id)
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
