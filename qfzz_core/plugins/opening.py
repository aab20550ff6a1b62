"""From a URL to an open store, through the schemes that plugins registered."""

from __future__ import annotations

from typing import Any

from qfzz_core.config import Config
from qfzz_core.contracts.stores import Store, StoreScheme
from qfzz_core.errors import QfzzError, StoreError, StoreURLError, did_you_mean
from qfzz_core.plugins.faults import answer, described
from qfzz_core.plugins.registry import Registry

DEFAULT_URL = "memory:"


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
