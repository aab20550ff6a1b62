"""What the authors of plugins test with: contract suites, engines, and strategies for hypothesis.

Subclass a suite in a test module of your own, give it its factory, and pytest runs the whole contract::

    from qfzz_core.testing import FactorContract, StoreContract


    class TestMyFactor(FactorContract):
        def make_plugin(self):
            return my_plugin


    class TestMyStore(StoreContract):
        def open_store(self, tmp_path):
            return MyStore(tmp_path / "data")

The suites need pytest and, but for that of stores, hypothesis: `pip install "qfzz[testing]"`. Nothing is imported
before it is used.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qfzz_core.testing.drawing import catalogues, preferences, profiles, tracks
    from qfzz_core.testing.engines import assert_explains, engine_with
    from qfzz_core.testing.factors import FactorContract
    from qfzz_core.testing.filters import FilterContract
    from qfzz_core.testing.stores import StoreContract
    from qfzz_core.testing.strategies import StrategyContract

__all__ = [
    "FactorContract",
    "FilterContract",
    "StoreContract",
    "StrategyContract",
    "assert_explains",
    "catalogues",
    "engine_with",
    "preferences",
    "profiles",
    "tracks",
]

_NAMES = {
    "drawing": "catalogues preferences profiles tracks",
    "engines": "assert_explains engine_with",
    "factors": "FactorContract",
    "filters": "FilterContract",
    "stores": "StoreContract",
    "strategies": "StrategyContract",
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names.split()}

if "pytest" in sys.modules:  # a failing assertion of a suite then shows its values, as one in a test module does
    _suites = (module.name for module in iter_modules(__path__, f"{__name__}."))
    sys.modules["pytest"].register_assert_rewrite(*_suites)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
