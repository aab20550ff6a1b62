"""A plugin that fails in the way that the environment variable QFZZ_BROKEN names; without it, it does nothing.

`python -m qfzz_broken` lists the ways.
"""

from __future__ import annotations

import os
from typing import Any

from qfzz_broken.ways import plugin_of

VARIABLE = "QFZZ_BROKEN"


def __getattr__(name: str) -> Any:
    """Make the plugin when QFZZ loads the entry point `qfzz_broken:plugin`, which some ways keep from happening."""
    if name != "plugin":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return plugin_of(os.environ.get(VARIABLE, ""))
