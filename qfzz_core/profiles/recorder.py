"""Recording: feedback and edits are checked, then each is one transaction, with event, weights and learned state.

`take_effect` is the one rule for what an event does to a user, when it is recorded and when the log is replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import attrs

from qfzz_core.contracts.learners import InteractionType, Learner
from qfzz_core.contracts.stores import Store, Transaction, UserTransaction
from qfzz_core.errors import FeedbackError, ForgottenProfileError, ProfileError, did_you_mean, shown
from qfzz_core.model.events import Change, Event, Interaction
from qfzz_core.model.learning import apply_event, features_of, rating_strength
from qfzz_core.model.names import checked_text, is_storable, text_of
from qfzz_core.model.plain import copied, mapping_of, own_text, plain
from qfzz_core.model.profiles import checked_user_id
from qfzz_core.model.timestamps import checked_moment, next_timestamp, timestamp
from qfzz_core.model.tracks import Track
from qfzz_core.model.weights import unit_number
from qfzz_core.plugins.faults import BrokenContractError, Report, answer, fault_in, several, store_errors_pass
from qfzz_core.plugins.registry import Registered

MOST_KEYS = 10_000  # of a learner's state that one event changes: some iterators never end, in a transaction
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
            return list(self.recorded(transaction, batch, samples))

    def recorded(
        self,
        transaction: Transaction,
        batch: Iterable[Feedback],
        samples: Callable[[], Mapping[str, Track]],
        progress: Callable[[int], None] = lambda _: None,
    ) -> Iterator[Event | None]:
        """Record feedback in a transaction that is open; iterates as `feedback` returns, one by one.

        `batch` is read while it is recorded. `progress` is called now and then with how many were.
        """
        position = 0
        remaining = iter(batch)
        while some := list(islice(remaining, _AHEAD)):
            _announce(transaction, some)
            for feedback in some:
                yield self._feedback(transaction, feedback, samples, position)
                position += 1
            progress(position)

    def retract(self, user: UserTransaction, event_ids: Sequence[str]) -> None:
        """Append that events are not in effect any more, to a user whom they left no trace in."""
        self._append(user, Event("retracted", self.now(), retracts=tuple(event_ids)))

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
            timestamp=feedback.timestamp or now,
            strength=None if track is None else feedback.strength,
            features=None if track is None else features_of(track),
            extra=feedback.extra,
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
    given = feedback.track_id, feedback.interaction_type, feedback.rating, feedback.timestamp or known.timestamp
    if (known.track_id, known.type, known.rating, known.timestamp) == given:
        return True
    raise FeedbackError(
        f"event_id {shown(feedback.event_id)} was used before for another event: "
        f"{known.type} of {shown(known.track_id)} at {known.timestamp}",
        position=position,
    )


# ---- what an event does ----------------------------------------------------------------------------------------------


def take_effect(
    event: Event,
    user: UserTransaction,
    learners: Sequence[Registered[Learner]],
    report: Report,
    *,
    replayed: bool = False,
) -> None:
    """Write what an event does to weights, scalars, learned state and `updated_at`, which moves forward.

    Learners hear of everything but the creation of the user, which is no experience, and of retractions, which take
    one back. One that fails is reported, and its state stays as it was before this event.
    """
    if event.kind == "created":
        apply_event(event, user, replayed=replayed)
        return
    if event.kind == "retracted":
        touch(event, user)
        return
    updated_at = next_timestamp(user.updated_at, event.timestamp)
    apply_event(event, user, replayed=replayed)
    for learner in learners:
        _learn(learner, event, user, report)
    if not event.changes or all(change.field != "updated_at" for change in event.changes):
        user.put_scalar("updated_at", updated_at)


def touch(event: Event, user: UserTransaction) -> None:
    """Move `updated_at` forward: all that is left of an event that was retracted, and all that a retraction writes.

    So it moved whenever something was recorded, and the log says the same as what was stored at that time.
    """
    user.put_scalar("updated_at", next_timestamp(user.updated_at, event.timestamp))


def _learn(learner: Registered[Learner], event: Event, user: UserTransaction, report: Report) -> None:
    """Write the new states of one learner; none, and a report, if it fails."""
    name = learner.name
    # Written when all keys are learned: a learner that fails at its second key leaves no half of an event behind.
    learned: dict[str, Any] = {}
    try:
        event = _unshared(event)  # it is stored after the learners saw it
        learn = learner.value.learn
        for given in several(answer(learner.value.keys, event), MOST_KEYS):
            key = _checked_key(given)
            learned[key] = plain(answer(learn, _state(user, name, key), event, key))
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
        report(learner.origin, f"learner {name}", fault_in(error))
        return
    for key, state in learned.items():
        user.put_state(name, key, state)


def _unshared(event: Event) -> Event:
    known = event.interaction
    if known is not None:
        extra = copied(dict(known.extra))  # its own even if it is empty: it could be added to
        known = Interaction(
            known.track_id, known.type, known.rating, known.timestamp, known.strength, known.features, extra
        )
    changes = tuple([Change(change.field, change.name, copied(change.value)) for change in event.changes])
    return Event(event.kind, event.timestamp, known, changes, event.event_id, event.position)


def _state(user: UserTransaction, learner: str, key: str) -> Any:
    with store_errors_pass:
        return user.state(learner, key)


def _checked_key(key: object) -> str:
    if type(key) is str and key.isascii():
        return key
    key = own_text(key)
    if not isinstance(key, str) or not is_storable(key):
        raise BrokenContractError(f"the keys of a learner's state must be text, got {shown(key)}")
    return key


FIELDS = ("user_id", "track_id", "interaction_type", "rating", "event_id", "timestamp")
_KNOWN = frozenset(FIELDS)
_REQUIRED = frozenset(FIELDS[:3])


@attrs.frozen(kw_only=True)
class Feedback:
    """One valid feedback.

    `strength` is what its type or rating moves weights by; `timestamp` says when it happened, None for now; `extra` is
    plain data that is kept with the interaction.
    """

    user_id: str
    track_id: str
    interaction_type: str
    rating: float | None
    event_id: str | None
    strength: float
    timestamp: str | None = None
    extra: Mapping[str, Any] = attrs.field(factory=dict)


# A device whose clock is wrong says what is hardly there yet; later than this, it is nonsense that would hide a track
# from "heard within 7 days" for as long as it is ahead.
MOST_AHEAD = timedelta(days=1)

Clock = Callable[[], datetime]


def checked_feedback(
    values: Any, types: Mapping[str, InteractionType], clock: Clock, position: int | None = None
) -> Feedback:
    """Return a valid feedback made of a mapping with the names of `record_feedback`'s parameters.

    Raises `FeedbackError`, with the position in the batch where there is one.
    """
    try:
        return valid_feedback(types, clock=clock, **_arguments(values))
    except FeedbackError as error:
        place = "" if position is None else f"event at position {position}: "
        raise FeedbackError(place + str(error), position=position) from None


def valid_feedback(
    types: Mapping[str, InteractionType],
    user_id: Any,
    track_id: Any,
    interaction_type: Any,
    rating: Any = None,
    *,
    clock: Clock,
    event_id: Any = None,
    timestamp: Any = None,
) -> Feedback:
    """Return a valid feedback of one of these types; raises `FeedbackError` for any other value."""
    kind = _known_type(interaction_type, types)
    try:
        number = None if rating is None else unit_number(rating, "rating")
        return Feedback(
            user_id=checked_user_id(user_id),
            track_id=checked_text(track_id, "track_id"),
            interaction_type=kind.name,
            rating=number,
            event_id=None if event_id is None else checked_text(event_id, "event_id"),
            strength=kind.strength if number is None else rating_strength(number),
            timestamp=None if timestamp is None else _past(timestamp, clock),
        )
    except ProfileError as error:
        raise FeedbackError(str(error)) from None


def _past(value: Any, clock: Clock) -> str:
    """Return when something happened, no more than `MOST_AHEAD` of the clock."""
    moment = checked_moment(value, "timestamp")
    now = clock()
    if moment > timestamp(now + MOST_AHEAD):
        raise ProfileError(
            f"timestamp must not be more than a day ahead of the clock, which says {timestamp(now)}, got {moment}"
        )
    return moment


def _arguments(values: Any) -> Mapping[str, Any]:
    given = mapping_of(values)
    if given is None:
        raise FeedbackError(f"expected a mapping with {', '.join(FIELDS[:3])}, got {shown(values)}")
    if not _REQUIRED <= given.keys() <= _KNOWN:
        _refuse_keys(given)
    return given


def _refuse_keys(values: Mapping[Any, Any]) -> None:
    for key in values:
        if text_of(key) not in FIELDS:
            raise FeedbackError(f"unknown key {shown(key)}{did_you_mean(key, FIELDS)}")
    for key in FIELDS[:3]:
        if key not in values:
            raise FeedbackError(f"{key} is missing")


def _known_type(name: Any, types: Mapping[str, InteractionType]) -> InteractionType:
    known = types.get(text_of(name) or "")
    if known is not None:
        return known
    hint = did_you_mean(name, types)
    raise FeedbackError(f"unknown interaction_type {shown(name)}{hint or ';'} the types are {', '.join(types)}")
