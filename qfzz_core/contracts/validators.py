"""Validators of what plugins declare."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from qfzz_core.errors import InvalidInput, shown
from qfzz_core.model.names import text_of
from qfzz_core.model.plain import own_text


def not_blank(_: Any, attribute: attrs.Attribute[str], value: Any) -> None:
    """Raise ValueError for anything but a string that is not blank."""
    text = text_of(value)
    if text is None or not text.strip():
        raise InvalidInput(f"{attribute.name} must be a string that is not blank, got {shown(value)}")


def one_of(*choices: Any) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    """Return a validator that raises ValueError for any other value."""

    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        # by type first: a value of a class of its own may say that it equals everything
        given = own_text(value)
        if not any(type(given) is type(choice) and given == choice for choice in choices):
            raise InvalidInput(f"{attribute.name} must be one of {', '.join(map(repr, choices))}, got {shown(value)}")

    return check
