"""What a store promises whose transactions read ahead: the same answers as without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from qfzz_core.contracts.stores import ReadsAhead, Store, Transaction
from qfzz_core.model.weights import WEIGHT_FIELDS
from qfzz_core.testing.samples import TIME, a_feedback, a_track, changing, create, some_tracks
from qfzz_core.testing.stores_events import append

USERS = ("alice", "bob", "carol")


@attrs.frozen
class Announced:
    """A feedback that is about to be recorded."""

    user_id: str
    track_id: str
    event_id: str | None = None


ANNOUNCED: dict[str, Sequence[Announced]] = {
    "nothing": [],
    "one": [Announced("alice", "t1", "e1")],
    "one without an id": [Announced("bob", "t2")],
    "one of a new user": [Announced("carol", "t1", "e1")],
    "one that is not there": [Announced("alice", "none", "none")],
    "many": [Announced(USERS[n % 3], f"t{n % 90}", f"e{n % 70}" if n % 2 else None) for n in range(400)],
    "what is not there": [Announced("carol", "none", "none"), Announced("alice", "none\0", "none\0")],
}


class ReadingAheadContract:
    """Nothing that a transaction answers changes because it heard what comes; one that does not read ahead passes."""

    @pytest.mark.parametrize("what", ANNOUNCED)
    def test_reading_ahead_changes_no_answer(self, store: Store, what: str) -> None:
        """Of users with a log and without, before writes and after them."""
        _furnish(store)
        with store.transaction(USERS) as transaction:
            before = _answers(transaction)
        with store.transaction(USERS) as transaction:
            _announce(transaction, what)
            assert _answers(transaction) == before
            _write(transaction)
            written = _answers(transaction)
            _announce(transaction, what)
            assert _answers(transaction) == written
        with store.transaction(USERS) as transaction:
            assert _answers(transaction) == written


def _announce(transaction: Transaction, what: str) -> None:
    if isinstance(transaction, ReadsAhead):
        transaction.read_ahead(ANNOUNCED[what])


def _furnish(store: Store) -> None:
    store.write_tracks([*some_tracks(80), a_track("t1"), a_track("t2", genre="J\0 azz")])
    create(store, "alice", "bob")
    append(store, "alice", *(a_feedback(event_id=f"e{number}") for number in range(60)))
    with changing(store) as user:
        for number in range(60):
            user.put_state("trust", f"artist:{number}", [number, 0.5])
        user.put_weight("genres", "Jazz", 0.5)
        user.put_weight("artists", "Miles Davis", 0.25)


def _write(transaction: Transaction) -> None:
    transaction.user("carol").create(TIME)
    for user_id in USERS:
        user = transaction.user(user_id)
        user.put_weight("genres", "jazz", 0.75)
        user.drop_weight("artists", "Miles Davis")
        user.put_state("trust", "artist:1", [9])
        user.put_state("trust", "artist:2", None)
        user.append(a_feedback("t2", event_id="e65"))


def _answers(transaction: Transaction) -> list[Any]:
    users = [transaction.user(user_id) for user_id in USERS]
    tracks = [transaction.track(track_id) for track_id in ("t1", "t2", "t79", "none", "none\0")]
    return [tracks, *[_answers_of(user) for user in users if user.exists]]


def _answers_of(user: Any) -> list[Any]:
    names = ("jazz", "JAZZ ", "Miles Davis", "calm", "j\0 azz")
    return [
        [user.weight(field, name) for field in WEIGHT_FIELDS for name in names],
        [user.state("trust", f"artist:{number}") for number in (0, 1, 2, 59, 60)],
        [user.find_event(event_id) for event_id in ("e0", "e1", "e59", "e65", "e69", "none", "none\0")],
    ]
