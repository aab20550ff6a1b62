"""What a run of the benchmarks is to do."""

from __future__ import annotations

from pathlib import Path

import attrs


@attrs.frozen(kw_only=True)
class Settings:
    """What the options of the command say; `directory` is where files are made."""

    tracks: int
    rounds: int
    directory: Path
