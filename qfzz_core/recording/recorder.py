"""Recording: one transaction for each feedback or edit, with event, weights and learned state together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs

from qfzz_core.contracts import Learner
from qfzz_core.errors import FeedbackError, ForgottenProfileError, StoreError
from qfzz_core.events import Change, Event, Interaction
from qfzz_core.learning import apply_event, taught_by
from qfzz_core.names import is_storable
from qfzz_core.plain import plain
from qfzz_core.plugins.faults import BrokenContractError, Report, answer
from qfzz_core.plugins.registry import Registered
from qfzz_core.profiles import ProfileSnapshot
from qfzz_core.recording.feedback import Feedback
from qfzz_core.stores import Store, Transaction, UserTransaction
from qfzz_core.timestamps import next_timestamp
from qfzz_core.tracks import Track


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
            return [self._feedback(transaction, feedback, samples, position) for position, feedback in enumerate(batch)]

    def edit(
        self, user_id: str, steps: Sequence[Sequence[Change] | Interaction], serial: int | None = None
    ) -> ProfileSnapshot:
        """Apply explicit changes and added interactions in one transaction and return the profile after it.

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
            return user.snapshot()

    def _step(self, step: Sequence[Change] | Interaction) -> Event:
        if isinstance(step, Interaction):
            return Event("interaction", self.now(), step)
        return Event("edited", self.now(), None, tuple(step))

    def _create(self, user: UserTransaction, preferences: Sequence[Change] = ()) -> None:
        event = Event("created", self.now(), None, tuple(preferences))
        user.create(event.timestamp)
        apply_event(event, user)
        user.append(event)

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
            taught=None if track is None else taught_by(track),
        )
        return Event("feedback", now, interaction, (), feedback.event_id)

    def _append(self, user: UserTransaction, event: Event) -> None:
        updated_at = next_timestamp(user.updated_at, event.timestamp)
        apply_event(event, user)
        for learner in self.learners:
            for key, state in self._learned(learner, user, event):
                user.put_state(learner.value.name, key, state)
        if all(change.field != "updated_at" for change in event.changes):
            user.put_scalar("updated_at", updated_at)
        user.append(event)

    def _learned(self, learner: Registered[Learner], user: UserTransaction, event: Event) -> list[tuple[str, object]]:
        """Return the new states of one learner; none, and a report, if it fails."""
        name, learn = learner.value.name, learner.value.learn
        try:
            keys = [_checked_key(key) for key in answer(learner.value.keys, event)]
            return [(key, plain(answer(learn, user.state(name, key), event, key))) for key in keys]
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            self.report(learner.origin, f"learner {name}", error)
            return []


def _checked_key(key: object) -> str:
    if not isinstance(key, str) or not is_storable(key):
        raise BrokenContractError(f"the keys of a learner's state must be text, got {key!r}")
    return key


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
