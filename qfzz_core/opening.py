"""From a URL to an open store, through the schemes that plugins registered."""

from __future__ import annotations

from typing import Any

from qfzz_core.config import Config
from qfzz_core.errors import StoreURLError, did_you_mean
from qfzz_core.registry import Registry
from qfzz_core.stores import Store

DEFAULT_URL = "memory:"


def opened_store(store: str | Store | None, config: Config, registry: Registry) -> Store:
    """Return the store that was given, or the one that the URL, or else the configuration, names; opened.

    Raises `StoreURLError` for a URL whose scheme nobody registered, and what the store raises when it cannot open.
    """
    if store is not None and not isinstance(store, str):
        return store
    url = store if store is not None else config.store_url or DEFAULT_URL
    scheme, colon, _ = url.partition(":")
    if not colon or scheme not in registry.stores:
        known = sorted(registry.stores)
        hint = did_you_mean(scheme, known) or f"; there are {', '.join(f'{name}:' for name in known)}"
        raise StoreURLError(f'no store is registered for a URL that begins with "{scheme}:"{hint}')
    backend = registry.stores[scheme].value
    opened: Any = backend.open(url, _options(config, backend.Options, scheme, url))
    return opened  # type: ignore[no-any-return]


def _options(config: Config, options: type | None, scheme: str, url: str) -> Any:
    """Return the options of `[store]`, which belong to the store of the configuration's own URL only."""
    own = config.store_url is None or config.store_url.partition(":")[0] == scheme
    raw = config.store_options if own else {}
    return config.structure(("store",), raw, options, own_keys=("url",))
