"""What a request chose, in order: picks and rows; the dictionaries behind them only when they are wanted."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import attrs
import numpy as np

from qfzz_core.catalogue.snapshot import Snapshot
from qfzz_core.contracts.columns import Rows
from qfzz_core.contracts.factors import Values
from qfzz_core.contracts.picks import Picks
from qfzz_core.contracts.plan import Plan
from qfzz_core.contracts.recommendation import Recommendation
from qfzz_core.model.tracks import Track
from qfzz_core.recommend.explain import Account

FIRST_BLOCK, LARGEST_BLOCK = 16, 1_024  # dictionaries fetched at once: few for who reads few, many for who reads all


@attrs.frozen(eq=False)
class Selection:
    """The picks of a request, their rows and their scores, all of one length, and what explains them and the way."""

    snapshot: Snapshot
    picks: Picks
    rows: Rows
    scores: Values
    account: Account
    plan: Plan

    def __len__(self) -> int:
        return len(self.rows)

    def tracks(self) -> list[Track]:
        """Return the dictionaries, the caller's own; raises `StaleCatalogueError` if one is gone."""
        if len(self) < LARGEST_BLOCK:
            return self.snapshot.fetch(self.rows)
        order = np.argsort(self.rows)  # neighbours in the store are read one after the other, which takes less time
        fetched = self.snapshot.fetch(self.rows[order])
        return [fetched[place] for place in np.argsort(order).tolist()]

    def recommendations(self) -> list[Recommendation]:
        """Return them all; raises `StaleCatalogueError` if a track is gone."""
        return list(self._made(slice(None), self.tracks()))

    def read(self) -> Generator[Recommendation, None, None]:
        """Iterate them, fetching a block at a time; a track that is gone when its turn comes is left out."""
        start, size = 0, FIRST_BLOCK
        while start < len(self):
            places = slice(start, start + size)
            yield from self._made(places, self.snapshot.tracks_at(self._positions(places)))
            start, size = start + size, min(2 * size, LARGEST_BLOCK)

    def _positions(self, places: slice) -> list[int]:
        positions: list[int] = self.snapshot.positions[self.rows[places]].tolist()
        return positions

    def _made(self, places: slice, tracks: Sequence[Track | None]) -> Generator[Recommendation, None, None]:
        rows, scores = self.rows[places].tolist(), self.scores[places].tolist()
        facts = zip(scores, *self.picks[places].listed(), tracks, rows, strict=True)
        for score, rank, reason, propensity, track, row in facts:
            if track is not None:
                yield Recommendation(score, rank, reason, propensity, track, row, self.account)
