"""What a listening history does to the log: plays are recorded, and unmatched ones replaced when the track comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from attrs import frozen

from qfzz_core.contracts.learners import InteractionType
from qfzz_core.errors import ProfileError, shown
from qfzz_core.importing.history import Find
from qfzz_core.importing.unmatched import Rematched, Unmatched, rematched, unmatched_tracks
from qfzz_core.model.events import Event, in_effect
from qfzz_core.model.profiles import checked_user_id
from qfzz_core.model.tracks import Track
from qfzz_core.profiles.recorder import Clock, Feedback, Recorder
from qfzz_core.profiles.retraction import replace


@frozen
class Listening:
    """Writes listening histories to the log, each call in one transaction.

    `find` looks for a track, `samples` gives those that are served while there are none, and `refresh` is called with
    the user whose profile changed.
    """

    recorder: Recorder
    types: Mapping[str, InteractionType]
    clock: Clock
    find: Find
    samples: Callable[[], Mapping[str, Track]]
    refresh: Callable[[str], None]

    def record(self, user_id: str, plays: Iterable[Feedback]) -> int:
        """Record the plays whose event id is new, and return how many there were.

        A known id is left alone whatever became of its event: one that was retracted does not come back.
        """
        user_id = checked_user_id(user_id)
        # the log is read once, and not looked up: what a transaction looks up it keeps in memory
        known = {event.event_id for event in self.recorder.store.events(user_id)}
        new = (play for play in plays if play.event_id not in known)
        with self.recorder.store.transaction([user_id]) as transaction:
            count = sum(event is not None for event in self.recorder.recorded(transaction, new, self.samples))
        if count:
            self.refresh(user_id)
        return count

    def unmatched(self, user_id: str) -> list[Unmatched]:
        """Return what a user heard and the catalogue did not have then, what was heard most first."""
        return unmatched_tracks(self._in_effect(user_id))

    def rematch(self, user_id: str) -> tuple[int, int]:
        """Replace the plays of which the track is found now; return how many, and how many are left without one."""
        replaced = rematched(self._in_effect(user_id), self.find)
        if replaced:
            old = [each.event_id for each in replaced]
            replace(self.recorder, user_id, old, self._feedback(user_id, replaced), self.samples)
            self.refresh(user_id)
        return len(replaced), sum(track.plays for track in self.unmatched(user_id))

    def _feedback(self, user_id: str, replaced: Iterable[Rematched]) -> Iterator[Feedback]:
        return (each.feedback(user_id, self.types, self.clock) for each in replaced)

    def _in_effect(self, user_id: str) -> Iterator[Event]:
        store = self.recorder.store
        if store.revision(checked_user_id(user_id)) is None:
            raise ProfileError(f"there is no user {shown(user_id)}")
        return in_effect(store.events(user_id, newest_first=True))
