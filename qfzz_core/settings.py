"""What the configuration says of registered objects: weights, options, the strategy, all checked at the start."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import Any

import attrs

from qfzz_core.config import Config
from qfzz_core.contracts import DiscoveryStrategy, Factor
from qfzz_core.errors import ConfigError, did_you_mean
from qfzz_core.plugins import PluginRecord
from qfzz_core.registry import Registered, Registry

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


def made_settings(config: Config, registry: Registry, records: Sequence[PluginRecord]) -> Settings:
    """Return the settings; raises `ConfigError` for what the configuration gets wrong."""
    _check_names(config, registry, records)
    factors = [_factor(config, name, registered) for name, registered in registry.factors.items()]
    factors.sort(key=lambda factor: (getattr(factor.registered.value, "order", math.inf), factor.name))
    if not math.isfinite(sum(factor.weight for factor in factors)):
        raise config.error(("factors",), None, "the sum of all weights is too large to be a number")
    strategy = _strategy(config, registry)
    options = config.structure(
        ("discovery",), config.strategy_options, _options_class(strategy), own_keys=("strategy",)
    )
    return Settings(tuple(factor for factor in factors if factor.weight > 0), strategy, options)


def _factor(config: Config, name: str, registered: Registered[Factor]) -> ActiveFactor:
    configured = config.factors.get(name)
    raw = configured.options if configured else {}
    weight = registered.value.weight if configured is None or configured.weight is None else configured.weight
    options = config.structure(("factors", name), raw, _options_class(registered), own_keys=("weight",))
    return ActiveFactor(name, float(weight), options, registered)


def _options_class(registered: Registered[Any] | None) -> type | None:
    return None if registered is None else getattr(registered.value, "Options", None)


def _strategy(config: Config, registry: Registry) -> Registered[DiscoveryStrategy] | None:
    """Return the strategy that the configuration names, or else the one that says it is the default."""
    if config.strategy is not None:
        return registry.strategies.get(config.strategy)
    by_rank = sorted(registry.strategies.items(), key=lambda item: (not item[1].built_in, item[0]))
    return next((found for _, found in by_rank if getattr(found.value, "default", False)), None)


def _check_names(config: Config, registry: Registry, records: Sequence[PluginRecord]) -> None:
    """Refuse names that nothing has; only a log record where a plugin that is not active may have had them."""
    missing = [record.name for record in records if record.status != "active"]
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
    logger.warning("%s; not active: %s", error, ", ".join(missing))
