"""The ways in which others would rank, each in a module of its own, with one protocol."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol

from benchmarks.ranking.catalogue import Catalogue, Rows


class Rival(Protocol):
    """One way to rank. `differs` says what its work leaves out or adds; it is empty for an exact and equal answer."""

    name: str
    exact: bool
    differs: str

    def prepare(self, catalogue: Catalogue) -> None:
        """Build whatever is built once for a catalogue."""
        ...

    def answer(self, preferences: Mapping[str, Any], count: int) -> Rows:
        """Return the rows of the best `count` tracks, best first; the preferences are read again each time."""
        ...


# The package each needs, None where QFZZ's own are enough.
_PACKAGES: dict[str, str | None] = {
    "fused": None,
    "one_pass": None,
    "numba": "numba",
    "faiss": "faiss",
    "implicit_topk": "implicit",
    "duckdb": "duckdb",
    "polars": "polars",
    "sqlite": None,
    "pure_python": None,
}
NAMES = tuple(_PACKAGES)


def made(name: str) -> Rival:
    """Return a rival; raises ImportError if what it needs is not installed, and KeyError for an unknown name."""
    package = _PACKAGES[name]
    if package is not None:
        import_module(package)
    rival: Rival = import_module(f"{__name__}.{name}_ranking").RIVAL()
    return rival


def installed(names: tuple[str, ...]) -> tuple[list[Rival], list[str]]:
    """Return the rivals of these names, and the names of those that are not installed."""
    there: list[Rival] = []
    missing: list[str] = []
    for name in names:
        try:
            there.append(made(name))
        except ImportError:
            missing.append(name)
    return there, missing
