"""What a forked child has to renew: locks that a thread of the parent may hold, and threads it does not have."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Renewable(Protocol):
    """Something that holds locks or threads."""

    def renew(self) -> None:
        """Put new ones in their place; called in a forked child before anything else runs there."""


_renewables: weakref.WeakSet[Renewable] = weakref.WeakSet()


def renewed_after_fork(thing: Renewable) -> None:
    """Have something renewed in every child that is forked while it is in use."""
    _renewables.add(thing)


def _renew_all() -> None:
    for thing in list(_renewables):  # a list, because renewing may add to them
        thing.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
