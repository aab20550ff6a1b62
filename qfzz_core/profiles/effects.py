"""What an event does to everything held of a user: the one rule for recording it and for replaying it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from qfzz_core.contracts.learners import Learner
from qfzz_core.errors import StoreError
from qfzz_core.model.events import Event
from qfzz_core.model.learning import ProfileWriter, apply_event
from qfzz_core.model.names import is_storable
from qfzz_core.model.plain import plain
from qfzz_core.model.timestamps import next_timestamp
from qfzz_core.plugins.faults import BrokenContractError, Report, answer
from qfzz_core.plugins.registry import Registered


class Held(ProfileWriter, Protocol):
    """What is held of a user who exists: a `UserTransaction`, or a replay."""

    @property
    def updated_at(self) -> str:
        """When the profile was changed last."""
        ...

    def state(self, learner: str, key: str) -> Any:
        """Return a learner's state under a key as plain data, None if there is none."""
        ...

    def put_state(self, learner: str, key: str, state: Any) -> None:
        """Set a learner's state under a key; None removes it."""
        ...


def take_effect(event: Event, user: Held, learners: Sequence[Registered[Learner]], report: Report) -> None:
    """Write what an event does to weights, scalars, learned state and `updated_at`, which moves forward.

    Learners hear of everything but the creation of the user, which is no experience. One that fails is reported, and
    its state stays as it was before this event.
    """
    if event.kind == "created":
        apply_event(event, user)
        return
    updated_at = next_timestamp(user.updated_at, event.timestamp)
    apply_event(event, user)
    for learner in learners:
        _teach(learner, event, user, report)
    if not event.changes or all(change.field != "updated_at" for change in event.changes):
        user.put_scalar("updated_at", updated_at)


def _teach(learner: Registered[Learner], event: Event, user: Held, report: Report) -> None:
    """Write the new states of one learner; none, and a report, if it fails."""
    name, learn = learner.value.name, learner.value.learn
    learned: dict[str, Any] = {}
    try:
        for given in answer(learner.value.keys, event):
            key = _checked_key(given)
            learned[key] = plain(answer(learn, user.state(name, key), event, key))
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        report(learner.origin, f"learner {name}", error)
        return
    for key, state in learned.items():
        user.put_state(name, key, state)


def _checked_key(key: object) -> str:
    if type(key) is str and key.isascii():
        return key
    if not isinstance(key, str) or not is_storable(key):
        raise BrokenContractError(f"the keys of a learner's state must be text, got {key!r}")
    return key
