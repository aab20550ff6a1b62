"""The latest interactions of a log: of each type and track the last position and the greatest moment.

They are a pure function of the log. Stores keep them beside it, so that nobody has to read it whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, MutableMapping
from typing import Any

from qfzz_core.contracts.stores import KeepsLatest, LatestRow, Store
from qfzz_core.model.events import Event, Interaction, in_effect
from qfzz_core.model.json_codec import decoded
from qfzz_core.model.names import is_storable
from qfzz_core.model.timestamps import moment_of

Latest = MutableMapping[Any, tuple[int, int]]  # positions and moments by type and track, or by more


def note(latest: Latest, key: Any, position: int, moment: int) -> None:
    """Take numbers into account; the order in which they come makes no difference."""
    known = latest.get(key)
    latest[key] = (position, moment) if known is None else (max(position, known[0]), max(moment, known[1]))


def note_interaction(latest: Latest, interaction: Interaction, position: int) -> None:
    """Take an interaction into account by type and track."""
    note(latest, (interaction.type, interaction.track_id), position, moment_of(interaction.timestamp))


def latest_of(events: Iterable[Event], types: Collection[str]) -> list[LatestRow]:
    """Return the latest interactions of these types among events in effect, in any order; see `KeepsLatest`."""
    latest: dict[tuple[str, str], tuple[int, int]] = {}
    for event in events:
        interaction = event.interaction
        if interaction is not None and interaction.type in types:
            note_interaction(latest, interaction, event.position)
    return [(*key, *numbers) for key, numbers in latest.items()]


def latest_rows(store: Store, user_id: str, types: Collection[str]) -> Iterable[LatestRow]:
    """Return the latest interactions of a user; where the store does not keep them, its log is read."""
    if isinstance(store, KeepsLatest):
        return store.latest_interactions(user_id, types)
    return latest_of(in_effect(store.events(user_id, newest_first=True)), types)


def whole_latest(newest_first: Iterable[Event]) -> dict[tuple[str, str], tuple[int, int]]:
    """Return the latest interactions of a whole log, of all types, for `replace_latest`."""
    latest: dict[tuple[str, str], tuple[int, int]] = {}
    for event in in_effect(newest_first):
        if event.interaction is not None:
            note_interaction(latest, event.interaction, event.position)
    return latest


def latest_of_stored(rows: Iterable[tuple[int, int, str, str]]) -> list[tuple[Any, ...]]:
    """Return (serial, type, track id, position, moment) of stored events: position, serial, timestamp and body.

    What an older version stored is read by this, so one damaged event must not keep the store from being opened: it is
    passed over, and `check` finds it.
    """
    latest: dict[tuple[int, str, str], tuple[int, int]] = {}
    for position, serial, timestamp, body in rows:
        try:
            fields = decoded(body)
            track_id, name = fields.get("track_id"), fields.get("type")
            if track_id is not None and is_storable(track_id) and is_storable(name):
                note(latest, (serial, name, track_id), position, moment_of(fields.get("timestamp", timestamp)))
        except (ValueError, TypeError, AttributeError):
            continue
    return [(*key, *numbers) for key, numbers in latest.items()]
