"""Moving what stores hold: from one store to another, and users to JSON documents and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs

from qfzz_core.contracts.stores import Store, UserRecord
from qfzz_core.errors import ProfileError, StoreError
from qfzz_core.model.events import FURTHER_FEATURES, STORED_FEATURES, Event, in_effect
from qfzz_core.model.profiles import PREFERENCE_FIELDS, ProfileSnapshot, UserProfile
from qfzz_core.model.tracks import Track
from qfzz_core.storage.records import write_record
from qfzz_core.storage.user_documents import PROFILE_FORMAT, PROFILE_VERSION, record_from_document

__all__ = ["Copied", "copy_store", "profile_document", "record_from_document", "restore_user"]

_PROGRESS_STEP = 1_000  # tracks


@attrs.frozen
class Copied:
    """How many users and tracks were copied, so far or in all."""

    users: int = 0
    tracks: int = 0


def copy_store(
    source: Store, target: Store, *, replace: bool = False, progress: Callable[[Copied], None] | None = None
) -> Copied:
    """Copy all users and tracks into another store, in one transaction there, and return how many they were.

    Afterwards both give the same lists for the same seed, samples included. Both are read and written as streams. Each
    user is one consistent view, the catalogue another: let nobody write to the source meanwhile. `progress` is
    called now and then.

    Raises `StoreNotEmptyError` for a target that has users or ever held a track, unless `replace` is given, and
    `StoreError` if both are the same store. If anything is raised, the target is as it was.
    """
    if source is target or (source.shared and target.shared and source.name == target.name):
        raise StoreError(f"{source.name} cannot be copied onto itself; name two different stores")
    copying = _Copying(source, progress or (lambda _: None))
    target.load(
        copying.users(),
        copying.tracks(),
        empty_first=replace,
        only_if_new=not replace,
        held_tracks=copying.held_tracks,
    )
    return copying.done


def restore_user(store: Store, record: UserRecord, *, replace: bool = False) -> None:
    """Put a recorded user into a store, replacing the user who has the id if `replace` is given.

    Raises `ProfileError` if somebody has the id otherwise; if anything is raised, nothing has changed.
    """
    if replace:
        store.load([record])
        return
    user_id = record.profile.user_id
    with store.transaction([user_id]) as transaction:
        if transaction.user(user_id).exists:
            raise ProfileError(f"there is a user {user_id!r} already; --replace puts the import in their place")
        write_record(transaction.user(user_id), record)


class _Copying:
    """Reads a store and counts what was read."""

    def __init__(self, source: Store, progress: Callable[[Copied], None]) -> None:
        self._source = source
        self._progress = progress
        self._changes = source.catalogue_since(None)
        self.held_tracks = self._changes.token.counter > 0
        self.done = Copied()

    def users(self) -> Iterator[UserRecord]:
        for user_id in self._source.user_ids():
            record = self._source.record(user_id)
            if record is not None:
                yield record
                self._notify(Copied(self.done.users + 1))

    def tracks(self) -> Iterator[Track]:
        count = 0
        for count, (_, track) in enumerate(self._changes.written, start=1):
            yield track
            if count % _PROGRESS_STEP == 0:
                self._notify(Copied(self.done.users, count))
        self._notify(Copied(self.done.users, count))

    def _notify(self, done: Copied) -> None:
        self.done = done
        self._progress(done)


def profile_document(record: UserRecord) -> dict[str, Any]:
    """Return everything held of a user in plain types, for `json.dumps`; `record_from_document` is the inverse.

    That is the profile as `UserProfile.to_dict` gives it, the whole log, and the learned state by learner and key,
    that of plugins which are not there any more included.
    """
    events = list(record.events)
    learned: dict[str, dict[str, Any]] = {}
    for learner, key, state in record.states:
        learned.setdefault(learner, {})[key] = state
    return {
        "format": PROFILE_FORMAT,
        "version": PROFILE_VERSION,
        "profile": _profile(record.profile, events).to_dict(),
        "events": [_event(event) for event in events],
        "learned": learned,
    }


def _event(event: Event) -> dict[str, Any]:
    fields = attrs.asdict(event)
    retracts = fields.pop("retracts")
    if retracts:
        fields["retracts"] = list(retracts)
    if event.interaction is not None:
        names = {name: STORED_FEATURES if name == "features" else name for name in fields["interaction"]}
        fields["interaction"] = {names[name]: value for name, value in fields["interaction"].items()}
        features = fields["interaction"][STORED_FEATURES]
        for name in FURTHER_FEATURES if features else ():
            further = features.pop(name)
            if further:  # versions that know none read a document without them
                features[name] = list(further)
    return fields


def _profile(snapshot: ProfileSnapshot, events: Sequence[Event]) -> UserProfile:
    shown = [event.interaction for event in in_effect(reversed(events)) if event.interaction is not None]
    history = [interaction.to_dict() for interaction in reversed(shown)]
    fields = {field: getattr(snapshot, field) for field in (*PREFERENCE_FIELDS, "user_id", "created_at", "updated_at")}
    return UserProfile(**fields, interaction_history=history)
