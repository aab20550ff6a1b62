"""What the configuration says of registered objects: weights, options, the strategy and the store."""

from __future__ import annotations

import logging
import math
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import quote

import attrs

from qfzz_core.config import Config, FactorConfig, has_defaults
from qfzz_core.contracts.factors import Factor
from qfzz_core.contracts.stores import Store, StoreScheme
from qfzz_core.contracts.strategies import DiscoveryStrategy
from qfzz_core.errors import ConfigError, QfzzError, StoreError, StoreURLError, did_you_mean, shown
from qfzz_core.model.credentials import shown_url, without_credentials
from qfzz_core.model.names import text_of
from qfzz_core.plugins.faults import BrokenContractError, Report, answer, described, fault_in
from qfzz_core.plugins.record import Origin, PluginRecord
from qfzz_core.plugins.registry import GREATEST_WEIGHT, Registered, Registry

logger = logging.getLogger("qfzz.config")

DEFAULT_URL = "memory:"
_ON_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


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
    chosen = _chosen_strategy(config, registry)
    outer, tables = _divided(config.strategy_options, chosen)
    _check_names(config, registry, records, tables)
    factors: list[ActiveFactor] = []
    for name, factor in registry.factors.items():
        with _reporting(report, factor.origin, f"factor {name}"):
            factors.append(_factor(config, name, factor))
    options: dict[str, Any] = {}
    for name, strategy in registry.strategies.items():
        # A strategy that nobody chose or configured may have options without a default: it may never be called.
        with _reporting(report, strategy.origin, f"strategy {name}"):
            if strategy is chosen or name in tables or has_defaults(_options_class(strategy)):
                flat = outer if strategy is chosen else {}
                options[name] = _structured(config, strategy, flat, tables.get(name, {}))
    used = chosen if chosen is not None and chosen.name in options else None
    return Settings(_in_order(config, factors), used, options)


def _options_class(registered: Registered[Any]) -> type | None:
    return registered.options


@contextmanager
def _reporting(report: Report, origin: Origin, component: str) -> Iterator[None]:
    """Report an `Options` class that cannot be used, and go on; a `ConfigError` is the user's and is raised."""
    try:
        yield
    except ConfigError:
        raise
    except BaseException as error:  # noqa: BLE001 - the class is a plugin's and may raise anything
        report(origin, f"options of {component}", fault_in(error))


# ---- the factors ---------------------------------------------------------------------------------------------------


def _factor(config: Config, name: str, registered: Registered[Factor]) -> ActiveFactor:
    configured = config.factors.get(name, FactorConfig())
    weight = registered.value.weight if configured.weight is None else configured.weight
    cls = _options_class(registered)
    options = config.structure(("factors", name), configured.options, cls, own_keys=("weight",))
    weight = float(weight)
    if not 0 <= weight <= GREATEST_WEIGHT:
        raise BrokenContractError(f"the weight was valid when it registered, and is {weight} now")
    return ActiveFactor(name, weight, options, registered)


def _in_order(config: Config, factors: Sequence[ActiveFactor]) -> tuple[ActiveFactor, ...]:
    """Return the factors that have a weight; the documented ones have a place in the sum, all others follow by name."""
    weighty = [factor for factor in factors if factor.weight > 0]
    if not math.isfinite(sum(factor.weight for factor in weighty)):
        raise config.error(("factors",), None, "the sum of all weights is too large to be a number")
    return tuple(sorted(weighty, key=lambda factor: (_order(factor.registered), factor.name)))


def _order(registered: Registered[Factor]) -> float:
    # Floats are not summed in another order when a plugin comes in: only a built-in factor has a place.
    return getattr(registered.value, "order", math.inf) if registered.built_in else math.inf


# ---- the strategies ------------------------------------------------------------------------------------------------


def _chosen_strategy(config: Config, registry: Registry) -> Registered[DiscoveryStrategy] | None:
    """Return the strategy that the configuration names, or else the one that says it is the default."""
    if config.strategy is not None:
        return registry.strategies.get(config.strategy)
    by_rank = sorted(registry.strategies.items(), key=lambda item: (not item[1].built_in, item[0]))
    return next((found for _, found in by_rank if found.default), None)


def _divided(
    raw: Mapping[str, Any], chosen: Registered[DiscoveryStrategy] | None
) -> tuple[Mapping[str, Any], Mapping[str, Mapping[str, Any]]]:
    """Return the options that `[discovery]` holds itself, which are the chosen strategy's, and the tables by strategy.

    A table under the name of one of that strategy's options is that option, as it was before strategies had tables.
    """
    cls = None if chosen is None else _options_class(chosen)
    own = () if cls is None else attrs.fields_dict(cls)
    tables = {name: value for name, value in raw.items() if isinstance(value, Mapping) and name not in own}
    return {key: value for key, value in raw.items() if key not in tables}, tables


