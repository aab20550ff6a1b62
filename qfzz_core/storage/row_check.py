"""Looking at every row of a store's tables, and going on after one that is damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from qfzz_core.errors import StoreCorruptError
from qfzz_core.model.json_codec import decoded
from qfzz_core.model.tracks import checked_track
from qfzz_core.model.weights import WEIGHT_FIELDS
from qfzz_core.storage.decoding import Decoding, Row, hold, refuse_wrong_track, without_advice
from qfzz_core.storage.records import SCALARS

TABLES: Mapping[str, str] = {
    "tracks": "SELECT position, track_id, body FROM tracks",
    "users": f"SELECT user_id, serial, revision, {', '.join(SCALARS)} FROM users",
    "weights": "SELECT user_id, field, name, weight, same FROM weights LEFT JOIN users USING (serial)",
    "events": 'SELECT position, kind, "timestamp", event_id, body FROM events',
    "states": "SELECT user_id, learner, key, state FROM states LEFT JOIN users USING (serial)",
    "latest": "SELECT user_id, type, track_id, position, moment FROM latest LEFT JOIN users USING (serial)",
    "commits": "SELECT counter, token FROM commits",
}


def damaged_rows(
    decoding: Decoding, read: Callable[[str], Iterable[Row]], tables: Mapping[str, str] = TABLES
) -> Iterator[str]:
    """Yield a sentence about each row that is not as it was written.

    `read` gives the rows of a query, names as text; `tables` are the queries, by table. Where `read` raises
    `StoreCorruptError`, that is another sentence, and the next table is looked at.
    """
    checks = _checks(decoding)
    for table, query in tables.items():
        try:
            for row in read(query):
                try:
                    checks[table](*row)
                except StoreCorruptError as error:
                    yield without_advice(error)
        except StoreCorruptError as error:
            yield without_advice(error)


def _checks(decoding: Decoding) -> dict[str, Callable[..., Any]]:
    def track(position: Any, track_id: Any, body: Any) -> None:
        key = f"position {position!r}, track_id {track_id!r}"
        decoding.read("tracks", key, lambda: _check_track(position, track_id, body))

    def weight(user_id: Any, field: Any, name: Any, value: Any, same: Any) -> None:
        decoding.weights(user_id, [(field, same, name, value)])
        if field not in WEIGHT_FIELDS or same != WEIGHT_FIELDS[field](name):
            raise decoding.wrong_weight(user_id, field, name, value)

    return {
        "tracks": track,
        "users": lambda *row: decoding.user(row),
        "weights": weight,
        "events": lambda *row: decoding.event(row),
        "states": decoding.state,
        "latest": lambda user_id, *row: decoding.latest(user_id, [row]),
        "commits": decoding.token,
    }


def _check_track(position: Any, track_id: Any, body: Any) -> None:
    track = decoded(body)
    refuse_wrong_track(track)
    checked_track(track)
    hold((track["track_id"] == track_id, f"body is that of the track {track['track_id']!r}"))
    hold((position > 0, "positions begin at 1"))
