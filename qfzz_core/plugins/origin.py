"""Where a plugin came from, as explanations and reports say it."""

from __future__ import annotations

import attrs


@attrs.frozen
class Origin:
    """A plugin's name with the distribution and version that brought it, None for a plugin passed in code."""

    plugin: str
    distribution: str | None = None
    version: str | None = None

    def __str__(self) -> str:
        if self.distribution is None:
            return f'plugin "{self.plugin}" (passed in code)'
        return f'plugin "{self.plugin}" (distribution {self.distribution} {self.version})'
