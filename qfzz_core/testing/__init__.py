"""Contract suites for the authors of plugins.

Subclass a suite in a test module of your own, give it its factory, and pytest runs the whole contract::

    from qfzz_core.testing import StoreContract


    class TestMyStore(StoreContract):
        def open_store(self, tmp_path):
            return MyStore(tmp_path / "data")

The suites need pytest, which is imported when one of them is asked for.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qfzz_core.testing.stores import StoreContract

__all__ = ["StoreContract"]

_PARTS = ("catalogue", "changes", "events", "records", "transactions", "users")
_SUITES = ("stores", *(f"stores_{part}" for part in _PARTS))

if "pytest" in sys.modules:  # a failing assertion of a suite then shows its values, as one in a test module does
    sys.modules["pytest"].register_assert_rewrite(*(f"{__name__}.{suite}" for suite in _SUITES))


def __getattr__(name: str) -> Any:
    if name != "StoreContract":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from qfzz_core.testing.stores import StoreContract

    return StoreContract
