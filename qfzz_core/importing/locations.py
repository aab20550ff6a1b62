"""Where a track lies on this computer: a path, or the URI of one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from qfzz_core.model.places import path_of


def local_path(location: str) -> str:
    """Return the path that a location means on this computer, whose names may be no UTF-8."""
    return path_of(location, errors="surrogateescape")


def file_at(location: Any) -> Path | None:
    """Return the path of the file at a location, None if it is no absolute path of a file that is there."""
    if not isinstance(location, str) or "\0" in location:
        return None
    path = local_path(location)
    return Path(path) if os.path.isabs(path) and os.path.isfile(path) else None
