"""Plain data: values that JSON can say, copied so that nobody shares them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from qfzz_core.model.names import is_storable

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_DEPTH = 100  # far below the 1,000 frames after which Python itself gives up, in `copied` and in `json`
_SMALLEST, _LARGEST = -(2**63), 2**63  # integers of which the length needs no look
_MAX_INTEGER_BITS = 14_000  # Python refuses to write integers of more than 4,300 digits as text

_SCALARS = frozenset({str, int, float, bool, type(None)})


class NotPlainError(ValueError):
    """The value holds something that JSON cannot say; the message says where and what."""


def plain(value: Any, where: str = "value", depth: int = 0) -> Any:
    """Return a deep copy of `value` made of dict, list, str, int, float, bool and None only.

    Numbers keep their types and objects their key order. Raises `NotPlainError` for everything that JSON cannot
    say: other types, NaN and infinities, lone surrogates, keys that are no text, nesting deeper than `MAX_DEPTH`.
    """
    kind = type(value)
    if value is None or kind is bool or (kind is float and value - value == 0.0) or (kind is str and value.isascii()):
        return value  # what most values are; of infinities and NaN the difference is NaN
    if isinstance(value, str):
        return _plain_text(value, where)
    if isinstance(value, int):
        if value.bit_length() > _MAX_INTEGER_BITS:
            raise NotPlainError(f"{where} is an integer of more than 4,200 digits")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise NotPlainError(f"{where} is {float(value)!r}, which JSON cannot say")
        return float(value)
    return _plain_container(value, where, depth + 1)


def quickly_plain(value: dict[Any, Any]) -> dict[str, Any] | None:
    """Return what `plain` returns, None if that takes a closer look, be it only to say what is wrong.

    For a dict that holds scalars of built-in types, and little else, this takes a quarter of the time.
    """
    copy = value.copy()
    for key, item in value.items():
        kind = type(item)
        if type(key) is not str or not key.isascii():
            return None
        if kind is str:
            if not item.isascii() and not is_storable(item):
                return None
        elif kind is float:
            if item - item != 0.0:  # of infinities and NaN that is NaN
                return None
        elif kind is int:
            if not _SMALLEST <= item <= _LARGEST:
                return None
        elif kind is not bool and item is not None:
            try:
                copy[key] = plain(item, depth=1)
            except NotPlainError:
                return None
    return copy


def _plain_text(value: str, where: str) -> str:
    if not is_storable(value):
        raise NotPlainError(f"{where} holds a lone surrogate, which is no character")
    return str(value)


def _plain_container(value: Any, where: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise NotPlainError(f"{where} is nested deeper than {MAX_DEPTH} levels, or contains itself")
    if isinstance(value, list):
        return [plain(item, where, depth) for item in value]
    if isinstance(value, Mapping):
        return {
            _plain_key(key, where): plain(item, f"{where}.{key}" if depth < 4 else where, depth)
            for key, item in value.items()
        }
    raise NotPlainError(f"{where} is of type {type(value).__name__}, which JSON cannot say")


def _plain_key(key: Any, where: str) -> str:
    if not isinstance(key, str):
        raise NotPlainError(f"{where} has the key {key!r}; keys must be text")
    return _plain_text(key, f"a key of {where}")


def deeper_than(most: int, values: Iterable[Any]) -> bool:
    """Return whether in any of several values more than `most` lists and dicts are within each other."""
    level = [value for value in values if type(value) not in _SCALARS]
    for _ in range(most):
        if not level:
            return False
        inner = (value.values() if isinstance(value, Mapping) else value for value in level)
        level = [each for values in inner for each in values if isinstance(each, (dict, list))]
    return bool(level)


def copied(value: Any) -> Any:
    """Return a deep copy of a value that is known to be plain."""
    if isinstance(value, dict):
        copy = dict(value)
        for key, item in copy.items():
            if type(item) not in _SCALARS:  # a third of the time that looking at each value by isinstance takes
                copy[key] = copied(item)
        return copy
    if isinstance(value, list):
        return [item if type(item) in _SCALARS else copied(item) for item in value]
    return value


def frozen(value: Any) -> Any:
    """Return a copy that cannot be changed: mappings read-only, lists as tuples, sets as frozensets."""
    if isinstance(value, Mapping):
        return MappingProxyType({key: frozen(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(frozen(item) for item in value)
    return frozenset(value) if isinstance(value, set) else value


def sealed(array: NDArray[Any]) -> NDArray[Any]:
    """Return a read-only view of an array."""
    view = array.view()
    view.setflags(write=False)
    return view


def shown(value: Any) -> str:
    """Return a value as text for a message; Python refuses to write integers of thousands of digits."""
    if isinstance(value, int) and value.bit_length() > _MAX_INTEGER_BITS:
        return f"an integer of {value.bit_length()} bits"
    try:
        return repr(value)
    except ValueError:
        return f"a {type(value).__name__} that holds an integer of thousands of digits"
