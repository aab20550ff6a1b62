"""Live profiles: objects that show a stored profile, and through which every change is one durable operation."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from itertools import islice
from typing import Any
from weakref import WeakValueDictionary

from qfzz_core.contracts.stores import Store
from qfzz_core.errors import ProfileError
from qfzz_core.model.events import SHOWN_INTERACTIONS, Change, Interaction, in_effect
from qfzz_core.model.forks import RenewedLock
from qfzz_core.model.profiles import PREFERENCE_FIELDS, ProfileSnapshot, UserProfile, checked_interaction
from qfzz_core.model.weights import WEIGHT_FIELDS, Weights
from qfzz_core.profiles.latest import LatestCache
from qfzz_core.profiles.recorder import Recorder

# A snapshot of 48 names takes 1.5 KB, so these take 1.5 MB. Checking a kept one takes 7 microseconds, reading it from
# SQLite 123.
KEPT_SNAPSHOTS = 1_024


def shown_history(store: Store, user_id: str) -> list[dict[str, Any]]:
    """Return a user's last interactions as dictionaries, oldest first, at most 1,000."""
    events = in_effect(store.events(user_id, newest_first=True))
    newest = (event.interaction.to_dict() for event in events if event.interaction is not None)
    return list(islice(newest, SHOWN_INTERACTIONS))[::-1]


