"""Engines for tests, in memory, with exactly the plugins that are named; and what is asserted of their explanations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from qfzz_core.catalogue.samples import sample_tracks
from qfzz_core.config import Config
from qfzz_core.contracts.recommendation import Explanation, FactorExplanation, Recommendation
from qfzz_core.contracts.stores import Store
from qfzz_core.engine import Engine
from qfzz_core.plugins.settings import opened_store

TOLERANCE = 1e-9  # sums of floats differ in their last bits
NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


def engine_with(
    *plugins: Any,
    tracks: Iterable[Mapping[str, Any]] | None = None,
    config: Mapping[str, Any] | None = None,
    clock: Callable[[], datetime] = lambda: NOW,
    seed: int = 1,
) -> Engine:
    """Return an engine with a store in memory, the built-in plugins and these, and no other that is installed.

    A plugin is an object, such as a module, or the name of an installed one. `tracks` are the catalogue, without them
    it holds 48 invented ones. `config` are tables of the configuration; `strict` is true unless they say otherwise,
    so a fault raises. The clock stands still and the seed is fixed, so every run gives the same.
    """
    installed = [name for name in plugins if isinstance(name, str)]
    engine = Engine(
        store="memory:",
        config=Config.from_dict({"strict": True, **(config or {})}),
        plugins=[plugin for plugin in plugins if not isinstance(plugin, str)],
        installed=installed,
        seed=seed,
        clock=clock,
    )
    if missing := {*installed} - {record.name for record in engine.plugins}:
        engine.close()
        raise LookupError(f"no plugin of these names is installed: {', '.join(sorted(missing))}")
    engine.add_content(sample_tracks() if tracks is None else tracks)
    return engine


def opened_by_url(plugin: Any, url: str) -> Store:
    """Return the store that a plugin opens for a URL; raises what it raises."""
    with engine_with(plugin) as engine:
        return opened_store(url, engine.config, engine.registry)


def assert_explains(
    explained: Recommendation | Explanation,
    factor: str,
    *,
    value: float | None = None,
    weight: float | None = None,
    reason: str | None = None,
) -> FactorExplanation:
    """Assert that a factor has a part in a score, and return that part.

    `value` in [0, 1] and `weight`, of which all together are 1, are compared within 1e-9; `reason` is a part of the
    factor's reason. A factor that abstained or failed is an AssertionError that says so.
    """
    explanation = explained.explanation if isinstance(explained, Recommendation) else explained
    part = next((part for part in explanation.factors if part.name == factor), None)
    if part is None:
        raise AssertionError(
            f'factor "{factor}" has no part in the score of {explanation.track_id}: {_why(explanation, factor)}'
        )
    for what, wanted, given in (("value", value, part.value), ("weight", weight, part.weight)):
        if wanted is not None and not abs(wanted - given) <= TOLERANCE:
            raise AssertionError(f'factor "{factor}" has the {what} {given!r}, expected {wanted!r}')
    if reason is not None and reason not in part.reason:
        raise AssertionError(f'factor "{factor}" gives the reason {part.reason!r}, expected one with {reason!r}')
    return part


def _why(explanation: Explanation, factor: str) -> str:
    for fault in explanation.faults:
        if fault.component == f"factor {factor}":
            return f"it failed: {fault.message}"
    if factor in explanation.abstained:
        return "it abstained"
    return f"there are {', '.join(part.name for part in explanation.factors) or 'no factors'}"
