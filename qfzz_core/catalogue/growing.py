"""Arrays that grow at the end, so that a snapshot of a few tracks more copies nothing."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Dtype = TypeVar("Dtype", bound=np.generic)

_LEAST_ROOM = 1024


class Growing(Generic[Dtype]):
    """An array with room behind its end.

    Only one thread at a time may extend it. Views that were given out before keep what they show: nothing that they
    show is written again, and an array that has to move or to widen leaves the old one to them.
    """

    def __init__(self, array: NDArray[Dtype]) -> None:
        self._room: NDArray[Any] = array
        self._used = len(array)

    def __len__(self) -> int:
        return self._used

    @property
    def view(self) -> NDArray[Dtype]:
        """What is there now, read-only."""
        view = self._room[: self._used]
        view.setflags(write=False)
        return view

    def extend(self, values: NDArray[Any], dtype: Any = None) -> None:
        """Add values at the end; `dtype` is what holds old and new ones, if that may have become wider."""
        used = self._used + len(values)
        dtype = self._room.dtype if dtype is None else np.promote_types(self._room.dtype, dtype)
        if used > len(self._room) or dtype != self._room.dtype or not self._room.flags.writeable:
            self._move(used, dtype)
        self._room[self._used : used] = values
        self._used = used

    def reserve(self, count: int) -> None:
        """Make room for so many values more."""
        if self._used + count > len(self._room) or not self._room.flags.writeable:
            self._move(self._used + count, self._room.dtype)

    def _move(self, least: int, dtype: Any) -> None:
        room = np.empty((max(least * 3 // 2, _LEAST_ROOM), *self._room.shape[1:]), dtype)
        room[: self._used] = self._room[: self._used]
        self._room = room
