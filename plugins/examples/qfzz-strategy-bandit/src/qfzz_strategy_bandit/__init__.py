"""The strategy `bandit`: discovery that learns which kinds of surprises this user likes.

How many surprises there are is said by the discovery factor, as always. Which ones is learned: each genre (or artist,
or mood) is an arm of a bandit, and what the user's feedback says of it decides how often it is tried.
"""

from __future__ import annotations

import attrs
from qfzz_core import DiscoveryStrategy, Learner, Picks, Ranking, Request, Setup, hookimpl

from qfzz_strategy_bandit.learning import ArmLearner, BanditOptions
from qfzz_strategy_bandit.sampling import picked

plugin_name = "bandit"  # also for an application that passes the module instead of installing it


def _at_least_one(_: object, attribute: attrs.Attribute[int], value: int) -> None:
    if value < 1:
        raise ValueError(f"{attribute.name} must be 1 or more, got {value}")


@attrs.frozen
class SamplingOptions:
    """The table `[discovery]`.

    Surprises are drawn from the ranks down to `pool_depth` times the limit. `samples` are the draws from which the
    probability of each arm is counted. `explore` is the share of the probability that all arms have alike: above 0,
    no arm is ever impossible, which learning from the log requires.
    """

    pool_depth: int = attrs.field(default=10, validator=_at_least_one)
    samples: int = attrs.field(default=256, validator=_at_least_one)
    explore: float = attrs.field(default=0.05)

    @explore.validator
    def _check_explore(self, _: object, value: float) -> None:
        if not 0 <= value <= 1:
            raise ValueError(f"explore must be a share from 0 to 1, got {value}")


class BanditStrategy:
    """Puts surprises by Thompson sampling among the best-ranked tracks; how many, the discovery factor says."""

    name = "bandit"
    Options = SamplingOptions

    def __init__(self, by: str) -> None:
        self._by = by

    def pick(self, request: Request, ranking: Ranking) -> Picks:
        """Return the best-ranked tracks with the surprises at random places among them."""
        return picked(request, ranking, self._by)


@hookimpl
def qfzz_options() -> type:
    """Say how `[plugins.bandit]` is read."""
    return BanditOptions


@hookimpl
def qfzz_learners(setup: Setup) -> list[Learner]:
    """Register what keeps the feedback on each arm."""
    return [ArmLearner(setup.options.by)]


@hookimpl
def qfzz_strategies(setup: Setup) -> list[DiscoveryStrategy]:
    """Register the strategy."""
    return [BanditStrategy(setup.options.by)]
