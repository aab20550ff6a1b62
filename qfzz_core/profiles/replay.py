"""Replaying a user's log: the same events give the same numbers, whatever became of the catalogue since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, takewhile
from typing import Any

from qfzz_core.contracts.learners import Learner
from qfzz_core.contracts.stores import KeepsLatest, Store, UserRecord, UserTransaction
from qfzz_core.errors import ProfileError, RequestError, StoreCorruptError, shown
from qfzz_core.model.events import Event
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.model.weights import WEIGHT_FIELDS
from qfzz_core.plugins.faults import Report
from qfzz_core.plugins.registry import Registered
from qfzz_core.profiles.recorder import Recorder, take_effect, touch
from qfzz_core.storage.latest import note_interaction
from qfzz_core.storage.user_unit import UserUnit

States = Mapping[tuple[str, str], Any]  # by (learner, key)

_SCALARS = ("energy_level", "tempo_preference", "discovery_factor", "updated_at")


class ReplayedUser(UserUnit):
    """What a log says of a user: a unit of work for which nothing is fetched, and of which nothing is written.

    `last_position` is that of the last event, and `types` are those of all interactions, retracted ones too.
    """

    def __init__(self) -> None:
        super().__init__("", None)
        self.last_position = 0
        self.types: set[str] = set()

    def next_serial(self) -> int:
        """Return a serial of nobody."""
        return 0

    def place_event(self, event: Event) -> tuple[int, Event]:
        """Return the event as it is: it has its position already."""
        return event.position, event

    def fetch_event(self, event_id: str) -> None:
        """Return no event: there is no store behind it."""


def replayed(
    events: Iterable[Event], learners: Sequence[Registered[Learner]], report: Report, retracted: set[str]
) -> ReplayedUser | None:
    """Return what the events make of a new user; None if the first of them does not create the user.

    `retracted` are ids of events that are not in effect. The ids that a later event retracts are added; if there were
    any, what is returned is wrong, and the log has to be replayed again.
    """
    log = iter(events)
    created = next(log, None)
    if created is None or created.kind != "created":
        return None
    user = ReplayedUser()
    user.create(created.timestamp)
    known = len(retracted)
    for event in chain([created], log):
        retracted.update(event.retracts)
        if len(retracted) == known:  # else nothing is of use any more but what else is retracted
            _replay(event, user, learners, report, event.event_id in retracted)
    return user


def _replay(
    event: Event, user: ReplayedUser, learners: Sequence[Registered[Learner]], report: Report, is_retracted: bool
) -> None:
    user.last_position = event.position
    if event.interaction is not None:
        user.types.add(event.interaction.type)
    if is_retracted:
        touch(event, user)
        return
    take_effect(event, user, learners, report, replayed=True)
    if event.interaction is not None:
        note_interaction(user.put_latest, event.interaction, event.position)


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
    rows = store.latest_interactions(user_id, said.types)
    stored = {(name, track_id): numbers for name, track_id, *numbers in rows}
    differing = Counter(
        key[0]
        for key in {*stored, *said.put_latest}
        if stored.get(key, [0])[0] <= said.last_position and stored.get(key) != [*said.put_latest.get(key, ())]
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

NO_BEGINNING = "the log does not begin with the creation of the user, so it does not say what should be stored"


Progress = Callable[[int], None]  # called now and then with the number of events replayed so far
_PROGRESS_STEP = 1_000  # events, which take some 15 ms


def checked_progress(progress: Any) -> Progress | None:
    """Return what is called with the number of events; raises `RequestError` for what cannot be called."""
    if progress is not None and not callable(progress):
        raise RequestError(f"progress must be a function of a number, got {shown(progress)}")
    called: Progress | None = progress
    return called


def check_log(recorder: Recorder, user_id: str, progress: Progress | None = None) -> list[str]:
    """Return in sentences where what is stored of a user differs from what the log says.

    Looks at one consistent view and waits for nobody. Raises `ProfileError` for an unknown user.
    """
    store = recorder.store
    while True:
        profile, states, said = view(recorder, user_id, set(), progress)
        if said is None:
            return [NO_BEGINNING]
        latest = _of_latest(store, user_id, said)
        if not latest or not _retracts(store.events(user_id, newest_first=True), said.last_position):
            return differences(profile, states, said) + latest


def rebuild(recorder: Recorder, user_id: str, progress: Progress | None = None) -> list[str]:
    """Make what is stored of a user what the log says, and return in sentences what was different.

    The user is locked meanwhile, so that no feedback is lost; where nothing was different, nothing is written.
    Raises `ProfileError` for an unknown user and `StoreCorruptError` for a log without its beginning.
    """
    with recorder.store.transaction([user_id]) as transaction:
        profile, states, said = view(recorder, user_id, set(), progress)
        if said is None:
            raise StoreCorruptError(f"{shown(user_id)} cannot be rebuilt: {NO_BEGINNING}")
        found = differences(profile, states, said)
        if found:
            write_replayed(transaction.user(user_id), states, said)
        latest = _of_latest(recorder.store, user_id, said)
        if latest:
            replace_latest(transaction.user(user_id), said)
    return found + latest


def replace_latest(user: UserTransaction, said: ReplayedUser) -> None:
    """Replace the latest interactions that a store `KeepsLatest` by what the log says."""
    user.replace_latest(said.put_latest)  # type: ignore[attr-defined]


View = tuple[ProfileSnapshot, States, ReplayedUser | None]  # what is stored at one moment, and what the log says then


def view(recorder: Recorder, user_id: str, retracted: set[str], progress: Progress | None = None) -> View:
    """Return what is stored of a user and what the log says, without `retracted` and whatever else it retracts.

    A log without retractions is read once. Raises `ProfileError` for an unknown user.
    """
    while True:
        record = _record(recorder, user_id)
        states, known = _states(recorder, record), len(retracted)
        events = record.events if progress is None else _counted(record.events, progress)
        said = replayed(events, recorder.learners, recorder.report, retracted)
        if len(retracted) == known:
            return record.profile, states, said


def _retracts(newest_first: Iterable[Event], end: int) -> bool:
    """Return whether anything was retracted after a position."""
    return any(event.retracts for event in takewhile(lambda event: event.position > end, newest_first))


def _record(recorder: Recorder, user_id: str) -> UserRecord:
    record = recorder.store.record(user_id)
    if record is None:
        raise ProfileError(f"there is no user {shown(user_id)}")
    return record


def _states(recorder: Recorder, record: UserRecord) -> States:
    """Return what the active learners keep; what others kept is nobody's to judge."""
    names = {learner.name for learner in recorder.learners}
    return {(learner, key): state for learner, key, state in record.states if learner in names}


def _counted(events: Iterable[Event], progress: Progress) -> Iterator[Event]:
    for count, event in enumerate(events, start=1):
        yield event
        if count % _PROGRESS_STEP == 0:
            progress(count)
