"""What the configuration says of registered objects: weights, options, the strategy and the store."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import attrs

from qfzz_core.config import Config, FactorConfig, has_defaults
from qfzz_core.contracts.factors import Factor
from qfzz_core.contracts.stores import Store, StoreScheme
from qfzz_core.contracts.strategies import DiscoveryStrategy
from qfzz_core.errors import ConfigError, QfzzError, StoreError, StoreURLError, did_you_mean
from qfzz_core.plugins.faults import Report, answer, described
from qfzz_core.plugins.record import Origin, PluginRecord
from qfzz_core.plugins.registry import Registered, Registry

logger = logging.getLogger("qfzz.config")

DEFAULT_URL = "memory:"


@attrs.frozen
class ActiveFactor:
    """A factor with a weight above 0, and its options."""

    name: str
    weight: float
    options: Any
    registered: Registered[Factor]


@attrs.frozen
class Settings:
    """The factors in the order of the sum, the strategy in use, and the options of each strategy by its name.

    A strategy whose options are missing or cannot be used has none here, and can be neither used nor wrapped.
    """

    factors: tuple[ActiveFactor, ...]
    strategy: Registered[DiscoveryStrategy] | None
    strategy_options: Mapping[str, Any]


def made_settings(config: Config, registry: Registry, records: Sequence[PluginRecord], report: Report) -> Settings:
    """Return the settings; raises `ConfigError` for what the configuration gets wrong.

    An object whose `Options` class cannot be used is reported and left out.
    """
    missing = [record.name for record in records if not record.takes_part]
    _check_names(config, registry, records, missing)
    factors: list[ActiveFactor] = []
    for name, registered in registry.factors.items():
        with _reporting(report, registered.origin, f"factor {name}"):
            factors.append(_factor(config, name, registered))
    used = [factor for factor in factors if factor.weight > 0]
    used.sort(key=lambda factor: (_order(factor.registered), factor.name))
    if not math.isfinite(sum(factor.weight for factor in used)):
        raise config.error(("factors",), None, "the sum of all weights is too large to be a number")
    chosen = _chosen_strategy(config, registry)
    options = _strategy_options(config, registry, chosen, missing, report)
    return Settings(tuple(used), chosen if chosen is not None and chosen.value.name in options else None, options)


@contextmanager
def _reporting(report: Report, origin: Origin, component: str) -> Iterator[None]:
    """Report an `Options` class that cannot be used, and go on; a `ConfigError` is the user's and is raised."""
    try:
        yield
    except ConfigError:
        raise
    except Exception as error:  # noqa: BLE001 - the class is a plugin's and may raise anything
        report(origin, f"options of {component}", error)


def _order(registered: Registered[Factor]) -> float:
    """Return the place in the sum: the documented factors have theirs, all others come after them by name."""
    return getattr(registered.value, "order", math.inf) if registered.built_in else math.inf


def _factor(config: Config, name: str, registered: Registered[Factor]) -> ActiveFactor:
    configured = config.factors.get(name, FactorConfig())
    weight = registered.value.weight if configured.weight is None else configured.weight
    cls = getattr(registered.value, "Options", None)
    options = config.structure(("factors", name), configured.options, cls, own_keys=("weight",))
    return ActiveFactor(name, float(weight), options, registered)


# ---- the strategies ------------------------------------------------------------------------------------------------


def _strategy_options(
    config: Config,
    registry: Registry,
    chosen: Registered[DiscoveryStrategy] | None,
    missing: Sequence[str],
    report: Report,
) -> dict[str, Any]:
    """Return the options of each strategy, from its table `[discovery.NAME]`, the chosen one's from `[discovery]` too.

    One that is neither chosen nor has a table needs no options that have no default: it may never be called.
    """
    flat, tables = _divided(config, registry, chosen, missing)
    options: dict[str, Any] = {}
    for name, registered in registry.strategies.items():
        cls = getattr(registered.value, "Options", None)
        if registered is chosen or name in tables or cls is None or has_defaults(cls):
            with _reporting(report, registered.origin, f"strategy {name}"):
                outer = flat if registered is chosen else {}
                options[name] = _structured(config, name, outer, tables.get(name, {}), cls)
    return options


