"""What analysers promise: they hear an audio file, and say what its tags do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from qfzz_core.errors import InvalidInput

__all__ = ["Analyser", "AnalysisError"]


class AnalysisError(InvalidInput):
    """An audio file cannot be analysed; an analyser raises it with the reason."""


@runtime_checkable
class Analyser(Protocol):
    """Gives what it hears in an audio file; `qfzz analyse --with NAME` chooses it.

    An attribute `version`, if there is one, says which version of the analysis it is; without it, that of the
    distribution counts. Files that an older version failed at are analysed again.
    """

    @property
    def name(self) -> str:
        """The name by which the command line and tracks know it."""
        ...

    @property
    def fields(self) -> Sequence[str]:
        """The keys of a track that it can give: "bpm", "energy", "key", "mood", or any other, such as a vector's.

        With "bpm", the tempo is given too.
        """
        ...

    def analyse(self, path: Path) -> Mapping[str, Any] | None:
        """Return the values of some of the fields; None for a file of which it can say nothing.

        Raise `AnalysisError` for a file that it cannot read. Anything else that is raised is a fault of the plugin.
        """
        ...
