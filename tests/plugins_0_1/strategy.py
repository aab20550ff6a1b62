import attrs
import numpy as np

from qfzz_core import Pick, Picks, hookimpl


@attrs.frozen
class Options:
    step: int = 2


class Stepping:
    name = "stepping"
    Options = Options

    def pick(self, request, ranking):
        found = len(ranking.take(None))
        ranks = [rank for start in range(request.options.step) for rank in range(1 + start, found + 1, request.options.step)]
        assert ranking.scores([1])[0] >= ranking.scores([found])[0]
        assert len(ranking.at([1])) == 1
        return [Pick(rank, "stepping", 1.0) for rank in ranks[: request.limit]]


class Backwards:
    name = "backwards"

    def pick(self, request, ranking):
        return Picks(np.arange(len(ranking.take(request.limit)), 0, -1), reasons=("backwards",))


class Shuffled:
    name = "shuffled"

    def pick(self, request, ranking):
        strategy, asked = request.strategy("split")
        picks = list(strategy.pick(asked, ranking))
        request.random.shuffle(picks)
        return picks


@hookimpl
def qfzz_strategies():
    return [Stepping(), Backwards(), Shuffled()]