def _divided(
    config: Config, registry: Registry, chosen: Registered[DiscoveryStrategy] | None, missing: Sequence[str]
) -> tuple[Mapping[str, Any], Mapping[str, Mapping[str, Any]]]:
    """Return the chosen strategy's options that `[discovery]` holds itself, and its tables by strategy.

    A table under the name of one of that strategy's options is that option, as it was before strategies had tables.
    """
    cls = None if chosen is None else getattr(chosen.value, "Options", None)
    own = [] if cls is None else [field.name for field in attrs.fields(cls)]
    raw = config.strategy_options
    tables = {name: value for name, value in raw.items() if isinstance(value, Mapping) and name not in own}
    for name in sorted(tables.keys() - registry.strategies.keys()):
        message = f'no strategy "{name}" is registered{did_you_mean(name, [*registry.strategies, *own])}'
        _refuse(config.error(("discovery", name), None, message), missing)
    return {key: value for key, value in raw.items() if key not in tables}, tables


def _structured(config: Config, name: str, outer: Mapping[str, Any], own: Mapping[str, Any], cls: type | None) -> Any:
    for key in own.keys() & outer.keys():
        message = f"{key} is in [discovery] too ({config.place(('discovery', key))}); keep one of them"
        raise config.error(("discovery", name), key, message)
    table = ("discovery", name) if own else ("discovery",)
    return config.structure(table, {**outer, **own}, cls, own_keys=("strategy",), outer_keys=outer if own else ())


def _chosen_strategy(config: Config, registry: Registry) -> Registered[DiscoveryStrategy] | None:
    """Return the strategy that the configuration names, or else the one that says it is the default."""
    if config.strategy is not None:
        return registry.strategies.get(config.strategy)
    by_rank = sorted(registry.strategies.items(), key=lambda item: (not item[1].built_in, item[0]))
    return next((found for _, found in by_rank if getattr(found.value, "default", False)), None)


def _check_names(config: Config, registry: Registry, records: Sequence[PluginRecord], missing: Sequence[str]) -> None:
    """Refuse names that nothing has; only an INFO record where a plugin that is not active may have had them."""
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


# ---- the store ----------------------------------------------------------------------------------------------------


def opened_store(store: str | Store | None, config: Config, registry: Registry) -> Store:
    """Return the store that was given, or the one that the URL, or else the configuration, names; opened.

    Raises `StoreURLError` for a URL whose scheme nobody registered, and the `StoreError` that the store raises when it
    cannot open; if it raises anything else, a `StoreError` that names the plugin.
    """
    if store is not None and not isinstance(store, str):
        return store
    url = store if store is not None else config.store_url or DEFAULT_URL
    backend, options = checked_store(url, config, registry)
    try:
        opened: Store = answer(backend.open, url, options)
    except QfzzError:
        raise
    except Exception as error:
        origin = registry.stores[backend.scheme].origin
        raise StoreError(f'store "{backend.scheme}" of {origin} cannot be opened: {described(error)}') from error
    return opened


def checked_store(url: str, config: Config, registry: Registry) -> tuple[StoreScheme, Any]:
    """Return the backend of a URL and its options, without opening it.

    Raises `StoreURLError` for a scheme that nobody registered and `ConfigError` for options it does not take.
    """
    scheme, colon, _ = url.partition(":")
    if not colon or scheme not in registry.stores:
        known = sorted(registry.stores)
        hint = did_you_mean(scheme, known) or f"; there are {', '.join(f'{name}:' for name in known)}"
        raise StoreURLError(f'no store is registered for a URL that begins with "{scheme}:"{hint}')
    backend = registry.stores[scheme].value
    # The options of [store] belong to the backend of the configuration's own URL.
    own = config.store_url is None or config.store_url.partition(":")[0] == scheme
    raw = config.store_options if own else {}
    return backend, config.structure(("store",), raw, backend.Options, own_keys=("url",))
