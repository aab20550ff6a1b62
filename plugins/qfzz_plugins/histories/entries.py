"""Values of an entry of a history, checked: whatever the file holds, an entry is a play or says what is wrong."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any

from qfzz_core.contracts.formats import TrackFile
from qfzz_core.contracts.histories import LeftOut, Play
from qfzz_core.errors import InvalidInput
from qfzz_core.importing.values import shown
from qfzz_core.model.names import is_storable
from qfzz_plugins.formats.json_text import JsonText, problem_of

Entry = Mapping[str, Any]

# The longest title of MusicBrainz has 2,300 characters, of an album; a name is normalised and compared as a whole.
_LONGEST = 5_000
_MOST_SECONDS = 100 * 86_400.0  # a play of more than 100 days is a mistake of the source
_KEY = re.compile(r'"(\w+)"\s*:')
_FIRST_YEAR = 1970  # what scrobblers write where they know no time, and the earliest that any means


class EntryError(InvalidInput):
    """An entry cannot be read; says why."""


# ---- entries of a file ----------------------------------------------------------------------------------------------


def played(
    entries: Iterable[tuple[int, Any]], play_of: Callable[[int, Entry], Play | LeftOut]
) -> Iterator[Play | LeftOut]:
    """Yield what `play_of` makes of the objects among numbered entries; what it refuses is left out as bad."""
    for line, entry in entries:
        try:
            if not isinstance(entry, dict):
                raise entry if isinstance(entry, EntryError) else EntryError(f"expected an object, got {shown(entry)}")
            yield play_of(line, entry)
        except EntryError as error:
            yield LeftOut(line, "bad", str(error))


def json_lines(file: TrackFile) -> Iterator[tuple[int, Any]]:
    """Yield the number and the value of each line of JSON; the error of a line that is none."""
    for number, line in enumerate(file.lines(), start=1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError) as error:
                yield number, EntryError(f"not valid JSON: {problem_of(error)}")


def json_items(file: TrackFile) -> Iterator[tuple[int, Any]]:
    """Yield the number and the value of each item of a list of JSON, or of each value where several follow another."""
    document = JsonText(file)
    if document.peek() == "[":
        yield from enumerate(document.items(), start=1)
        document.end()
    else:
        for number in count(1):
            if not document.peek():
                return
            yield number, document.value()


def json_entries(file: TrackFile) -> Iterator[tuple[int, Any]]:
    """Yield the numbered values of a file of JSON; of JSON Lines, where a line that is none does not end the file."""
    return json_items(file) if file.path.suffix.lower() == ".json" else json_lines(file)


def first_keys(beginning: str) -> set[str]:
    """Return the keys of the object that a text begins with, alone or in a list, even of one that is cut off."""
    text = beginning.lstrip("\ufeff \t\r\n[")
    if not text.startswith("{"):
        return set()
    try:
        found, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return set(_KEY.findall(text, 0, _LONGEST))
    return set(found)


def is_list(beginning: str) -> bool:
    """Return whether a text begins with a list of JSON."""
    return beginning.lstrip("\ufeff \t\r\n").startswith("[")


# ---- values ---------------------------------------------------------------------------------------------------------


def text(entry: Entry, key: str) -> str | None:
    """Return the text of a key, trimmed; None if there is none, or a blank one."""
    value = entry.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise EntryError(f"{key} must be text, got {shown(value)}")
    if len(value) > _LONGEST:
        raise EntryError(f"{key} has {len(value):,} characters, more than {_LONGEST:,}")
    if not is_storable(value):
        raise EntryError(f"{key} holds a lone surrogate, which is no character")
    return value.strip() or None


def named(entry: Entry, key: str) -> str:
    """Return the text of a key; raises `EntryError` if there is none."""
    value = text(entry, key)
    if value is None:
        raise EntryError(f"{key} is missing")
    return value


def object_of(entry: Entry, key: str) -> Entry:
    """Return the object of a key, an empty one if there is none."""
    value = entry.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise EntryError(f"{key} must be an object, got {shown(value)}")
    return value


def names(entry: Entry, key: str) -> tuple[str, ...]:
    """Return the strings of a list, without blank ones; nothing if there is no list."""
    value = entry.get(key)
    if not isinstance(value, list):
        return ()
    return tuple(name for place in range(min(len(value), 100)) if (name := text({key: value[place]}, key)))


def number(entry: Entry, key: str) -> float | None:
    """Return the finite number of a key, as a number or as text; None if there is none."""
    value = entry.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            found = float(value)
        except (ValueError, OverflowError):
            found = math.nan
        if math.isfinite(found):
            return found
    raise EntryError(f"{key} must be a number, got {shown(value)}")


def seconds(entry: Entry, key: str, per_second: int = 1) -> float | None:
    """Return the time span of a key in seconds; None if there is none."""
    found = number(entry, key)
    if found is not None and not 0 <= found / per_second <= _MOST_SECONDS:
        raise EntryError(f"{key} must be from 0 to {_MOST_SECONDS * per_second:,.0f}, got {shown(entry[key])}")
    return found and found / per_second


def length(entry: Entry, key: str, per_second: int = 1) -> float | None:
    """Return the duration of a track; None also for what can be none, as sources write 0 for an unknown one."""
    try:
        return seconds(entry, key, per_second) or None
    except EntryError:
        return None


# ---- times ----------------------------------------------------------------------------------------------------------


def since_epoch(entry: Entry, key: str, per_second: int = 1) -> datetime:
    """Return the moment of a number of seconds since 1970-01-01 UTC."""
    found = number(entry, key)
    if found is None:
        raise EntryError(f"{key} is missing")
    return _moment(key, entry[key], lambda: datetime.fromtimestamp(found / per_second, UTC))


def iso_time(entry: Entry, key: str) -> datetime:
    """Return the moment of a time in ISO-8601, of UTC where it names no zone."""
    value = named(entry, key)
    found = _moment(key, value, lambda: datetime.fromisoformat(value))
    return _moment(key, value, lambda: found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC))


def _moment(key: str, value: Any, made: Callable[[], datetime]) -> datetime:
    try:
        found = made()
    except (ValueError, OverflowError, OSError):
        raise EntryError(f"{key} is no time: {shown(value)}") from None
    if found.year < _FIRST_YEAR:
        raise EntryError(f"{key} is before {_FIRST_YEAR}: {shown(value)}")
    return found