class _Stored(UserProfile):
    """A profile whose history is read from the log when it is asked for."""

    _store: Store

    @classmethod
    def showing(cls, snapshot: ProfileSnapshot, **attributes: Any) -> Any:
        """Return a profile that shows a snapshot."""
        profile = cls.__new__(cls)
        profile.__dict__.update(attributes)
        for field in ("user_id", "created_at"):
            profile.__dict__[field] = getattr(snapshot, field)
        for field in WEIGHT_FIELDS:
            profile.__dict__[field] = Weights(field, {}, profile._commit)
        profile._show(snapshot)
        return profile

    def _show(self, snapshot: ProfileSnapshot) -> None:
        for field in PREFERENCE_FIELDS:
            if field in WEIGHT_FIELDS:
                self.__dict__[field]._show(getattr(snapshot, field))
            else:
                self.__dict__[field] = getattr(snapshot, field)
        self.__dict__["updated_at"] = snapshot.updated_at

    @property
    def interaction_history(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The last 1,000 interactions, oldest first: a new list, read from the log."""
        return shown_history(self._store, self.user_id)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "interaction_history":
            raise ProfileError("interaction_history is read from the log; use add_interaction to add to it")
        super().__setattr__(name, value)


class LiveProfile(_Stored):
    """A profile that a DJ returned: every change is one transaction, and then the object shows it."""

    _recorder: Recorder
    _lock: RenewedLock
    revision: tuple[int, int]  # that is shown

    def add_interaction(self, interaction: dict[str, Any]) -> None:
        """Add an interaction to the log; nothing is learned from it. Raises `ProfileError` if it is not valid."""
        self._record([checked_interaction(interaction, self._recorder.now())])

    def _commit(self, changes: Sequence[Change]) -> None:
        self._record([changes])

    def _record(self, steps: Sequence[Sequence[Change] | Interaction]) -> None:
        self._recorder.edit(self.user_id, steps, self.serial)
        self.refresh()

    def refresh(self) -> None:
        """Show what is stored now, if it is another state of the same user."""
        with self._lock.held:  # so that of two threads none shows what the other has already replaced
            changed = self._store.revision(self.user_id) != self.revision
            snapshot = self._store.snapshot(self.user_id) if changed else None
            if snapshot is not None and snapshot.revision[0] == self.serial:
                self._show(snapshot)
                self.__dict__["revision"] = snapshot.revision

    @property
    def serial(self) -> int:
        """The serial of the user who is shown; a user created again after `forget` has another."""
        return self.revision[0]


class DraftProfile(_Stored):
    """What `edit` gives: a copy that collects changes, all of them committed at the end."""

    _steps: list[list[Change] | Interaction]
    _recorder: Recorder
    _ended: bool

    @property
    def interaction_history(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The last 1,000 interactions, those of this edit included."""
        added = [step.to_dict() for step in self._steps if isinstance(step, Interaction)]
        return [*shown_history(self._store, self.user_id), *added][-SHOWN_INTERACTIONS:]

    def add_interaction(self, interaction: dict[str, Any]) -> None:
        """Add an interaction, to be committed with the rest; nothing is learned from it."""
        self._refuse_if_ended()
        step = checked_interaction(interaction, self._recorder.now())
        self._touch()
        self._steps.append(step)

    def _commit(self, changes: Sequence[Change]) -> None:
        self._refuse_if_ended()
        super()._commit(changes)
        if self._steps and isinstance(self._steps[-1], list):
            self._steps[-1].extend(changes)
        else:
            self._steps.append(list(changes))

    def _refuse_if_ended(self) -> None:
        if self._ended:
            raise ProfileError("this edit has ended; begin another one, or change a profile that the DJ returned")

    def end(self) -> list[list[Change] | Interaction]:
        """Take no more changes, and return those that were made."""
        self.__dict__["_ended"] = True
        return self._steps


class Profiles:
    """The profiles of one engine: snapshots of recent users, and the live objects that somebody holds."""

    def __init__(self, store: Store, recorder: Recorder) -> None:
        self._store = store
        self._recorder = recorder
        self._lock = RenewedLock()  # held during no call of the store, which would keep all users waiting
        self._snapshots: OrderedDict[str, ProfileSnapshot] = OrderedDict()
        self.live: WeakValueDictionary[str, LiveProfile] = WeakValueDictionary()
        self.latest = LatestCache(store)

    def snapshot(self, user_id: str) -> ProfileSnapshot | None:
        """Return a user's profile as it is stored now, None for an unknown user; a held object then shows it."""
        # The revision is read first: a change between the two reads makes the snapshot newer than known, never older.
        revision = self._store.revision(user_id)
        with self._lock.held:
            known = self._snapshots.pop(user_id, None)
        if known is None or known.revision != revision:
            known = None if revision is None else self._store.snapshot(user_id)
        if known is not None:
            self._remember(known)
        return known

    def _remember(self, snapshot: ProfileSnapshot) -> None:
        with self._lock.held:
            self._snapshots[snapshot.user_id] = snapshot
            while len(self._snapshots) > KEPT_SNAPSHOTS:
                self._snapshots.popitem(last=False)
            held = self.live.get(snapshot.user_id)
        if held is not None and held.revision != snapshot.revision:
            held.refresh()

    def get(self, user_id: str) -> LiveProfile | None:
        """Return the live profile of a user, None for an unknown one; the same object while somebody holds it."""
        snapshot = self.snapshot(user_id)
        if snapshot is None:
            return None
        with self._lock.held:  # so that two threads make one object
            held = self.live.get(user_id)
            if held is None or held.serial < snapshot.revision[0]:
                own = {"_store": self._store, "_recorder": self._recorder, "_lock": RenewedLock()}
                held = self.live[user_id] = LiveProfile.showing(snapshot, revision=snapshot.revision, **own)
        if held.revision != snapshot.revision:  # another thread made it meanwhile, of what it had read before
            held.refresh()
        return held

    def draft(self, user_id: str) -> DraftProfile:
        """Return a copy of a user's profile that collects changes; of a default one for an unknown user."""
        now = self._recorder.now()
        snapshot = self.snapshot(user_id) or ProfileSnapshot(user_id=user_id, created_at=now, updated_at=now)
        draft: DraftProfile = DraftProfile.showing(
            snapshot, _store=self._store, _recorder=self._recorder, _steps=[], _ended=False
        )
        return draft

    def refresh(self, user_id: str) -> None:
        """Let a held object show what was just stored."""
        if user_id in self.live:
            self.snapshot(user_id)

    def drop(self, user_id: str) -> None:
        """Hold nothing of a user who was forgotten."""
        with self._lock.held:
            self._snapshots.pop(user_id, None)
            self.live.pop(user_id, None)
        self.latest.drop(user_id)
