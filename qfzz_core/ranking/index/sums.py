"""Rows with sums: the greatest of them, each row once, and the threshold that so many of them reach."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qfzz_core.contracts.columns import Rows
from qfzz_core.contracts.factors import Values

Sums = tuple[Rows, Values]  # rows, or places of entries, and a sum for each


def greatest(numbers: Values, count: int) -> float:
    """Return the `count`-th largest number."""
    sorting = numbers.copy()
    sorting.partition(len(numbers) - count)
    return float(sorting[len(numbers) - count])


def reaching(threshold: float, rows: Rows, sums: Values) -> Sums:
    """Return the rows whose sum is not below the threshold, and their sums."""
    some = sums >= threshold
    return rows[some], sums[some]


def raised(threshold: float, found: Sequence[Sums], count: int | None) -> float:
    """Return the threshold, or what `count` of the found reach if that is more."""
    if count is None or sum(len(sums) for _, sums in found) < count:
        return threshold
    return max(threshold, greatest(np.concatenate([sums for _, sums in found]), count))


def best_of(rows: Rows, scores: Values, count: int) -> Sums:
    """Return the best `count` rows in order and their scores; equal scores keep the order of rows."""
    if len(rows) > 4 * count > 0:
        rows, scores = reaching(greatest(scores, count), rows, scores)
    chosen = np.lexsort((rows, -scores))[:count]
    return rows[chosen], scores[chosen]


def united(parts: Sequence[Sums]) -> Rows:
    """Return all rows of several parts, ascending, each once."""
    rows = np.concatenate([rows for rows, _ in parts])
    rows.sort()
    return rows[_firsts(rows)]


def united_sums(parts: Sequence[Sums]) -> Sums:
    """Return all rows of several parts, ascending, each once, and the largest of its sums."""
    rows, sums = np.concatenate([rows for rows, _ in parts]), np.concatenate([sums for _, sums in parts])
    order = rows.argsort()
    rows, sums = rows[order], sums[order]
    first = _firsts(rows).nonzero()[0]
    return (rows, sums) if len(first) == len(rows) else (rows[first], np.maximum.reduceat(sums, first))


def _firsts(rows: Rows) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return of each of the ascending rows whether it is the first of its number."""
    first = np.empty(len(rows), dtype=np.bool_)
    first[:1] = True
    np.not_equal(rows[1:], rows[:-1], out=first[1:])
    return first
