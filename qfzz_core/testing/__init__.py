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
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from qfzz_core._moved import serve_names

if TYPE_CHECKING:
    from qfzz_core.testing.drawing import catalogues as catalogues
    from qfzz_core.testing.drawing import preferences as preferences
    from qfzz_core.testing.drawing import profiles as profiles
    from qfzz_core.testing.drawing import tracks as tracks
    from qfzz_core.testing.engines import assert_explains as assert_explains
    from qfzz_core.testing.engines import engine_with as engine_with
    from qfzz_core.testing.factors import FactorContract as FactorContract
    from qfzz_core.testing.filters import FilterContract as FilterContract
    from qfzz_core.testing.stores import StoreContract as StoreContract
    from qfzz_core.testing.strategies import StrategyContract as StrategyContract

serve_names(
    __name__,
    {
        "drawing": "catalogues preferences profiles tracks",
        "engines": "assert_explains engine_with",
        "factors": "FactorContract",
        "filters": "FilterContract",
        "stores": "StoreContract",
        "strategies": "StrategyContract",
    },
)

if "pytest" in sys.modules:  # a failing assertion of a suite then shows its values, as one in a test module does
    _suites = (module.name for module in iter_modules(__path__, f"{__name__}."))
    sys.modules["pytest"].register_assert_rewrite(*_suites)
