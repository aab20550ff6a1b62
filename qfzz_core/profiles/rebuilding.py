"""Holding what is stored of a user against the log, and making it what the log says."""

from __future__ import annotations

from qfzz_core.contracts.stores import UserRecord
from qfzz_core.errors import ProfileError, StoreCorruptError
from qfzz_core.profiles.recorder import Recorder
from qfzz_core.profiles.replay import Replayed, States, differences, replayed, write_replayed

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
