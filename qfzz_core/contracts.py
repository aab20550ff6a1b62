"""What a plugin's objects promise: factors, columns, filters, strategies, learners, interaction types.

The store's contract has a page of its own, `qfzz_core.stores`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol, get_args, runtime_checkable

import attrs
import numpy as np
from numpy.typing import NDArray

from qfzz_core.columns import Columns
from qfzz_core.model.events import Event
from qfzz_core.picks import Pick
from qfzz_core.request import Request

Rows = NDArray[np.intp]
Values = NDArray[np.float64]
Reason = Callable[[Mapping[str, Any], float], str]


def _name(_: Any, attribute: attrs.Attribute[str], value: Any) -> None:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{attribute.name} must be a text that is not blank, got {value!r}")


def _one_of(*choices: Any) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if value not in choices:
            raise ValueError(f"{attribute.name} must be one of {', '.join(map(repr, choices))}, got {value!r}")

    return check


# ---- how a factor scores one request -------------------------------------------------------------------------------


@attrs.frozen(kw_only=True, eq=False)
class CategoryTable:
    """A table over one category or tags column: `values` by name, `default` for every other name.

    Names compare as the column compares them; on a tags column the largest mapped value of a track counts; a missing
    category has the default. All values lie in [0, 1]. `reason` says a track's value in a few words.
    """

    column: str
    values: Mapping[str, float]
    default: float = 0.0
    reason: Reason | None = None


@attrs.frozen(kw_only=True, eq=False)
class NumericDistance:
    """A distance on one number column: `max(0, 1 - abs(number - target) / scale)`, `missing` where there is none."""

    column: str
    target: float
    scale: float = 1.0
    missing: float = 0.0
    reason: Reason | None = None


@attrs.frozen(kw_only=True, eq=False)
class ColumnFunction:
    """A vectorised function `(columns, rows) -> float64 values in [0, bound]`, one for each row.

    It is asked about some rows, in any order, perhaps several times; a row's value must not depend on the others.
    """

    function: Callable[[Columns, Rows], Values]
    bound: float = 1.0
    reason: Reason | None = None


@attrs.frozen(kw_only=True, eq=False)
class TrackFunction:
    """A function of one track's dictionary, giving a value in [0, bound]: the simplest shape, and the slowest."""

    function: Callable[[Mapping[str, Any]], float]
    bound: float = 1.0
    reason: Reason | None = None


Prepared = CategoryTable | NumericDistance | ColumnFunction | TrackFunction


@runtime_checkable
class Factor(Protocol):
    """One reason to like a track.

    `name` stands in explanations and in the configuration (`[factors.NAME]`), `weight` is the default weight,
    finite and >= 0. Two optional attributes: `Options`, an attrs class into which the rest of that table is
    structured (`request.options`), and, for the built-in factors only, `order`, by which they come first in the sum.
    """

    @property
    def name(self) -> str:
        """The name by which configuration, explanations and reports know it."""
        ...

    @property
    def weight(self) -> float:
        """The default weight, finite and >= 0."""
        ...

    def prepare(self, request: Request) -> Prepared | None:
        """Say how to score this request, called once for it; None abstains: the weight leaves the sum."""
        ...


# ---- columns -------------------------------------------------------------------------------------------------------

ColumnKind = Literal["category", "tags", "number", "flag", "vector"]
Source = str | Callable[[Mapping[str, Any]], Any]
Provider = Callable[[Sequence[str]], Sequence[Any]]


@attrs.frozen(kw_only=True)
class Column:
    """Where a column comes from.

    `source` is a key of the track or a function of the track (the column's own name if not given); instead of it a
    `provider` gives the values of a batch of track ids. `missing` replaces what is absent or unusable. `compare` says
    when two categories or tags are the same: by "name", by "genre", or "exact". `size` is the length of a vector.
    `version` stands for what a function as `source` says: change it with the function. Without one, catalogues with
    this column are not cached on disk.
    """

    name: str = attrs.field(validator=_name)
    kind: ColumnKind = attrs.field(validator=_one_of(*get_args(ColumnKind)))
    source: Source | None = None
    provider: Provider | None = None
    missing: Any = None
    compare: Literal["name", "genre", "exact"] = attrs.field(
        default="name", validator=_one_of("name", "genre", "exact")
    )
    size: int | None = attrs.field(default=None)
    version: str | None = None

    @size.validator
    def _check_size(self, _: Any, size: Any) -> None:
        whole = isinstance(size, int) and not isinstance(size, bool) and size >= 1
        if self.kind == "vector" and not whole:
            raise ValueError(f"size of a vector must be a whole number, 1 or more, got {size!r}")


# ---- filters -------------------------------------------------------------------------------------------------------


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
    """A pure function `(columns, rows) -> booleans`, asked about candidates in blocks."""

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


# ---- discovery -----------------------------------------------------------------------------------------------------


class Ranking(Protocol):
    """The eligible tracks, best first, looked at lazily. Ranks begin at 1."""

    @property
    def columns(self) -> Columns:
        """The columns of the snapshot that is ranked."""
        ...

    def take(self, count: int | None) -> Rows:
        """Return the rows of the best `count`, or of all; fewer if fewer are eligible."""
        ...

    def at(self, ranks: Sequence[int] | Rows) -> Rows:
        """Return the rows at these ranks; IndexError if one is not there."""
        ...

    def scores(self, ranks: Sequence[int] | Rows) -> Values:
        """Return the scores at these ranks; IndexError if one is not there."""
        ...


@runtime_checkable
class DiscoveryStrategy(Protocol):
    """Chooses from the ranking what is returned, and in which order.

    An optional attribute `Options` is the attrs class of its table `[discovery]` (`request.options`). With a limit it
    must return exactly that many picks, or all that are eligible if they are fewer. Another strategy can be wrapped:
    `request.strategy(name).pick(...)`.
    """

    @property
    def name(self) -> str:
        """The name by which configuration, explanations and reports know it."""
        ...

    def pick(self, request: Request, ranking: Ranking) -> Sequence[Pick]:
        """Return the picks in the order of the result, no rank twice; `Picks` where they may be very many."""
        ...


# ---- interactions and learning -------------------------------------------------------------------------------------


@attrs.frozen
class InteractionType:
    """A type of interaction: its strength in [-1, 1], and whether it judges (like or dislike) or is a hearing."""

    name: str = attrs.field(validator=_name)
    strength: float = attrs.field()
    judgement: Literal["like", "dislike"] | None = attrs.field(default=None, validator=_one_of("like", "dislike", None))
    heard: bool = False

    @strength.validator
    def _check_strength(self, _: Any, strength: Any) -> None:
        if isinstance(strength, bool) or not isinstance(strength, (int, float)) or not -1 <= strength <= 1:
            raise ValueError(f"strength must be a number from -1 to 1, got {strength!r}")


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


@attrs.frozen
class StoreScheme:
    """A storage backend: the URL scheme it answers to, and how a store of it is opened.

    `open(url, options)` imports what it needs when it is called. `Options` is the attrs class of the table
    `[store]` beside `url`, None if the store has no options.
    """

    scheme: str = attrs.field(validator=_name)
    open: Callable[[str, Any], Any]
    Options: type | None = None
