"""Discovery strategies: what chooses from a ranking, and how it sees the ranking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from qfzz_core.contracts.columns import Columns, Rows
from qfzz_core.contracts.factors import Values
from qfzz_core.contracts.picks import Pick
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
