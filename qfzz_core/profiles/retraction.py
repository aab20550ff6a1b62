"""Taking events back: what is stored becomes what the log says without them, and the log says that it is so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet

from qfzz_core.contracts.stores import KeepsLatest, Store, UserTransaction
from qfzz_core.errors import StoreCorruptError, shown
from qfzz_core.model.events import Event
from qfzz_core.model.tracks import Track
from qfzz_core.profiles.recorder import Feedback, Recorder
from qfzz_core.profiles.replay import NO_BEGINNING, replace_latest, view, write_replayed

_FEW = 100  # event ids; looking up so many takes as long as reading some 1,000 events


def replace(
    recorder: Recorder,
    user_id: str,
    event_ids: Iterable[str],
    batch: Iterable[Feedback] = (),
    samples: Callable[[], Mapping[str, Track]] = dict,
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[list[str], list[Event | None]]:
    """Retract events of a user and record feedback of the same user, in one transaction.

    `batch` is read while it is recorded, and `progress` called now and then with how many of it were. Returns the ids
    that were retracted, without those that are unknown or were retracted before, and what `Recorder.feedback` returns.
    Raises what that raises, and `StoreCorruptError` for a log without its beginning.
    """
    with recorder.store.transaction([user_id]) as transaction:
        retracted = _retract(recorder, transaction.user(user_id), user_id, event_ids)
        return retracted, list(recorder.recorded(transaction, batch, samples, progress))


def _retract(recorder: Recorder, user: UserTransaction, user_id: str, event_ids: Iterable[str]) -> list[str]:
    wanted, retracted = _found(recorder.store, user, user_id, event_ids)
    if wanted:
        _, states, said = view(recorder, user_id, {*wanted, *retracted})
        if said is None:
            raise StoreCorruptError(f"nothing of {shown(user_id)} can be retracted: {NO_BEGINNING}")
        write_replayed(user, states, said)
        if isinstance(recorder.store, KeepsLatest):
            replace_latest(user, said)
        recorder.retract(user, wanted)
    return wanted


def _found(
    store: Store, user: UserTransaction, user_id: str, event_ids: Iterable[str]
) -> tuple[list[str], AbstractSet[str]]:
    """Return which interactions of these ids are in effect, and what was retracted after the first of them."""
    wanted, retracted = {*event_ids} if user.exists else set(), set[str]()
    if len(wanted) <= _FEW:  # so that the log is not read for an id that nothing has
        wanted = {event_id for event_id in wanted if user.find_event(event_id) is not None}
    found = []
    for event in store.events(user_id, newest_first=True) if wanted else ():
        retracted.update(event.retracts)
        if event.event_id in wanted:
            wanted.discard(event.event_id)
            if event.interaction is not None and event.event_id not in retracted:
                found.append(event.event_id)
        if not wanted:
            break
    return found[::-1], retracted
