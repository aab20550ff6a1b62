"""Values of libraries as tracks have them: where a library says 0 or nothing, nothing is known."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from qfzz_core.model.places import path_of


def known(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that say something."""
    return {key: value for key, value in values.items() if value not in (None, "", [])}


def number(value: Any) -> float | int | None:
    """Return a number above 0, a whole one as such; None for anything else."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if not 0 < found < math.inf:
        return None
    return int(found) if found.is_integer() else found


def whole(value: Any) -> int | None:
    """Return a number above 0 rounded to a whole one, halves up."""
    found = number(value)
    return None if found is None else math.floor(found + 0.5) or None


def first_and_all(names: Iterable[Any], one: str, several: str) -> dict[str, Any]:
    """Return the first of some names under one key, and all of them under another if there are several."""
    found = list(dict.fromkeys(name.strip() for name in names if isinstance(name, str) and name.strip()))
    return {one: found[0] if found else None, several: found if len(found) > 1 else None}


def place(uri: str | None) -> str | None:
    """Return the path that a URI of a file means; any other place as it is."""
    return path_of(uri) if uri else uri
