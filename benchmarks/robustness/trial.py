"""What a trial is, what it is given, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import attrs


@attrs.frozen
class Finding:
    """One figure: `what` was counted or measured, the `value` shown with its unit, and whether it is as promised."""

    what: str
    value: str
    holds: bool


@attrs.frozen(kw_only=True)
class Settings:
    """What the options of the command say.

    `scale` is the share of the full number of attempts, above 0. `directory` is where files are made. `postgresql` is
    the URL of a server whose user may create databases.
    """

    scale: float
    seed: int
    directory: Path
    postgresql: str

    def times(self, full: int) -> int:
        """Return how many attempts to make in place of the full number, at least 1."""
        return max(1, round(full * self.scale))


@attrs.frozen
class Trial:
    """Something that is done to the library: `tried` says in a sentence what is done, as the page shows it.

    `run` does it and yields what came of it, as soon as it is known.
    """

    name: str
    tried: str
    run: Callable[[Settings], Iterable[Finding]]
