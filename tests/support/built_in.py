"""What is built in, whatever else is installed."""

from __future__ import annotations

from functools import cache

from qfzz_core.config import Config
from qfzz_core.formats.files import Readers
from qfzz_core.plugins.faults import Faults
from qfzz_core.plugins.loader import Loader
from qfzz_core.plugins.record import find_plugins
from qfzz_core.plugins.registry import Registry


@cache
def built_in_registry() -> Registry:
    """Return what built-in plugins register."""
    faults = Faults(strict=True)
    loader = Loader(find_plugins(installed=()), faults)
    loader.load(frozenset(), frozenset())
    return Registry(loader, Config(), faults)


@cache
def built_in_readers() -> Readers:
    """Return the readers that are built in."""
    return Readers.of(built_in_registry(), Faults(strict=True).report)
