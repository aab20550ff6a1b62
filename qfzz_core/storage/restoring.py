"""What every store does when it loads: refuse what may not be replaced, and write a recorded user."""

from __future__ import annotations

from qfzz_core.contracts.stores import UserRecord, UserTransaction
from qfzz_core.errors import StoreNotEmptyError
from qfzz_core.model.weights import WEIGHT_FIELDS

_SCALARS = ("energy_level", "tempo_preference", "discovery_factor", "updated_at")


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
    for field in _SCALARS:
        user.put_scalar(field, getattr(record.profile, field))
    for learner, key, state in record.states:
        user.put_state(learner, key, state)
    for event in record.events:
        user.append(event)
