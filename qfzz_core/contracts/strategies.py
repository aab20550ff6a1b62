"""Discovery strategies: what chooses from a ranking, how it sees the ranking, and the picks that it returns."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, overload, runtime_checkable

import attrs
import numpy as np
from numpy.typing import NDArray

from qfzz_core.contracts.columns import Columns, Rows
from qfzz_core.contracts.factors import Values
from qfzz_core.contracts.request import Request


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

    An optional attribute `Options` is the attrs class of its table `[discovery.NAME]` (`request.options`). With a limit
    it must return exactly that many picks, or all that are eligible if they are fewer. `request.strategy(name)` gives
    another strategy to wrap, and the request as that one sees it.
    """

    @property
    def name(self) -> str:
        """The name by which configuration, explanations and reports know it."""
        ...

    def pick(self, request: Request, ranking: Ranking) -> Sequence[Pick]:
        """Return the picks in the order of the result, no rank twice; `Picks` where they may be very many."""
        ...


@attrs.frozen
class Pick:
    """One place of the result: the `rank` (1 is the best) that stands there, why, and how likely that was."""

    rank: int
    reason: str = "ranked"
    propensity: float | None = None


# Measured: a million `Pick` objects take 3 s, the columns of as many ranks nothing.
@attrs.frozen(eq=False)
class Picks(Sequence[Pick]):
    """The picks of a result in columns: a sequence of `Pick` that needs no object for each of them.

    `ranks` are whole numbers of shape (picks,), in the order of the result. `reasons` are the few different reasons,
    and `reason_of`, whole numbers of the same shape, says which of them is each pick's; without it, it is the first.
    `propensities` are float64 of the same shape, NaN where there is none; without it, there are none.
    """

    ranks: NDArray[np.intp]
    reasons: tuple[str, ...] = ("ranked",)
    reason_of: NDArray[np.intp] | None = None
    propensities: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, picks: Iterable[Pick]) -> Picks:
        """Return the columns of some picks."""
        given = list(picks)
        codes: dict[str, int] = {}
        reason_of = [codes.setdefault(pick.reason, len(codes)) for pick in given]
        propensities = [np.nan if pick.propensity is None else pick.propensity for pick in given]
        return cls(
            np.array([pick.rank for pick in given], dtype=np.intp),
            tuple(codes),
            np.array(reason_of, dtype=np.intp),
            np.array(propensities, dtype=np.float64),
        )

    def __len__(self) -> int:
        return len(self.ranks)

    def __iter__(self) -> Iterator[Pick]:
        return map(Pick, *self.listed())

    @overload
    def __getitem__(self, place: int) -> Pick: ...

    @overload
    def __getitem__(self, place: slice) -> Picks: ...

    def __getitem__(self, place: int | slice) -> Pick | Picks:
        if isinstance(place, slice):
            return Picks(self.ranks[place], self.reasons, _some(self.reason_of, place), _some(self.propensities, place))
        reason = 0 if self.reason_of is None else int(self.reason_of[place])
        propensity = np.nan if self.propensities is None else float(self.propensities[place])
        return Pick(int(self.ranks[place]), self.reasons[reason], None if math.isnan(propensity) else propensity)

    def listed(self) -> tuple[list[int], list[str], list[float | None]]:
        """Return ranks, reasons and propensities as lists of plain objects."""
        ranks = self.ranks.tolist()
        reasons = [self.reasons[0]] * len(ranks) if len(ranks) else []
        propensities: list[float | None] = [None] * len(ranks)
        if self.reason_of is not None:
            reasons = [self.reasons[code] for code in self.reason_of.tolist()]
        if self.propensities is not None:
            propensities = [None if math.isnan(number) else number for number in self.propensities.tolist()]
        return ranks, reasons, propensities


def _some(column: Any, places: slice) -> Any:
    return None if column is None else column[places]
