"""Where a plugin came from, as explanations and reports say it."""

from __future__ import annotations

import attrs


@attrs.frozen
class Origin:
    """A plugin's name with the distribution and version that brought it, or the file; none if it was passed in code."""

    plugin: str
    distribution: str | None = None
    version: str | None = None
    file: str | None = None

    def __str__(self) -> str:
        return f'plugin "{self.plugin}" ({self.source})'

    @property
    def source(self) -> str:
        """Who brought it, in words."""
        if self.file is not None:
            return f"file {self.file}"
        return "passed in code" if self.distribution is None else f"distribution {self.distribution} {self.version}"
