"""A plugin's attempt to change everything that it can reach from what it was given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, MutableSequence, MutableSet
from contextlib import suppress
from datetime import date
from enum import Enum
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np

from qfzz_core import Engine

DEEPEST, MOST = 12, 2_000  # of what is reached from one object, so that an attempt ends
_LEAVES = (str, bytes, int, float, complex, type(None), type, ModuleType, FunctionType, BuiltinFunctionType, Enum)
_LEAVES += (np.generic, np.dtype, date)
STORE_METHODS = ("close", "transaction", "write_tracks")


def reached(*given: Any) -> Iterator[Any]:
    """Iterate everything that attributes, items, the objects of methods and the bases of arrays lead to."""
    seen: dict[int, Any] = {}  # the objects too, so that no other one gets the id of one that is gone
    waiting = [(each, 0) for each in given]
    while waiting and len(seen) < MOST:
        value, depth = waiting.pop()
        if isinstance(value, _LEAVES) or id(value) in seen:
            continue
        seen[id(value)] = value
        yield value
        if depth < DEEPEST:
            waiting += [(each, depth + 1) for each in _parts(value)]


def _parts(value: Any) -> list[Any]:
    if isinstance(value, np.ndarray):
        return [value.base]  # its other attributes are new arrays without end
    parts = []
    for name in (*_names(value), "__self__", "__wrapped__"):
        with suppress(Exception):
            parts.append(getattr(value, name))
    with suppress(Exception):
        if isinstance(value, Mapping):
            parts += [*value.keys(), *value.values()]
        elif isinstance(value, (list, tuple, set, frozenset)):
            parts += value
    return parts


def _names(value: Any) -> list[str]:
    with suppress(Exception):
        return [name for name in dir(value) if not name.startswith("__")]
    return []


def is_of_the_engine(value: Any) -> bool:
    """Return whether something is an engine, or a store that could be closed."""
    return isinstance(value, Engine) or all(hasattr(type(value), name) for name in STORE_METHODS)


def change_everything(*given: Any) -> list[str]:
    """Change whatever can be changed; return the types of engines and stores that were reached."""
    found = list(reached(*given))
    for value in found:
        _change(value)
    return [type(value).__name__ for value in found if is_of_the_engine(value)]


def _change(value: Any) -> None:
    if isinstance(value, np.ndarray):
        with suppress(Exception):
            value.flags.writeable = True
        with suppress(Exception):
            value.fill(0)
        return
    for name in _names(value):
        with suppress(Exception):
            setattr(value, name, None)
        with suppress(Exception):
            delattr(value, name)
    with suppress(Exception):
        if isinstance(value, MutableMapping):
            for key in list(value):
                value[key] = "changed"
            value["added"] = "added"
        elif isinstance(value, MutableSequence):
            value[:] = ["changed"]
        elif isinstance(value, MutableSet):
            value.clear()
