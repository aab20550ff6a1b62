"""The store `memory:`, which lives and dies with its process."""

from __future__ import annotations

from typing import Any

from qfzz_core.contracts import StoreScheme
from qfzz_core.errors import StoreURLError
from qfzz_core.hookspecs import hookimpl
from qfzz_core.model.credentials import shown_url
from qfzz_plugins.stores.memory.store import MemoryStore

__all__ = ["MemoryStore", "open_memory"]


def open_memory(url: str, options: Any = None) -> MemoryStore:
    """Return a new, empty store; raises `StoreURLError` for any URL but `memory:`."""
    if url not in ("memory:", "memory://"):
        raise StoreURLError(f"a store in memory has no name or place: write memory: instead of {shown_url(url)!r}")
    return MemoryStore()


@hookimpl
def qfzz_stores() -> list[StoreScheme]:
    """Register the scheme `memory`."""
    return [StoreScheme(scheme="memory", open=open_memory)]
