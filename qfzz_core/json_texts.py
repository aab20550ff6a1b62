"""Plain data as JSON text, as stores keep it: number types and key order are kept, NUL characters are escaped."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

encoded = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")).encode
decoded = json.JSONDecoder().decode

_BETWEEN = "},null,{"


def encoded_all(values: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the text of each of several dicts; in one go, which takes two thirds of the time."""
    spaced: list[Mapping[str, Any] | None] = [None] * (2 * len(values) - 1)
    spaced[::2] = values
    texts = encoded(spaced)[2:-2].split(_BETWEEN)
    if len(texts) != len(values):  # one of them says the same, or there are none
        return [encoded(value) for value in values]
    return [f"{{{text}}}" for text in texts]


def decoded_all(texts: Iterable[str]) -> list[Any]:
    """Return what several texts say; in one go, so that the keys that they share are one string each."""
    values: list[Any] = decoded(f"[{','.join(texts)}]")
    return values
