"""The plugin of pytest that comes with QFZZ. It imports nothing of QFZZ until its fixture is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from qfzz_core.engine import Engine


@pytest.fixture
def qfzz() -> Iterator[Callable[..., Engine]]:
    """Make engines for a test, as `qfzz_core.testing.engine_with` does; they are closed after it."""
    with ExitStack() as open_engines:

        def make(*plugins: Any, **settings: Any) -> Engine:
            from qfzz_core.testing.engines import engine_with

            return open_engines.enter_context(engine_with(*plugins, **settings))

        yield make
