"""Replaying a user's log: the same events give the same numbers, whatever became of the catalogue since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from qfzz_core.contracts.learners import Learner
from qfzz_core.contracts.stores import KeepsLatest, Store, UserRecord, UserTransaction
from qfzz_core.errors import ProfileError, StoreCorruptError, shown
from qfzz_core.model.events import Event
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.model.weights import WEIGHT_FIELDS
from qfzz_core.plugins.faults import Report
from qfzz_core.plugins.registry import Registered
from qfzz_core.profiles.recorder import Recorder, take_effect
from qfzz_core.storage.latest import note_interaction
from qfzz_core.storage.user_unit import UserUnit

States = Mapping[tuple[str, str], Any]  # by (learner, key)

_SCALARS = ("energy_level", "tempo_preference", "discovery_factor", "updated_at")


class ReplayedUser(UserUnit):
    """What a log says of a user: a unit of work for which nothing is fetched, and of which nothing is written."""

    def next_serial(self) -> int:
        """Return a serial of nobody."""
        return 0

    def place_event(self, event: Event) -> tuple[int, Event]:
        """Return the event as it is: it has its position already."""
        return event.position, event

    def fetch_event(self, event_id: str) -> None:
        """Return no event: there is no store behind it."""


def replayed(events: Iterable[Event], learners: Sequence[Registered[Learner]], report: Report) -> ReplayedUser | None:
    """Return what the events make of a new user; None if the first of them does not create the user."""
    log = iter(events)
    created = next(log, None)
    if created is None or created.kind != "created":
        return None
    user = ReplayedUser("", None)
    user.create(created.timestamp)
    for event in chain([created], log):
        take_effect(event, user, learners, report, replayed=True)
        if event.interaction is not None:
            note_interaction(user.put_latest, event.interaction, event.position)
    return user


def differences(stored: ProfileSnapshot, states: States, user: ReplayedUser) -> list[str]:
    """Return in sentences where what is stored differs from what the log says; nothing if it does not."""
    said, learned = user.snapshot(), user.all_states()
    found = [sentence for field in WEIGHT_FIELDS for sentence in _of_weights(field, stored, said)]
    compared = [(field, getattr(stored, field), getattr(said, field)) for field in _SCALARS]
    compared += [
        (f"{learner} of {key!r}", states.get((learner, key)), learned.get((learner, key)))
        for learner, key in sorted({*states, *learned})
    ]
    return found + [_sentence(what, before, after) for what, before, after in compared if before != after]


def _of_weights(field: str, stored: ProfileSnapshot, said: ProfileSnapshot) -> Iterator[str]:
    before, after = dict(getattr(stored, field)), dict(getattr(said, field))
    for name in {**after, **before}:
        if before.get(name) != after.get(name):
            yield _sentence(f"{field}, {name!r}", before.get(name), after.get(name))
    if before == after and list(before) != list(after):
        yield f"{field}: the names are not in the order of the log"


def _sentence(what: str, before: Any, after: Any) -> str:
    stored, said = ("nothing" if value is None else repr(value) for value in (before, after))
    return f"{what}: {stored} is stored, the log says {said}"


def _of_latest(store: Store, user_id: str, said: ReplayedUser) -> list[str]:
    """Return in sentences where the latest interactions differ; what was recorded meanwhile is no difference."""
    if not isinstance(store, KeepsLatest):
        return []
    rows = store.latest_interactions(user_id, {name for name, _ in said.put_latest})
    stored = {(name, track_id): numbers for name, track_id, *numbers in rows}
    end = max((position for position, _ in said.put_latest.values()), default=0)
    differing = Counter(
        key[0]
        for key in {*stored, *said.put_latest}
        if stored.get(key, [0])[0] <= end and stored.get(key) != [*said.put_latest.get(key, ())]
    )
    return [f"latest interactions, {name!r}: {n} tracks differ from the log" for name, n in sorted(differing.items())]


def write_replayed(stored: UserTransaction, states: States, user: ReplayedUser) -> None:
    """Replace what is stored by what the log says."""
    said, learned = user.snapshot(), user.all_states()
    for field in WEIGHT_FIELDS:
        stored.clear_weights(field)
        for name, weight in getattr(said, field).items():
            stored.put_weight(field, name, weight)
    for field in _SCALARS:
        stored.put_scalar(field, getattr(said, field))
    for place in sorted({*states, *learned}):
        stored.put_state(*place, learned.get(place))


# ---- the log held against what is stored ----------------------------------------------------------------------------

_NO_BEGINNING = "the log does not begin with the creation of the user, so it does not say what should be stored"


Progress = Callable[[int], None]  # called now and then with the number of events replayed so far
_PROGRESS_STEP = 1_000  # events, which take some 15 ms


def check_log(recorder: Recorder, user_id: str, progress: Progress | None = None) -> list[str]:
    """Return in sentences where what is stored of a user differs from what the log says.

    Looks at one consistent view and waits for nobody. Raises `ProfileError` for an unknown user.
    """
    record = _record(recorder, user_id)
    states = _states(recorder, record)
    book = _book(recorder, record, progress)
    if book is None:
        return [_NO_BEGINNING]
    return differences(record.profile, states, book) + _of_latest(recorder.store, user_id, book)


def rebuild(recorder: Recorder, user_id: str, progress: Progress | None = None) -> list[str]:
    """Make what is stored of a user what the log says, and return in sentences what was different.

    The user is locked meanwhile, so that no feedback is lost; where nothing was different, nothing is written.
    Raises `ProfileError` for an unknown user and `StoreCorruptError` for a log without its beginning.
    """
    with recorder.store.transaction([user_id]) as transaction:
        record = _record(recorder, user_id)
        states = _states(recorder, record)
        book = _book(recorder, record, progress)
        if book is None:
            raise StoreCorruptError(f"{shown(user_id)} cannot be rebuilt: {_NO_BEGINNING}")
        found = differences(record.profile, states, book)
        if found:
            write_replayed(transaction.user(user_id), states, book)
        latest = _of_latest(recorder.store, user_id, book)
        if latest:
            transaction.user(user_id).replace_latest(book.put_latest)  # type: ignore[attr-defined]
    return found + latest


def _record(recorder: Recorder, user_id: str) -> UserRecord:
    record = recorder.store.record(user_id)
    if record is None:
        raise ProfileError(f"there is no user {shown(user_id)}")
    return record


def _states(recorder: Recorder, record: UserRecord) -> States:
    """Return what the active learners keep; what others kept is nobody's to judge."""
    names = {learner.name for learner in recorder.learners}
    return {(learner, key): state for learner, key, state in record.states if learner in names}


def _book(recorder: Recorder, record: UserRecord, progress: Progress | None) -> ReplayedUser | None:
    events = record.events if progress is None else _counted(record.events, progress)
    return replayed(events, recorder.learners, recorder.report)


def _counted(events: Iterable[Event], progress: Progress) -> Iterator[Event]:
    for count, event in enumerate(events, start=1):
        yield event
        if count % _PROGRESS_STEP == 0:
            progress(count)
