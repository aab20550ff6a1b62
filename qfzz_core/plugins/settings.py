"""What the configuration says of registered objects: weights, options, the strategy, all checked at the start."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from qfzz_core.config import Config
from qfzz_core.contracts.factors import Factor
from qfzz_core.contracts.strategies import DiscoveryStrategy
from qfzz_core.errors import ConfigError, did_you_mean
from qfzz_core.plugins.faults import Report
from qfzz_core.plugins.origin import Origin
from qfzz_core.plugins.record import PluginRecord
from qfzz_core.plugins.registry import Registered, Registry

logger = logging.getLogger("qfzz.config")


@attrs.frozen
class ActiveFactor:
    """A factor with a weight above 0, and its options."""

    name: str
    weight: float
    options: Any
    registered: Registered[Factor]


@attrs.frozen
class Settings:
    """The factors in the order of the sum, and the strategy with the options of `[discovery]`."""

    factors: tuple[ActiveFactor, ...]
    strategy: Registered[DiscoveryStrategy] | None
    strategy_options: Any


def made_settings(config: Config, registry: Registry, records: Sequence[PluginRecord], report: Report) -> Settings:
    """Return the settings; raises `ConfigError` for what the configuration gets wrong.

    An object whose `Options` class cannot be used is reported and left out.
    """
    _check_names(config, registry, records)
    made = [_factor(config, name, registered, report) for name, registered in registry.factors.items()]
    factors = [factor for factor in made if factor is not None and factor.weight > 0]
    factors.sort(key=lambda factor: (_order(factor.registered), factor.name))
    if not math.isfinite(sum(factor.weight for factor in factors)):
        raise config.error(("factors",), None, "the sum of all weights is too large to be a number")
    strategy = _strategy(config, registry)
    if strategy is None:
        return Settings(tuple(factors), None, None)
    try:
        options = _structured(config, ("discovery",), config.strategy_options, strategy, "strategy")
    except UnusableOptionsError as error:
        report(error.origin, f"options of strategy {strategy.value.name}", error.__cause__ or error)
        return Settings(tuple(factors), None, None)
    return Settings(tuple(factors), strategy, options)


class UnusableOptionsError(Exception):
    """The `Options` class of a plugin's object cannot be used; the error is the `__cause__`."""

    def __init__(self, origin: Origin) -> None:
        super().__init__(str(origin))
        self.origin = origin


def _order(registered: Registered[Factor]) -> float:
    """Return the place in the sum: the documented factors have theirs, all others come after them by name."""
    return getattr(registered.value, "order", math.inf) if registered.built_in else math.inf


def _factor(config: Config, name: str, registered: Registered[Factor], report: Report) -> ActiveFactor | None:
    configured = config.factors.get(name)
    raw = configured.options if configured else {}
    weight = registered.value.weight if configured is None or configured.weight is None else configured.weight
    try:
        options = _structured(config, ("factors", name), raw, registered, "weight")
    except UnusableOptionsError as error:
        report(error.origin, f"options of factor {name}", error.__cause__ or error)
        return None
    return ActiveFactor(name, float(weight), options, registered)


def _structured(
    config: Config, table: tuple[str, ...], raw: Mapping[str, Any], registered: Registered[Any], own_key: str
) -> Any:
    try:
        return config.structure(table, raw, getattr(registered.value, "Options", None), own_keys=(own_key,))
    except ConfigError:
        raise
    except Exception as error:
        raise UnusableOptionsError(registered.origin) from error


def _strategy(config: Config, registry: Registry) -> Registered[DiscoveryStrategy] | None:
    """Return the strategy that the configuration names, or else the one that says it is the default."""
    if config.strategy is not None:
        return registry.strategies.get(config.strategy)
    by_rank = sorted(registry.strategies.items(), key=lambda item: (not item[1].built_in, item[0]))
    return next((found for _, found in by_rank if getattr(found.value, "default", False)), None)


def _check_names(config: Config, registry: Registry, records: Sequence[PluginRecord]) -> None:
    """Refuse names that nothing has; only an INFO record where a plugin that is not active may have had them."""
    missing = [record.name for record in records if not record.takes_part]
    for name in config.factors:
        if name not in registry.factors:
            message = f'no factor "{name}" is registered{did_you_mean(name, registry.factors)}'
            _refuse(config.error(("factors", name), None, message), missing)
    strategy = config.strategy
    if strategy is not None and strategy not in registry.strategies:
        message = f'no strategy "{strategy}" is registered{did_you_mean(strategy, registry.strategies)}'
        _refuse(config.error(("discovery",), "strategy", message), missing)
    names = [record.name for record in records]
    for name in config.plugins:
        if name not in names:
            raise config.error(("plugins", name), None, f'no plugin "{name}" is installed{did_you_mean(name, names)}')


def _refuse(error: ConfigError, missing: Sequence[str]) -> None:
    if not missing:
        raise error
    logger.info("%s; not active: %s", error, ", ".join(missing))
