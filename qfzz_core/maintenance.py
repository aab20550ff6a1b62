"""What a store may offer beside its contract, for the commands of its operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import attrs


@attrs.frozen
class Condition:
    """How a store fares, for the person who runs it.

    `facts` are plain values by name, such as `size` in bytes, `tracks` and `users`. `warnings` are sentences about
    what could go wrong some day, `problems` about what is wrong now.
    """

    facts: Mapping[str, Any]
    warnings: Sequence[str] = ()
    problems: Sequence[str] = ()


@runtime_checkable
class Maintainable(Protocol):
    """What a store may offer beside the contract, for the commands of its operator."""

    def backup(self, path: str, *, replace: bool = False) -> None:
        """Write a consistent copy of the store to a file while others use the store; whole, or not at all.

        Raises `StoreNotEmptyError` if the file exists, unless `replace` is given.
        """
        ...

    def vacuum(self) -> None:
        """Give the room that is not needed any more back, and leave no byte of what was removed."""
        ...

    def condition(self) -> Condition:
        """Return how the store fares, without reading tracks and logs."""
        ...
