"""Credentials: what has to go before a URL, or an error that quotes one, is shown, logged or stored."""

from __future__ import annotations

import re

HIDDEN = "***"

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?P<slashes>/+)(?P<rest>.*)", re.DOTALL)
# Where a URL may stand in a sentence. The raw password of a malformed one may hold anything, blanks too, so that it
# reaches to the last @ of the line; a path after three slashes has none. Bounded, so that no text takes long.
_IN_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}:(?:///\S*|/[^\n]{0,1000}@\S*|//?\S*)")
_WELL_FORMED = re.compile(r"(?:\[[^\]/?#]*\]|[^/?#:]*)(?::\d*)?(?:[/?#].*)?\Z", re.DOTALL)
_DRIVE = re.compile(r"\A[A-Za-z]:(?=[/\\])")
_SECRET = (
    r"[\w.-]{0,30}(?:pass|pwd|secret|token|api_?key|access_?key|credential|client_key|server_key)[\w.-]{0,30}"
    r"\s{0,9}=\s{0,9}"
)
_PARAMETER = re.compile(rf"(?P<name>(?i:{_SECRET}))(?P<value>'(?:[^'\\]|\\.)*'?|[^\s'\"][^\s]*)")


def without_credentials(text: str) -> str:
    """Return a text, such as an error's, in which stars stand where URLs and parameters in it hold credentials."""
    hidden = _IN_TEXT.sub(lambda found: shown_url(found[0]), text)
    return _PARAMETER.sub(rf"\g<name>{HIDDEN}", hidden)


def shown_url(url: str) -> str:
    """Return a URL in which stars stand for user, password and whatever else nobody but the server should see.

    Of one that cannot be parsed, or whose password holds what should have been escaped in it, everything before the
    last @ goes. A secret parameter hides all that follows, because a raw password may hold an ampersand.
    """
    parameter = re.search(rf"(?<=[?&;])(?i:{_SECRET})", url)
    if parameter:
        return shown_url(url[: parameter.start()]) + parameter[0] + HIDDEN
    parts = _URL.match(url)
    if parts is None:
        return HIDDEN + url[url.rindex("@") :] if "@" in url else url
    beginning = f"{parts['scheme']}:{parts['slashes']}"
    return beginning + (_file(parts["rest"]) if len(parts["slashes"]) > 2 else _place(parts["rest"], parts["slashes"]))


def _file(path: str) -> str:
    """Return a path, which may hold an @, unless what stands before that looks like a login."""
    before, at, after = path.rpartition("@")
    return HIDDEN + at + after if ":" in _DRIVE.sub("", before) else path


def _place(rest: str, slashes: str) -> str:
    _, at, after = rest.rpartition("@")
    if at:
        return HIDDEN + at + after
    parsed = len(slashes) == 2 and _WELL_FORMED.match(rest)
    return rest if parsed or ":" not in rest else HIDDEN
