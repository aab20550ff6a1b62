"""Recording: one transaction for each feedback or edit, with event, weights and learned state together.

`take_effect` is the one rule for what an event does to a user, when it is recorded and when the log is replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import attrs

from qfzz_core.contracts.learners import Learner
from qfzz_core.contracts.stores import Store, Transaction, UserTransaction
from qfzz_core.errors import FeedbackError, ForgottenProfileError, StoreError
from qfzz_core.model.events import Change, Event, Interaction
from qfzz_core.model.learning import ProfileWriter, apply_event, features_of
from qfzz_core.model.names import is_storable
from qfzz_core.model.plain import plain
from qfzz_core.model.timestamps import next_timestamp
from qfzz_core.model.tracks import Track
from qfzz_core.plugins.faults import BrokenContractError, Report, answer
from qfzz_core.plugins.registry import Registered
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

    def feedback(self, batch: Sequence[Feedback], samples: Callable[[], Mapping[str, Track]]) -> list[Event | None]:
        """Record feedback, all or nothing; None stands for an event that had been recorded before.

        `samples` gives the sample tracks by id while they are served. Raises `FeedbackError`, with the position in the
        batch, for an event id that was used for something else.
        """
        # Sorted, so that two batches that share users lock them in the same order and cannot wait for each other.
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
        self, transaction: Transaction, feedback: Feedback, samples: Callable[[], Mapping[str, Track]], position: int
    ) -> Event | None:
        user = transaction.user(feedback.user_id)
        if not user.exists:
            self._create(user)
        elif feedback.event_id is not None and _is_repeated(user, feedback, position):
            return None
        # Samples are served only while there are no tracks, so nearly every feedback finds its track in the store.
        track = transaction.track(feedback.track_id) or samples().get(feedback.track_id)
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
    """Announce to a transaction that reads ahead what comes."""
    read_ahead = getattr(transaction, "read_ahead", None)  # isinstance with `ReadsAhead` takes ten times as long
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


# ---- what an event does ----------------------------------------------------------------------------------------------


class Held(ProfileWriter, Protocol):
    """What is held of a user who exists: a `UserTransaction`, or a replay."""

    @property
    def updated_at(self) -> str:
        """When the profile was changed last."""
        ...

    def state(self, learner: str, key: str) -> Any:
        """Return a learner's state under a key as plain data, None if there is none."""
        ...

    def put_state(self, learner: str, key: str, state: Any) -> None:
        """Set a learner's state under a key; None removes it."""
        ...


def take_effect(event: Event, user: Held, learners: Sequence[Registered[Learner]], report: Report) -> None:
    """Write what an event does to weights, scalars, learned state and `updated_at`, which moves forward.

    Learners hear of everything but the creation of the user, which is no experience. One that fails is reported, and
    its state stays as it was before this event.
    """
    if event.kind == "created":
        apply_event(event, user)
        return
    updated_at = next_timestamp(user.updated_at, event.timestamp)
    apply_event(event, user)
    for learner in learners:
        _learn(learner, event, user, report)
    if not event.changes or all(change.field != "updated_at" for change in event.changes):
        user.put_scalar("updated_at", updated_at)


def _learn(learner: Registered[Learner], event: Event, user: Held, report: Report) -> None:
    """Write the new states of one learner; none, and a report, if it fails."""
    name, learn = learner.value.name, learner.value.learn
    # Written when all keys are learned: a learner that fails at its second key leaves no half of an event behind.
    learned: dict[str, Any] = {}
    try:
        for given in answer(learner.value.keys, event):
            key = _checked_key(given)
            learned[key] = plain(answer(learn, user.state(name, key), event, key))
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        report(learner.origin, f"learner {name}", error)
        return
    for key, state in learned.items():
        user.put_state(name, key, state)


def _checked_key(key: object) -> str:
    if type(key) is str and key.isascii():
        return key
    if not isinstance(key, str) or not is_storable(key):
        raise BrokenContractError(f"the keys of a learner's state must be text, got {key!r}")
    return key