def _structured(
    config: Config, strategy: Registered[DiscoveryStrategy], outer: Mapping[str, Any], own: Mapping[str, Any]
) -> Any:
    table = ("discovery", strategy.name) if own else ("discovery",)
    for key in own.keys() & outer.keys():
        message = f"{key} is in [discovery] too ({config.place(('discovery', key))}); keep one of them"
        raise config.error(table, key, message)
    cls, own_keys = _options_class(strategy), ("strategy",)
    return config.structure(table, {**outer, **own}, cls, own_keys=own_keys, outer_keys=outer if own else ())


# ---- names ---------------------------------------------------------------------------------------------------------


def _check_names(
    config: Config, registry: Registry, records: Sequence[PluginRecord], strategies: Collection[str]
) -> None:
    """Refuse names that nothing has; only an INFO record where a plugin that is not active may have had them."""
    inactive = [record.name for record in records if not record.takes_part]

    def check(kind: str, name: str, known: Collection[str], table: tuple[str, ...], key: str | None = None) -> None:
        if name not in known:
            error = config.error(table, key, f'no {kind} "{name}" is registered{did_you_mean(name, known)}')
            if not inactive:
                raise error
            logger.info("%s; not active: %s", error, ", ".join(inactive))

    for name in config.factors:
        check("factor", name, registry.factors, ("factors", name))
    if config.strategy is not None:
        check("strategy", config.strategy, registry.strategies, ("discovery",), "strategy")
    for name in strategies:
        check("strategy", name, registry.strategies, ("discovery", name))
    for name in config.rules:
        check("rule", name, (), ("rules", name))
    names = [record.name for record in records]
    for name in config.plugins:
        if name not in names:
            raise config.error(("plugins", name), None, f'no plugin "{name}" is installed{did_you_mean(name, names)}')


# ---- the store ----------------------------------------------------------------------------------------------------


def opened_store(store: str | Store | None, config: Config, registry: Registry) -> Store:
    """Return the store that was given, or the one that the URL, or else the configuration, names; opened.

    Raises `StoreURLError` for a URL whose scheme nobody registered, and the `StoreError` that the store raises when it
    cannot open; if it raises anything else, a `StoreError` that names the plugin.
    """
    given = text_of(store)
    if store is not None and given is None:
        if _is_store(store):
            return store  # type: ignore[return-value]
        raise StoreURLError(f"store must be a URL such as sqlite:///music.db, or a store, got {shown(store)}")
    url = given if given is not None else config.store_url or DEFAULT_URL
    backend, options = checked_store(url, config, registry)
    try:
        opened: Store = answer(backend.open, url, options)
    except QfzzError:
        raise
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
        fault, origin = fault_in(error), registry.stores[backend.scheme].origin
        reason = without_credentials(described(fault))
        raise StoreError(f'store "{backend.scheme}" of {origin} cannot be opened: {reason}') from fault
    return opened


def _file_meant(url: str, registry: Registry) -> str:
    """Return a suggestion for a path in the place of a URL, an empty string for what looks like none."""
    is_windows = _ON_DRIVE.match(url) or "\\" in url
    path = PureWindowsPath(url) if is_windows else PurePosixPath(os.path.expanduser(url))
    in_files = [each.value for each in registry.stores.values() if each.built_in and each.value.before_path]
    if not in_files or "://" in url or not (len(path.parts) > 1 or path.suffix):
        return ""
    return f', did you mean "{in_files[0].before_path}{quote(path.as_posix(), safe="/:~ ")}"?'


_METHODS = [name for name in vars(Store) if not name.startswith("_")]


def _is_store(given: object) -> bool:
    """Return whether an object has what a store has; from Python 3.12 on, `isinstance` finds none of a wrapper's."""
    try:
        return all(hasattr(given, name) for name in _METHODS)
    except Exception:  # noqa: BLE001 - an attribute may be a property that raises anything
        return False


def checked_store(url: str, config: Config, registry: Registry) -> tuple[StoreScheme, Any]:
    """Return the backend of a URL and its options, without opening it.

    Raises `StoreURLError` for a scheme that nobody registered and `ConfigError` for options it does not take.
    """
    scheme, colon, _ = url.partition(":")
    if not colon or scheme not in registry.stores:
        known = [f"{name}:" for name in sorted(registry.stores)]
        near = did_you_mean(scheme, sorted(registry.stores)) if colon else did_you_mean(f"{url}:", known)
        hint = _file_meant(shown_url(url), registry) or near or f"; there are {', '.join(known)}"
        raise StoreURLError(f'no store is registered for a URL that begins with "{shown_url(scheme)}{colon}"{hint}')
    backend = registry.stores[scheme].value
    # The options of [store] belong to the backend of the configuration's own URL: with sqlite: there, `--store memory:`
    # must not be refused for a timeout that it does not take.
    own = config.store_url is None or config.store_url.partition(":")[0] == scheme
    raw = config.store_options if own else {}
    return backend, config.structure(("store",), raw, backend.Options, own_keys=("url",))
