"""Users as stores keep them: the row of a user, the row of an event, and a user who was recorded elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from qfzz_core.contracts.stores import UserRecord, UserTransaction
from qfzz_core.errors import StoreNotEmptyError
from qfzz_core.model.events import Change, Event
from qfzz_core.model.plain import copied
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.model.weights import WEIGHT_FIELDS
from qfzz_core.storage.latest import whole_latest

Name = tuple[str, str]  # of a weight: field and normal form
Weight = tuple[str, float]  # spelling and weight

SCALARS = ("created_at", "updated_at", "energy_level", "tempo_preference", "discovery_factor")
EVENT_COLUMNS = ("position", "kind", "timestamp", "event_id", "body")  # of `event_row`


@attrs.define
class UserRow:
    """A user without weights, states and log. `serial` and `revision` are what `UserTransaction.revision` returns."""

    user_id: str
    serial: int
    revision: int
    scalars: dict[str, Any]

    @classmethod
    def new(cls, user_id: str, serial: int, timestamp: str) -> UserRow:
        """Return a user with default preferences."""
        default = ProfileSnapshot(user_id=user_id, created_at=timestamp, updated_at=timestamp)
        return cls(user_id, serial, 0, {field: getattr(default, field) for field in SCALARS})

    def copy(self) -> UserRow:
        """Return a row that can be changed."""
        return UserRow(self.user_id, self.serial, self.revision, dict(self.scalars))

    def snapshot_of_known(self, weights: Mapping[Name, Weight]) -> ProfileSnapshot:
        """Return the profile with these weights."""
        fields: dict[str, dict[str, float]] = {field: {} for field in WEIGHT_FIELDS}
        for (field, _), (name, weight) in weights.items():
            fields[field][name] = weight
        return self.snapshot_with(fields)

    def snapshot_with(self, fields: Mapping[str, Any]) -> ProfileSnapshot:
        """Return the profile with these mappings of names to weights, which become its own."""
        return ProfileSnapshot(user_id=self.user_id, revision=(self.serial, self.revision), **self.scalars, **fields)


def owned_event(event: Event, position: int | None = None) -> Event:
    """Return the event, copied where it holds what can be changed, at another position if one is given."""
    if event.interaction is not None and event.interaction.extra:
        extra = copied(dict(event.interaction.extra))
        event = attrs.evolve(event, interaction=attrs.evolve(event.interaction, extra=extra))
    if event.changes:
        event = attrs.evolve(event, changes=tuple(Change(c.field, c.name, copied(c.value)) for c in event.changes))
    return event if position is None else attrs.evolve(event, position=position)


def refuse_used(name: str, *used: object) -> None:
    """Raise `StoreNotEmptyError` for the store of this name if anything in `used` is true."""
    if any(used):
        raise StoreNotEmptyError(
            f"{name} holds users, or held tracks; allow their replacement (replace=True, --replace), "
            "or name another store"
        )


def write_record(user: UserTransaction, record: UserRecord) -> None:
    """Create a user who does not exist, exactly as recorded but for revision and positions."""
    user.create(record.profile.created_at)
    for field in WEIGHT_FIELDS:
        for name, weight in getattr(record.profile, field).items():
            user.put_weight(field, name, weight)
    for field in SCALARS[1:]:
        user.put_scalar(field, getattr(record.profile, field))
    for learner, key, state in record.states:
        user.put_state(learner, key, state)
    retracts = False
    for event in record.events:
        user.append(event)
        retracts = retracts or bool(event.retracts)
    if retracts:
        _leave_out_retracted(user)


def _leave_out_retracted(user: UserTransaction) -> None:
    """Take what was retracted out of the latest interactions of a new user, in a store that keeps them.

    What a later event retracts is not known when an event is appended.
    """
    log = getattr(user, "log", lambda: None)()
    if log is not None:
        user.replace_latest(whole_latest(log))  # type: ignore[attr-defined]
