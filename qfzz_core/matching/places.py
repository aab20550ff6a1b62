"""Where a track lies, as places are compared: a path is a path, whether it was written as one or as a URI."""

from __future__ import annotations

import re
from urllib.parse import unquote

_FILE = re.compile(r"^file:(?://(?:localhost)?)?(?=/)", re.IGNORECASE)
_DRIVE = re.compile(r"^/(?=[A-Za-z]:)")


def place_of(location: str) -> str:
    """Return a location as it is compared: `file:` URIs as the path they mean, with slashes in one direction."""
    location = location.strip()
    if _FILE.match(location):
        location = _DRIVE.sub("", unquote(_FILE.sub("", location)))
    return location if "://" in location else location.replace("\\", "/").removeprefix("./")
