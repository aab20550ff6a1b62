"""All ways of being broken, by name."""

from __future__ import annotations

from typing import Any

from qfzz_broken import choosing, loading, notifying, registering, scoring
from qfzz_broken.parts import Plugin, Way

WAYS: dict[str, Way] = {
    way.name: way for module in (loading, registering, scoring, choosing, notifying) for way in module.WAYS
}


def plugin_of(name: str) -> Any:
    """Return a plugin that is broken in this way, a sound one for no way; KeyError for a way that there is not."""
    return WAYS[name].make() if name else Plugin()
