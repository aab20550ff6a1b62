"""What the planner chooses against the ways it could have chosen."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from benchmarks.ranking import ours
from benchmarks.ranking.generator import generated
from benchmarks.ranking.listeners import Listener, listeners
from benchmarks.ranking.measure import rotated, timed
from benchmarks.ranking.settings import Section, Settings
from qfzz_core import Engine

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
LIMITS = (10, 50, 500)
KINDS = ("cold", "typical", "devoted")
PEOPLE = 8  # listeners of a kind, each served once a round
CHOSEN = "chosen"


def measured(settings: Settings) -> Section:
    """Measure every size, limit and kind of listener."""
    figures: dict[str, Any] = {}
    for size in (size for size in SIZES if size <= settings.tracks):
        catalogue = generated(size)
        people = listeners(catalogue, settings.listeners)
        engine = ours.engine_of(catalogue)
        ours.introduce(engine, people)
        for kind in KINDS:
            same = [one for one in people if one.kind == kind][:PEOPLE]
            for limit in LIMITS:
                figures[f"{size} {limit} {kind}"] = _measured(engine, same, limit, settings.rounds)
    return Section(
        title="The planner",
        pattern=f"rounds of {PEOPLE} listeners, alternating, medians of {settings.rounds} rounds, milliseconds a call, "
        "nothing cached",
        head=("tracks", "limit", "listeners", CHOSEN, *ours.PLANS, "against the better"),
        rows=[_row(key, one) for key, one in figures.items()],
        figures=figures,
    )


def _measured(engine: Engine, people: list[Listener], limit: int, rounds: int) -> dict[str, float]:
    plans: dict[str, ours.Method | None] = {CHOSEN: None, **{plan: plan for plan in ours.PLANS}}
    seconds: dict[str, list[float]] = {name: [] for name in plans}
    for number in range(rounds + 1):
        for name in rotated(list(plans), number):
            taken = timed(partial(_round, engine, people, limit, plans[name]))
            if number:  # the first round warms up
                seconds[name].append(taken / len(people))
    return {name: round(float(np.median(times)) * 1e3, 4) for name, times in seconds.items()}


def _round(engine: Engine, people: list[Listener], limit: int, plan: ours.Method | None) -> None:
    for listener in people:
        ours.forget(engine)
        ours.best(engine, listener.user_id, limit, plan=plan)


def _row(key: str, figures: dict[str, float]) -> tuple[str, ...]:
    size, limit, kind = key.split()
    better = min(figures[plan] for plan in ours.PLANS)
    cells = [f"{figures[name]:,.3f}" for name in (CHOSEN, *ours.PLANS)]
    return (f"{int(size):,}", limit, kind, *cells, f"{figures[CHOSEN] / better:,.2f}")
