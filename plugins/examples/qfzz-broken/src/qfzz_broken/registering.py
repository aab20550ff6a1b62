"""Ways of failing while the plugin registers, or of taking the names of others."""

from __future__ import annotations

from typing import Any

from qfzz_core import Column, TrackFunction

from qfzz_broken.parts import Factor, Plugin, Way, asynchronous, broken, leave


class Nothing:
    """What has a factor's name and weight, and nothing else."""

    name = "broken"
    weight = 1.0


def constant(request: Any) -> TrackFunction:
    """Score every track alike: a sound `prepare`."""
    return TrackFunction(function=lambda track: 0.5)


def factors(*made: Any) -> Plugin:
    """Return a plugin that registers these."""
    return Plugin(qfzz_factors=lambda: made)


WAYS = [
    Way("hook-unknown", "start", "implements a hook that there is not", lambda: Plugin(qfzz_scorers=broken)),
    Way(
        "hook-signature",
        "start",
        "declares a parameter that the hook does not have",
        lambda: Plugin(qfzz_factors=lambda catalogue: []),
    ),
    Way("hook-raises", "start", "raises when it is called for factors", lambda: Plugin(qfzz_factors=broken)),
    Way("hook-exits", "start", "ends the program when it is called for factors", lambda: Plugin(qfzz_factors=leave)),
    Way("hook-async", "start", "has a coroutine as a hook", lambda: Plugin(qfzz_factors=asynchronous)),
    Way("hook-nonsense", "start", "returns strings instead of filters", lambda: Plugin(qfzz_filters=lambda: ["x"])),
    Way("options-nonsense", "start", "has options that are no class", lambda: Plugin(qfzz_options=lambda: 5)),
    Way("factor-no-prepare", "start", "registers a factor without prepare", lambda: factors(Nothing())),
    Way("factor-negative", "start", "registers a factor of weight -1", lambda: factors(Factor(constant, weight=-1.0))),
    Way(
        "factor-twice",
        "start",
        "registers two factors of one name",
        lambda: factors(Factor(constant, "twice"), Factor(constant, "twice")),
    ),
    Way("factor-built-in", "start", "takes the name of a built-in factor", lambda: factors(Factor(constant, "genre"))),
    Way(
        "column-built-in",
        "start",
        "declares a built-in column in another way",
        lambda: Plugin(qfzz_columns=lambda: [Column(name="energy", kind="category")]),
    ),
]
