"""Several names where one could stand: lists, cells that hold one, and cells that are split at characters."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from attrs import field, frozen

from qfzz_core.model.names import normalise, normalise_genre

SEVERAL = {"genre": "genres", "artist": "artists"}
"""The fields that may have several names, and where all of them stand."""
NORMAL: dict[str, Callable[[str], str]] = {"genre": normalise_genre, "artist": normalise}

SEPARATORS = ";,/|"
# "Little Feat & Friends" is one name.
_FEATURING = r"[\s(\[](?:(?:feat|ft)\.\s*|(?:feat|ft|featuring)\s+)(?![&\s])"

# A list as Python, JSON or NumPy (without commas) writes it. Every character can match in one way only, so that a cell
# of a million characters takes no longer than reading it.
_STRING = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_LIST = re.compile(rf"\s*\[\s*(?:(?:{_STRING})\s*(?:,\s*)?)*\]\s*", re.DOTALL)
_ITEM = re.compile(_STRING, re.DOTALL)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U(00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4})|(.))", re.DOTALL)
_SHORT_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def listed(text: str) -> list[str] | None:
    """Return the strings of a list that is written as Python or JSON writes one; None for any other text."""
    if text.lstrip()[:1] != "[":
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return [_unescaped(item[0][1:-1]) for item in _ITEM.finditer(text)] if _LIST.fullmatch(text) else None
    return value if isinstance(value, list) and all(isinstance(item, str) for item in value) else None


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    return chr(int(code, 16)) if code else _SHORT_ESCAPES.get(found[4], found[4])


def unique(names: Iterable[str], normal: Callable[[str], str]) -> list[str]:
    """Return names without blanks around them, those of one normal form once, without blank ones."""
    found: dict[str, str] = {}
    for name in names:
        form = normal(name)
        if form:
            found.setdefault(form, name.strip())
    return list(found.values())


@frozen
class Split:
    """What separates the names in a cell: any of some `characters`, with `featuring` also feat., ft. and featuring.

    A character after `escape` is part of a name. What matches a regular expression, `pattern`, separates names too. A
    list is as many names as it has items if `lists`; no item is split.
    """

    characters: str = SEPARATORS
    featuring: bool = False
    escape: str = ""
    pattern: str = ""
    lists: bool = True
    _between: re.Pattern[str] | None = field(init=False, repr=False, eq=False)

    @_between.default
    def _compiled(self) -> re.Pattern[str] | None:
        escaped = f"(?<!{re.escape(self.escape)})" if self.escape else ""
        parts = [f"{escaped}[{re.escape(self.characters)}]" if self.characters else "", self.pattern]
        found = "|".join(filter(None, (*parts, _FEATURING if self.featuring else "")))
        return re.compile(found, re.IGNORECASE) if found else None

    def names(self, text: str) -> list[str]:
        """Return the names in a text, in their order, as they stand there."""
        found = listed(text) if self.lists else None
        if found is not None:
            return found
        parts = self._between.split(text) if self._between else [text]
        if self.escape:
            return [re.sub(re.escape(self.escape) + r"(.)", r"\1", part) for part in parts]
        return [_without_bracket(part) for part in parts] if self.featuring else parts


UNSPLIT = Split("", lists=False)
LISTS = Split("")


def _without_bracket(name: str) -> str:
    """Return a name without the bracket that was opened before it: of "A (feat. B)", the names are A and B."""
    name = name.rstrip()
    opened = {")": "(", "]": "["}.get(name[-1:])
    return name[:-1] if opened and opened not in name else name


_LONGEST_CACHED = 100  # characters; a cell may have millions
# Commas and slashes stand within the names of bands, so they alone do not make a cell look like several.
_LOOKS = {"genre": re.compile(r"[;,/|]"), "artist": re.compile(rf"[;|]|{_FEATURING}", re.IGNORECASE)}


def looks_several(name: str, value: str) -> str:
    """Return what seems to separate several names in the text of a field, an empty string if nothing does."""
    return _separator(name, value) if len(value) <= _LONGEST_CACHED else _separator.__wrapped__(name, value)


# A genre or an artist stands in many rows: 0.6 microseconds to look at, 0.1 to find.
@lru_cache(maxsize=16_384)
def _separator(name: str, value: str) -> str:
    if value[:1] == "[" and listed(value):
        return "["
    found = _LOOKS[name].search(value)
    return found[0][0] if found else ""


def names_of(value: Any) -> list[str] | None:
    """Return the names of a list of names, or of objects that have one; None for anything else."""
    if not isinstance(value, list):
        return None
    items = (item.get("name") if isinstance(item, dict) else item for item in value)
    names = [item for item in items if isinstance(item, str)]
    return names if len(names) == len(value) else None
