"""One recommended track, and why it has its score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import attrs

from qfzz_core.model.cached_property import cached_property
from qfzz_core.model.plain import copied, only_called
from qfzz_core.model.tracks import Track


@attrs.frozen
class FactorExplanation:
    """One factor's part in a score.

    `value` lies in [0, 1]; `weight` is normalised, so that all weights sum to 1; `contribution` is their product.
    """

    name: str
    value: float
    weight: float
    contribution: float
    reason: str
    plugin: str
    distribution: str | None
    version: str | None


@attrs.frozen
class FaultNote:
    """A component that failed in this request and was left out of it."""

    component: str
    plugin: str
    distribution: str | None
    version: str | None
    message: str


@attrs.frozen
class Explanation:
    """The score of a track and the contributions of which it is the sum (within 1e-9).

    `abstained` names the factors that had nothing to say of the request, `faults` what was left out because it failed.
    """

    track_id: str
    score: float
    factors: tuple[FactorExplanation, ...]
    abstained: tuple[str, ...] = ()
    faults: tuple[FaultNote, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation in plain types that `json.dumps` takes."""
        return attrs.asdict(self)


class Explainer(Protocol):
    """What explains the tracks of one request."""

    def explain(self, row: int, track: Mapping[str, Any]) -> Explanation:
        """Return the explanation of a track as it was in a row of the request's snapshot."""
        ...


class _Behind:
    """An explainer that explains and leads to nothing else."""

    __slots__ = ("explain",)

    def __init__(self, explainer: Explainer) -> None:
        self.explain = only_called(explainer.explain)


@attrs.frozen(eq=False, repr=False)
class Recommendation:
    """A track with its score in [0, 1], its rank among the eligible tracks (1 is the best), and why it was chosen.

    `propensity` is how likely the strategy was to choose it, where the strategy says so. `moved` are sentences on what
    the rules did to it; there are no rules yet. `track` belongs to the caller. `explanation` is computed when it is
    first read, from the snapshot of the request.
    """

    score: float
    rank: int
    reason: str
    propensity: float | None
    _own: Track
    _row: int
    _explainer: Explainer
    moved: tuple[str, ...] = ()

    @cached_property
    def track(self) -> Track:
        """The dictionary of the track, copied when it is first read: the explanation keeps one of its own."""
        owned: Track = copied(self._own)
        return owned

    @property
    def explanation(self) -> Explanation:
        """The contributions of which the score is the sum."""
        return self._explainer.explain(self._row, self._own)

    def unshared(self) -> Recommendation:
        """Return the same with a track of its own, by which nobody reaches what this one is made of."""
        return attrs.evolve(self, own=copied(self._own), explainer=_Behind(self._explainer))

    def to_dict(self) -> dict[str, Any]:
        """Return the recommendation in plain types, without the explanation."""
        return {"track": self.track, "score": self.score, "rank": self.rank, "reason": self.reason}

    def __repr__(self) -> str:
        facts = f"score={self.score!r}, rank={self.rank!r}, reason={self.reason!r}, propensity={self.propensity!r}"
        return f"Recommendation(track={self.track!r}, {facts})"
