"""Recording: one transaction for each feedback or edit, with event, weights and learned state together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs

from qfzz_core.contracts.learners import Learner
from qfzz_core.contracts.stores import Store, Transaction, UserTransaction
from qfzz_core.errors import FeedbackError, ForgottenProfileError
from qfzz_core.model.events import Change, Event, Interaction
from qfzz_core.model.learning import features_of
from qfzz_core.model.tracks import Track
from qfzz_core.plugins.faults import Report
from qfzz_core.plugins.registry import Registered
from qfzz_core.profiles.effects import take_effect
from qfzz_core.profiles.feedback import Feedback

_AHEAD = 1000  # feedbacks of a batch that a store may read ahead for


@attrs.frozen
class Recorder:
    """Writes to one store what happened to users.

    `now` gives the clock's time as a timestamp.
    """

    store: Store
    learners: Sequence[Registered[Learner]]
    now: Callable[[], str]
    report: Report

    def create(self, user_id: str, preferences: Sequence[Change] = ()) -> bool:
        """Create a user with initial preferences; False, and nothing changed, if there is one already."""
        with self.store.transaction([user_id]) as transaction:
            user = transaction.user(user_id)
            if user.exists:
                return False
            self._create(user, preferences)
            return True

    def feedback(self, batch: Sequence[Feedback], samples: Mapping[str, Track]) -> list[Event | None]:
        """Record feedback, all or nothing; None stands for an event that had been recorded before.

        `samples` are the sample tracks by id while they are served. Raises `FeedbackError`, with the position in the
        batch, for an event id that was used for something else.
        """
        with self.store.transaction(sorted({feedback.user_id for feedback in batch})) as transaction:
            recorded: list[Event | None] = []
            for first in range(0, len(batch), _AHEAD):
                some = batch[first : first + _AHEAD]
                _announce(transaction, some)
                for position, feedback in enumerate(some, first):
                    recorded.append(self._feedback(transaction, feedback, samples, position))
            return recorded

    def edit(self, user_id: str, steps: Sequence[Sequence[Change] | Interaction], serial: int | None = None) -> None:
        """Apply explicit changes and added interactions in one transaction.

        `serial` is that of the user whom a held profile shows: `ForgottenProfileError` if it is another one's now.
        Without it, a user who does not exist is created.
        """
        with self.store.transaction([user_id]) as transaction:
            user = transaction.user(user_id)
            if serial is not None and (not user.exists or user.revision[0] != serial):
                raise ForgottenProfileError("the user of this profile was forgotten; it cannot be changed any more")
            if not user.exists:
                self._create(user)
            for step in steps:
                self._append(user, self._step(step))

    def _step(self, step: Sequence[Change] | Interaction) -> Event:
        if isinstance(step, Interaction):
            return Event("interaction", self.now(), step)
        return Event("edited", self.now(), None, tuple(step))

    def _create(self, user: UserTransaction, preferences: Sequence[Change] = ()) -> None:
        event = Event("created", self.now(), None, tuple(preferences))
        user.create(event.timestamp)
        self._append(user, event)

    def _feedback(
        self, transaction: Transaction, feedback: Feedback, samples: Mapping[str, Track], position: int
    ) -> Event | None:
        user = transaction.user(feedback.user_id)
        if user.exists and feedback.event_id is not None and _is_repeated(user, feedback, position):
            return None
        if not user.exists:
            self._create(user)
        track = transaction.track(feedback.track_id) or samples.get(feedback.track_id)
        event = self._event(feedback, track)
        self._append(user, event)
        return event

    def _event(self, feedback: Feedback, track: Track | None) -> Event:
        now = self.now()
        interaction = Interaction(
            track_id=feedback.track_id,
            type=feedback.interaction_type,
            rating=feedback.rating,
            timestamp=now,
            strength=None if track is None else feedback.strength,
            features=None if track is None else features_of(track),
        )
        return Event("feedback", now, interaction, (), feedback.event_id)

    def _append(self, user: UserTransaction, event: Event) -> None:
        take_effect(event, user, self.learners, self.report)
        user.append(event)


def _announce(transaction: Transaction, feedbacks: Sequence[Feedback]) -> None:
    """Tell a transaction that reads ahead what comes."""
    read_ahead = getattr(transaction, "read_ahead", None)  # asking for `ReadsAhead` takes ten times as long
    if read_ahead is not None:
        read_ahead(feedbacks)


def _is_repeated(user: UserTransaction, feedback: Feedback, position: int) -> bool:
    """Return whether this event was recorded before; raises `FeedbackError` if its id was used for another."""
    earlier = user.find_event(feedback.event_id or "")
    if earlier is None or earlier.interaction is None:
        return False
    known = earlier.interaction
    if (known.track_id, known.type, known.rating) == (feedback.track_id, feedback.interaction_type, feedback.rating):
        return True
    raise FeedbackError(
        f"event_id {feedback.event_id!r} was used before for another event: {known.type} of {known.track_id!r}",
        position=position,
    )
