"""Replaying a user's log: the same events give the same numbers, whatever became of the catalogue since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from qfzz_core.contracts.learners import Learner
from qfzz_core.contracts.stores import UserRecord, UserTransaction
from qfzz_core.errors import ProfileError, StoreCorruptError
from qfzz_core.model.events import Event
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.model.weights import WEIGHT_FIELDS
from qfzz_core.plugins.faults import Report
from qfzz_core.plugins.registry import Registered
from qfzz_core.profiles.recorder import Recorder, take_effect

States = Mapping[tuple[str, str], Any]  # by (learner, key)

_SCALARS = ("energy_level", "tempo_preference", "discovery_factor", "updated_at")


@attrs.define
class Replayed:
    """What a log says of a user: weights by field, scalars, and learned state by (learner, key)."""

    weights: dict[str, dict[str, float]] = attrs.field(factory=lambda: {field: {} for field in WEIGHT_FIELDS})
    scalars: dict[str, Any] = attrs.field(factory=dict)
    states: dict[tuple[str, str], Any] = attrs.field(factory=dict)
    _spellings: dict[tuple[str, str], str] = attrs.field(factory=dict)

    @property
    def updated_at(self) -> str:
        """When the profile was changed last."""
        return str(self.scalars["updated_at"])

    def weight(self, field: str, name: str) -> tuple[str, float] | None:
        """Return the spelling and weight of a name."""
        spelling = self._spellings.get((field, WEIGHT_FIELDS[field](name)))
        return None if spelling is None else (spelling, self.weights[field][spelling])

    def put_weight(self, field: str, name: str, weight: float) -> None:
        """Set a weight under the spelling that is there, else last in the mapping."""
        self.weights[field][self._spellings.setdefault((field, WEIGHT_FIELDS[field](name)), name)] = weight

    def drop_weight(self, field: str, name: str) -> None:
        """Remove a name."""
        spelling = self._spellings.pop((field, WEIGHT_FIELDS[field](name)), None)
        if spelling is not None:
            del self.weights[field][spelling]

    def clear_weights(self, field: str) -> None:
        """Remove all names of a field."""
        for name in list(self.weights[field]):
            self.drop_weight(field, name)

    def put_scalar(self, field: str, value: Any) -> None:
        """Set a scalar."""
        self.scalars[field] = value

    def state(self, learner: str, key: str) -> Any:
        """Return a learner's state under a key, None if there is none."""
        return self.states.get((learner, key))

    def put_state(self, learner: str, key: str, state: Any) -> None:
        """Set a learner's state under a key; None removes it."""
        if state is None:
            self.states.pop((learner, key), None)
        else:
            self.states[learner, key] = state


def replayed(events: Iterable[Event], learners: Sequence[Registered[Learner]], report: Report) -> Replayed | None:
    """Return what the events make of a new user; None if the first of them does not create the user."""
    log = iter(events)
    created = next(log, None)
    if created is None or created.kind != "created":
        return None
    default = ProfileSnapshot(user_id="", updated_at=created.timestamp)
    book = Replayed(scalars={field: getattr(default, field) for field in _SCALARS})
    take_effect(created, book, learners, report)
    for event in log:
        take_effect(event, book, learners, report)
    return book


def differences(stored: ProfileSnapshot, states: States, book: Replayed) -> list[str]:
    """Return in sentences where what is stored differs from what the log says; nothing if it does not."""
    found = [sentence for field in WEIGHT_FIELDS for sentence in _of_weights(field, stored, book)]
    for field in _SCALARS:
        before, after = getattr(stored, field), book.scalars[field]
        if before != after:
            found.append(_sentence(field, before, after))
    for learner, key in sorted({*states, *book.states}):
        before, after = states.get((learner, key)), book.state(learner, key)
        if before != after:
            found.append(_sentence(f"{learner} of {key!r}", before, after))
    return found


def _of_weights(field: str, stored: ProfileSnapshot, book: Replayed) -> Iterator[str]:
    before, after = dict(getattr(stored, field)), book.weights[field]
    for name in {**after, **before}:
        if before.get(name) != after.get(name):
            yield _sentence(f"{field}, {name!r}", before.get(name), after.get(name))
    if before == after and list(before) != list(after):
        yield f"{field}: the names are not in the order of the log"


def _sentence(what: str, before: Any, after: Any) -> str:
    stored, said = ("nothing" if value is None else repr(value) for value in (before, after))
    return f"{what}: {stored} is stored, the log says {said}"


def write_replayed(user: UserTransaction, states: States, book: Replayed) -> None:
    """Write what the log says in the place of what is stored."""
    for field in WEIGHT_FIELDS:
        user.clear_weights(field)
        for name, weight in book.weights[field].items():
            user.put_weight(field, name, weight)
    for field in _SCALARS:
        user.put_scalar(field, book.scalars[field])
    for learner, key in sorted({*states, *book.states}):
        user.put_state(learner, key, book.state(learner, key))


# ---- the log held against what is stored ----------------------------------------------------------------------------

_NO_BEGINNING = "the log does not begin with the creation of the user, so it does not say what should be stored"


def check_log(recorder: Recorder, user_id: str) -> list[str]:
    """Return in sentences where what is stored of a user differs from what the log says.

    Looks at one consistent view and waits for nobody. Raises `ProfileError` for an unknown user.
    """
    record = _record(recorder, user_id)
    states = _states(recorder, record)
    book = _book(recorder, record)
    return [_NO_BEGINNING] if book is None else differences(record.profile, states, book)


def rebuild(recorder: Recorder, user_id: str) -> list[str]:
    """Make what is stored of a user what the log says, and return in sentences what was different.

    The user is locked meanwhile, so that no feedback is lost; where nothing was different, nothing is written.
    Raises `ProfileError` for an unknown user and `StoreCorruptError` for a log without its beginning.
    """
    with recorder.store.transaction([user_id]) as transaction:
        record = _record(recorder, user_id)
        states = _states(recorder, record)
        book = _book(recorder, record)
        if book is None:
            raise StoreCorruptError(f"{user_id!r} cannot be rebuilt: {_NO_BEGINNING}")
        found = differences(record.profile, states, book)
        if found:
            write_replayed(transaction.user(user_id), states, book)
    return found


def _record(recorder: Recorder, user_id: str) -> UserRecord:
    record = recorder.store.record(user_id)
    if record is None:
        raise ProfileError(f"there is no user {user_id!r}")
    return record


def _states(recorder: Recorder, record: UserRecord) -> States:
    """Return what the active learners keep; what others kept is nobody's to judge."""
    names = {learner.value.name for learner in recorder.learners}
    return {(learner, key): state for learner, key, state in record.states if learner in names}


def _book(recorder: Recorder, record: UserRecord) -> Replayed | None:
    return replayed(record.events, recorder.learners, recorder.report)
