"""Where a track lies on this computer: a path, or the URI of one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote

_FILE_URI = "file://"


def path_of(location: str) -> str:
    """Return the path that a location means if it is the URI of a file, else the location itself."""
    if not location.startswith(_FILE_URI):
        return location
    return unquote(location.removeprefix(_FILE_URI), errors="surrogateescape")


def file_at(location: Any) -> Path | None:
    """Return the path of the file at a location, None if it is no absolute path of a file that is there."""
    if not isinstance(location, str) or "\0" in location:
        return None
    path = path_of(location)
    return Path(path) if os.path.isabs(path) and os.path.isfile(path) else None
