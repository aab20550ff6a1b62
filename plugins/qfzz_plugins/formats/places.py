"""Where the sound of a track lies, for playlists that players open."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_NO_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]+")
LOCATION_KEYS = ("location", "url", "path")


def location(track: Mapping[str, Any]) -> str | None:
    """Return the first text under `location`, `url` or `path` that is not blank, on one line; None without one."""
    for key in LOCATION_KEYS:
        value = track.get(key)
        if isinstance(value, str) and value.strip():
            return one_line(value)
    return None


def one_line(text: str) -> str:
    """Return a text without line breaks and what else XML cannot hold; each run of them becomes a space."""
    return _NO_TEXT.sub(" ", text)
