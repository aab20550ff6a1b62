"""Single values of a file: text that says a number, and how a value is shown in a sentence."""

from __future__ import annotations

import json
import math
from typing import Any

_SHOWN_CHARACTERS = 60


def decimal(text: str) -> float | str:
    """Return the finite number that the text says, or the text itself if it says none."""
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def whole_number(text: str) -> int | str:
    """Return the whole number that the text says ("480", and "480.0" too), or the text itself if it says none."""
    try:
        return int(text)
    except ValueError:
        number = decimal(text)
    return int(number) if isinstance(number, float) and number.is_integer() else text


def is_number(value: object) -> bool:
    """Return whether the value is an integer or a float; booleans are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def shown(value: Any) -> str:
    """Return the value as a file would write it, short, on one line and safe to print on a terminal."""
    if isinstance(value, str):
        cut = value if len(value) <= _SHOWN_CHARACTERS else value[:_SHOWN_CHARACTERS] + "..."
        # repr escapes control characters and lone surrogates, which json.dumps would print as they are
        return f'"{repr(cut)[1:-1]}"'
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else json.dumps(value, default=repr)
