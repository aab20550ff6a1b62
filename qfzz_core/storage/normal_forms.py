"""Stored normal forms, brought to how names compare now: what a migration has to change.

A store keeps the normal form of each weight's name, and learned states under keys that hold the normal form of an
artist. When more spellings become one name, the forms change, and two rows of a user may become one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

import attrs

from qfzz_core.model.events import renewed_publisher
from qfzz_core.model.weights import WEIGHT_FIELDS
from qfzz_core.storage.records import Name, Weight

logger = logging.getLogger("qfzz.stores")

WEIGHTS = "SELECT serial, id, field, same, name, weight FROM weights ORDER BY serial, id"
STATES = "SELECT serial, learner, key FROM states ORDER BY serial, learner, key"


@attrs.frozen
class RenewedForms:
    """What to change, in this order: rows that go, greater weights and other forms by id, other keys of states.

    `dropped` and `weights` are of names that a user had in two spellings: the first spelling stays, with the greater
    weight, until `rebuild` says what the log makes of it. A state whose new key is taken stays under the old one.
    """

    dropped: list[int]
    weights: list[tuple[float, int]]
    forms: list[tuple[str, int]]
    states: list[tuple[str, int, str, str]]
    merged_users: set[int]


def renewed_forms(weights: Iterable[tuple[Any, ...]], states: Iterable[tuple[Any, ...]]) -> RenewedForms:
    """Return what has to change of rows as `WEIGHTS` and `STATES` give them; only that is held in memory.

    A row that is damaged is passed over: it must not keep the store from being opened, and `check` finds it.
    """
    found = RenewedForms([], [], [], [], set())
    for serial, rows in groupby(filter(_is_whole, weights), itemgetter(0)):
        _renew_weights(serial, rows, found)
    for serial, learner, key in states:
        renewed = renewed_publisher(key) if isinstance(key, str) else key
        if renewed != key:
            found.states.append((renewed, serial, learner, key))
    if found.merged_users:
        logger.warning(
            "%d users had names that are one name now; the first spelling stays, with the greater weight "
            "(`qfzz store rebuild` gives what the log says)",
            len(found.merged_users),
        )
    return found


def _is_whole(row: tuple[Any, ...]) -> bool:
    _, _, field, same, name, weight = row
    return field in WEIGHT_FIELDS and isinstance(same, str) and isinstance(name, str) and isinstance(weight, float)


def _renew_weights(serial: int, rows: Iterator[tuple[Any, ...]], found: RenewedForms) -> None:
    kept: dict[tuple[str, str], tuple[int, float]] = {}
    greater: dict[int, float] = {}
    for _, row_id, field, same, name, weight in rows:
        form = WEIGHT_FIELDS[field](name)
        first_id, known = kept.setdefault((field, form), (row_id, weight))
        if first_id != row_id:
            found.dropped.append(row_id)
            found.merged_users.add(serial)
            if weight > known:
                kept[field, form] = first_id, weight
                greater[first_id] = weight
        elif form != same:
            found.forms.append((form, row_id))
    found.weights.extend((weight, row_id) for row_id, weight in greater.items())


def renewed_weights(weights: Iterable[tuple[Name, Weight]]) -> dict[Name, Weight]:
    """Return the weights of a user who is kept whole, by names as they compare now; merged as a migration does."""
    renewed: dict[Name, Weight] = {}
    for (field, _), (spelling, weight) in weights:
        key = field, WEIGHT_FIELDS[field](spelling)
        known = renewed.get(key, (spelling, weight))
        renewed[key] = known[0], max(known[1], weight)
    return renewed
