"""Where a track lies: a path of any system, or a URI; `file:` URIs are the paths that they mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

LOCATION_KEYS = ("location", "url", "path")
"""The keys of a track that say where it lies, the first that is there."""

DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def location(track: Mapping[str, Any]) -> str | None:
    """Return the first text under `location`, `url` or `path` that is not blank; None without one."""
    given = map(track.get, LOCATION_KEYS)
    return next((each for each in given if isinstance(each, str) and each.strip()), None)


def path_of(uri: str, *, errors: str = "strict") -> str:
    """Return the path that a URI of a file means; any other URI or path as it is.

    What is percent-encoded and no UTF-8 stays as it is, unless `errors` says otherwise, as for `bytes.decode`.
    """
    scheme, _, path = uri.partition(":")
    if scheme.lower() != "file":
        return uri
    if path.startswith("//"):
        computer, _, path = path[2:].partition("/")
        path = f"/{path}" if computer in ("", "localhost") else f"//{computer}/{path}"
    path = unquoted(path, errors=errors)
    bare = path.lstrip("/")
    return bare.replace("/", "\\") if DRIVE.match(bare) else path or uri


def unquoted(text: str, *, errors: str = "strict") -> str:
    """Return a text without its percent signs; as it is if what they stand for cannot be decoded."""
    try:
        return unquote(text, errors=errors)
    except UnicodeDecodeError:
        return text
