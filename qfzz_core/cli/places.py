"""Where stores lie, as far as their URLs say it."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from qfzz_core.cli.session import Session
from qfzz_core.errors import StoreUnavailableError

_SQLITE = "sqlite:///"
_CREDENTIALS = re.compile("(?<=://)[^/]*@|(?<=password=)[^&]*")


def store_file(url: str) -> Path | None:
    """Return the file of a store, None for one that is no single file."""
    path = unquote(url.removeprefix(_SQLITE), errors="surrogateescape")
    return Path(path) if url.startswith(_SQLITE) and path and "\0" not in path else None


def refuse_missing(url: str) -> None:
    """Raise `StoreUnavailableError` if the store is a file that does not exist: opening it would make a new one."""
    file = store_file(url)
    if file is not None and not file.exists():
        raise StoreUnavailableError(f"there is no store {file}; check the path")


def chosen_url(session: Session) -> str:
    """Return the URL of a session's store, which exists; raises `StoreUnavailableError` if it does not."""
    url = session.store_url(session.configuration()).value or ""
    refuse_missing(url)
    return url


def without_credentials(url: str) -> str:
    """Return a URL as it may be shown."""
    return _CREDENTIALS.sub("", url)
