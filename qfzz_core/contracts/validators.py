"""Validators of what plugins declare."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs


def not_blank(_: Any, attribute: attrs.Attribute[str], value: Any) -> None:
    """Raise ValueError for anything but a string that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{attribute.name} must be a string that is not blank, got {value!r}")


def one_of(*choices: Any) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    """Return a validator that raises ValueError for any other value."""

    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if value not in choices:
            raise ValueError(f"{attribute.name} must be one of {', '.join(map(repr, choices))}, got {value!r}")

    return check
