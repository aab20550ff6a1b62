"""What kind of values a column of text has: as its declaration says, otherwise as all its values are."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from qfzz_core.importing.values import decimal, says_nan, says_nothing

if TYPE_CHECKING:  # it imports NumPy, which `qfzz import --help` needs not wait for
    from qfzz_core.contracts.columns import Column

Converter = Callable[[str], Any]

# No leading zero, which ids and codes have, and no plus sign, which phone numbers have: both would be lost.
_NUMBER = re.compile(r"\s*-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\s*")
_SURELY_EXACT = 15  # characters of a whole number
_SURELY_FINITE = 300  # characters of a number without an exponent
_EXACT = 2**53  # beyond it, doubles skip whole numbers
_FLAGS = {"true": True, "false": False}
_DECLARED_FLAGS = {**_FLAGS, "yes": True, "no": False, "1": True, "0": False}


def _is_whole(text: str) -> bool:
    found = _NUMBER.fullmatch(text)
    return found is not None and found[1] is None and found[2] is None and _is_exact(text)


def _is_number(text: str) -> bool:
    found = _NUMBER.fullmatch(text)
    if found is None:
        return False
    if found[2] is None and found[1] is None:
        return _is_exact(text)
    return (found[2] is None and len(text) < _SURELY_FINITE) or math.isfinite(float(text))


def _is_exact(digits: str) -> bool:
    """Return whether a whole number is the same as a double, and has no sign to lose."""
    if len(digits) <= _SURELY_EXACT:
        return digits.strip() != "-0"
    return len(digits) < _SURELY_FINITE and abs(int(digits)) <= _EXACT


def _is_flag(text: str) -> bool:
    return text.strip().lower() in _FLAGS


def _whole(text: str) -> int | float:
    return math.nan if says_nothing(text) else int(text)


def _number(text: str) -> float:
    return math.nan if says_nothing(text) else float(text)


def _flag(text: str) -> bool:
    return _FLAGS[text.strip().lower()]


# the narrowest first: whole numbers are numbers too
_KINDS: tuple[tuple[Callable[[str], bool], Converter], ...] = (
    (_is_whole, _whole),
    (_is_number, _number),
    (_is_flag, _flag),
)


class ColumnTypes:
    """Finds out of which kind all values of some columns are; columns of more than one kind stay text.

    "nan", "N/A" and the like say in a column of numbers that there is none. A column of nothing else stays text, unless
    it is all "nan".
    """

    def __init__(self, columns: Iterable[str], missing: frozenset[str]) -> None:
        self._missing = missing
        self._found: dict[str, int | None] = dict.fromkeys(columns)
        self._columns = [*self._found]

    def is_settled(self) -> bool:
        """Return whether no further value can make a difference: all columns are text."""
        return not self._found

    def add(self, values: Mapping[str, str]) -> None:
        """Take the values of one more row into account."""
        for column in self._columns:
            value = values[column]
            kind = self._found[column]
            if kind is not None and _KINDS[kind][0](value):
                continue
            if value not in self._missing and value.strip() not in self._missing:
                self._change(column, kind, value)

    def _change(self, column: str, kind: int | None, value: str) -> None:
        """Take a value into account that is not of the kind of those before it."""
        if says_nan(value):
            found: int | None = kind or 0
            is_kept = kind != 2
        elif says_nothing(value):
            found, is_kept = kind, kind != 2
        elif kind is None:
            found = next((number for number, (holds, _) in enumerate(_KINDS) if holds(value)), None)
            is_kept = found is not None
        else:
            found, is_kept = 1, kind == 0 and _is_number(value)
        if is_kept:
            self._found[column] = found
        else:
            del self._found[column]
            self._columns = [*self._found]

    def converters(self) -> dict[str, Converter]:
        """Return what makes values of the text of each column that is no text."""
        return {column: _KINDS[kind][1] for column, kind in self._found.items() if kind is not None}


# ---- declared columns -----------------------------------------------------------------------------------------------


def _declared_flag(text: str) -> bool | str:
    return _DECLARED_FLAGS.get(text.strip().lower(), text)


def _listed(text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, list) else text


def _tags(text: str) -> list[Any]:
    value = _listed(text)
    return value if isinstance(value, list) else [text.strip()]


DECLARED: dict[str, Converter] = {
    "number": decimal,
    "flag": _declared_flag,
    "tags": _tags,
    "vector": _listed,
    "category": str,
}
"""What makes a value of text for a column of each kind; the text itself where it cannot."""


def declared_kinds(columns: Iterable[Column]) -> dict[str, str]:
    """Return the kinds of columns by the key of a track that they are made of."""
    kinds: dict[str, str] = {}
    for column in columns:
        source = column.name if column.source is None else column.source
        if column.provider is None and isinstance(source, str):
            kinds.setdefault(source, column.kind)
    return kinds


_ITEMS: dict[str, type | tuple[type, ...]] = {"tags": str, "vector": (int, float)}
_TYPES: dict[str, type | tuple[type, ...]] = {"number": (int, float), "flag": bool}


def is_usable(value: Any, kind: str) -> bool:
    """Return whether a value that was made of text is one of a column of this kind."""
    if kind in _ITEMS:
        return isinstance(value, list) and all(isinstance(item, _ITEMS[kind]) for item in value)
    return isinstance(value, _TYPES.get(kind, str))
