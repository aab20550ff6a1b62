"""Filters: the named conditions of `where`, and the forms in which one says which tracks pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

import attrs
import numpy as np
from numpy.typing import NDArray

from qfzz_core.contracts.columns import Columns, Rows
from qfzz_core.contracts.request import Request


@attrs.frozen(kw_only=True)
class CategoryFilter:
    """Lets pass the tracks whose category, or one of whose tags, is among `names`; `exclude` turns it round."""

    column: str
    names: Sequence[str]
    exclude: bool = False


@attrs.frozen(kw_only=True)
class RangeFilter:
    """Lets pass the tracks whose number lies in [low, high]; None leaves an end open. A missing number never passes."""

    column: str
    low: float | None = None
    high: float | None = None


@attrs.frozen(kw_only=True)
class IdFilter:
    """Lets pass the tracks of these ids; `exclude` turns it round. Unknown ids are no error."""

    track_ids: Iterable[str]
    exclude: bool = False


@attrs.frozen(kw_only=True, eq=False)
class Predicate:
    """A pure function `(columns, rows) -> booleans`, evaluated for blocks of candidates."""

    function: Callable[[Columns, Rows], NDArray[np.bool_]]


PreparedFilter = CategoryFilter | RangeFilter | IdFilter | Predicate


@runtime_checkable
class Filter(Protocol):
    """A named condition of `where={name: option}`."""

    @property
    def name(self) -> str:
        """The name by which configuration, explanations and reports know it."""
        ...

    def check(self, option: Any) -> None:
        """Raise ValueError, saying what would be right, if the option cannot be used."""
        ...

    def prepare(self, request: Request, option: Any) -> PreparedFilter | None:
        """Say which tracks pass this request, called once for it; None lets every track pass."""
        ...
