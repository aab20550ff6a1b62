"""Writing a recorded user into a store, as every store can do it."""

from __future__ import annotations

from qfzz_core.stores import UserRecord, UserTransaction
from qfzz_core.weights import WEIGHT_FIELDS

_SCALARS = ("energy_level", "tempo_preference", "discovery_factor", "updated_at")


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
