"""Interaction types, and learners: state that a plugin keeps for each user as a pure function of the log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Protocol, runtime_checkable

import attrs

from qfzz_core.contracts.validators import not_blank, one_of
from qfzz_core.errors import InvalidInput, shown
from qfzz_core.model.events import Event
from qfzz_core.model.plain import number_or_nan, own_text


@attrs.frozen
class InteractionType:
    """A type of interaction: its strength in [-1, 1], and whether it judges (like or dislike) or is a hearing."""

    name: str = attrs.field(converter=own_text, validator=not_blank)
    strength: float = attrs.field()
    judgement: Literal["like", "dislike"] | None = attrs.field(default=None, validator=one_of("like", "dislike", None))
    heard: bool = False

    @strength.validator
    def _check_strength(self, _: Any, strength: Any) -> None:
        if not -1 <= number_or_nan(strength) <= 1:
            raise InvalidInput(f"strength must be a number from -1 to 1, got {shown(strength)}")


@runtime_checkable
class Learner(Protocol):
    """State that a plugin keeps for each user, as a pure function of the log.

    State is plain data under keys. It changes only by `learn`, so replaying the log gives the same state.
    """

    @property
    def name(self) -> str:
        """The name by which configuration, explanations and reports know it."""
        ...

    def keys(self, event: Event) -> Iterable[str]:
        """Return the keys whose state this event changes."""
        ...

    def learn(self, state: Any, event: Event, key: str) -> Any:
        """Return the new state under a key; `state` is None before the first event, and returning None removes it."""
        ...

    def read(self, state: Any) -> float:
        """Return what the state means as one number; `state` is None before the first event."""
        ...
