"""One recommended track, as the engine returns it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import attrs

from qfzz_core.model.plain import copied
from qfzz_core.model.tracks import Track
from qfzz_core.requests.explanation import Account, Explanation


@attrs.frozen(eq=False, repr=False)
class Recommendation:
    """A track with its score in [0, 1], its rank among the eligible tracks (1 is the best), and why it was chosen.

    `propensity` is how likely the strategy was to choose it, where the strategy says so. `track` belongs to the
    caller. `explanation` is computed when it is asked for, from the snapshot of the request.
    """

    score: float
    rank: int
    reason: str
    propensity: float | None
    _own: Track
    _row: int
    _account: Account

    @cached_property
    def track(self) -> Track:
        """The dictionary of the track, copied when it is first asked for: the explanation keeps one of its own."""
        owned: Track = copied(self._own)
        return owned

    @property
    def explanation(self) -> Explanation:
        """The contributions of which the score is the sum."""
        return self._account.explain(self._row, self._own)

    def to_dict(self) -> dict[str, Any]:
        """Return the recommendation in plain types, without the explanation."""
        return {"track": self.track, "score": self.score, "rank": self.rank, "reason": self.reason}

    def __repr__(self) -> str:
        facts = f"score={self.score!r}, rank={self.rank!r}, reason={self.reason!r}, propensity={self.propensity!r}"
        return f"Recommendation(track={self.track!r}, {facts})"
