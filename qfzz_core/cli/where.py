"""`--where NAME=VALUE` and what else says which tracks: from what can be typed to what the engine takes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from qfzz_core.errors import RequestError
from qfzz_core.plugins.registry import Registry
from qfzz_core.recommend.query import CommonKeywords

_DISLIKED = "disliked"


def list_keywords(registry: Registry, values: Mapping[str, Any]) -> CommonKeywords:
    """Return the engine's keywords from the values of `list_options`; raises `RequestError` as `conditions` does."""
    return {
        "exclude": values["exclude"],
        "where": conditions(registry, values["where"]),
        "max_per_artist": values["max_per_artist"] or None,
        "distinct": values["distinct"],
    }


def conditions(registry: Registry, pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the engine's `where`; what was disliked is left out unless the pairs say otherwise.

    Several texts for one column are alternatives. Raises `RequestError` for what cannot be read; names that do not
    exist are the engine's to refuse.
    """
    texts: dict[str, list[str]] = {}
    for name, text in pairs:
        texts.setdefault(name, []).append(text)
    where = {name: _option(registry, name, given) for name, given in texts.items()}
    if _DISLIKED in registry.filters:
        where.setdefault(_DISLIKED, False)
    return where


def _option(registry: Registry, name: str, texts: list[str]) -> Any:
    column = None if name in registry.filters or name not in registry.columns else registry.columns[name].value
    if column is not None and column.kind in ("category", "tags"):
        return texts
    if column is not None and column.kind == "number":
        return [_number(name, text) for text in texts] if len(texts) > 1 else _number_or_range(name, texts[0])
    if len(texts) > 1:
        raise RequestError(f"where: {name} is given {len(texts)} times; give it once")
    return _literal(texts[0])


def _number_or_range(name: str, text: str) -> Any:
    low, dots, high = text.partition("..")
    if not dots:
        return _number(name, text)
    return tuple(_number(name, end) if end.strip() else None for end in (low, high))


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise RequestError(f"where: {name} takes a number or a range such as 0.2..0.8, got {text!r}") from None


def _literal(text: str) -> Any:
    """Return what the text says in JSON ("true", "30"), or the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text
