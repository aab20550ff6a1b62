"""What every store promises about the log: order, content, ids."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from qfzz_core.contracts.stores import Store
from qfzz_core.errors import StoreError
from qfzz_core.model.events import Change, Event, Features, Interaction
from qfzz_core.testing.samples import LATER, TIME, a_feedback, changing

EVENTS = {
    "created": Event("created", TIME),
    "created with preferences": Event("created", TIME, None, (Change("genres", None, {"z": 0.5, "a": 1.0}),)),
    "feedback": a_feedback(rating=0.1 + 0.2, strength=-0.05),
    "feedback on several genres and artists": a_feedback(
        features=Features(
            "jazz", "Miles Davis", "calm", "artist:miles davis", ("bebop", "cool\0jazz"), ("John Coltrane",)
        )
    ),
    "feedback on an unknown track": a_feedback("no track\0", strength=None, features=None),
    "feedback on a track little known": a_feedback(features=Features(None, "Miles Davis", None, "artist:x")),
    "feedback with an id": a_feedback(event_id="id\0 ä🎵"),
    "interaction": Event("interaction", TIME, Interaction("t1", "play", None, TIME)),
    "interaction of another time": Event("interaction", LATER, Interaction("t1", "play", 1.0, TIME)),
    "interaction with an id": Event(
        "interaction", TIME, Interaction("t1", "play", None, LATER), event_id="interaction with an id"
    ),
    "interaction with more": Event(
        "interaction", TIME, Interaction("t1", "shared", None, TIME, extra={"z": [1, 1.0, None], "a": {"b": "\0"}})
    ),
    "retracted": Event("retracted", TIME, retracts=("id\0 ä🎵", "interaction with an id")),
    "edited": Event(
        "edited",
        TIME,
        None,
        (Change("genres", "jazz", 0.1), Change("moods", "calm", None), Change("tempo_preference", None, "slow")),
    ),
}


class EventsContract:
    """The log of a user."""

    @pytest.mark.parametrize("what", EVENTS)
    def test_an_event_comes_back_as_it_was(self, store: Store, alice: str, what: str) -> None:
        """With the position that it got."""
        position = append(store, alice, EVENTS[what])[0]
        (event,) = store.events(alice)
        assert event == attrs.evolve(EVENTS[what], position=position)
        assert repr(event) == repr(attrs.evolve(EVENTS[what], position=position))

    def test_positions_grow_over_all_users(self, store: Store, alice: str, bob: str) -> None:
        """Time does not matter."""
        early = attrs.evolve(a_feedback(), timestamp="2020-01-01T00:00:00.000000+00:00")
        positions = [append(store, user, event)[0] for user in (alice, bob) for event in (a_feedback(), early)]
        assert positions == sorted(set(positions))
        assert [event.position for event in store.events(alice)] == positions[:2]
        assert [event.position for event in store.events(bob)] == positions[2:]

    def test_a_long_log_is_read_in_both_directions(self, store: Store, alice: str, bob: str) -> None:
        """Whole, in order, and none twice."""
        names = [f"t{number}" for number in range(4500)]
        append(store, alice, *map(a_feedback, names))
        append(store, bob, a_feedback())
        assert track_ids(store) == names
        assert track_ids(store, newest_first=True) == names[::-1]

    @pytest.mark.parametrize("newest_first", [False, True])
    def test_an_event_recorded_meanwhile_makes_none_appear_twice(
        self, store: Store, alice: str, newest_first: bool
    ) -> None:
        """Whether it appears itself or not."""
        append(store, alice, *(a_feedback(f"t{number}") for number in range(1200)))
        log = store.events(alice, newest_first=newest_first)
        first = [next(log) for _ in range(10)]
        append(store, alice, a_feedback("late"))
        positions = [event.position for event in (*first, *log)]
        assert positions == sorted(set(positions), reverse=newest_first)
        assert len(positions) in (1200, 1201)

    def test_reading_can_stop_anywhere(self, store: Store, alice: str) -> None:
        """Nobody has to wait for a reader that does not come back."""
        append(store, alice, *(a_feedback() for _ in range(1200)))
        log = store.events(alice)
        next(log)
        append(store, alice, a_feedback())
        assert store.forget(alice)

    def test_an_event_is_found_by_its_id(self, store: Store, alice: str, bob: str) -> None:
        """Of this user, in the same transaction and later."""
        event = a_feedback(event_id="e\0 1")
        with changing(store, alice) as user:
            position = user.append(event)
            assert user.find_event("e\0 1") == attrs.evolve(event, position=position)
        with store.transaction([alice, bob]) as transaction:
            assert transaction.user(alice).find_event("e\0 1") == attrs.evolve(event, position=position)
            assert transaction.user(alice).find_event("e") is None
            assert transaction.user(bob).find_event("e\0 1") is None

    def test_an_event_id_is_unique_for_a_user(self, store: Store, alice: str, bob: str) -> None:
        """A second one is a `StoreError`, there or at the end; another user may have it, many events may have none."""
        append(store, alice, a_feedback("t1", event_id="e1"), a_feedback("t2"), a_feedback("t3"))
        append(store, bob, a_feedback("t4", event_id="e1"))
        for event_ids in (["e1"], ["e2", "e2"], ["e2", "e1"]):
            with pytest.raises(StoreError):
                append(store, alice, a_feedback("t5"), *(a_feedback("t6", event_id=each) for each in event_ids))
        assert track_ids(store) == ["t1", "t2", "t3"]
        assert track_ids(store, bob) == ["t4"]
        append(store, alice, a_feedback("t7", event_id="e2"))

    def test_an_event_belongs_to_its_reader(self, store: Store, alice: str) -> None:
        """And the store keeps what it was given, whatever becomes of that."""
        extra: dict[str, Any] = {"tags": ["a"]}
        weights: dict[str, Any] = {"jazz": 0.5}
        added = Event("interaction", TIME, Interaction("t1", "play", None, TIME, extra=extra))
        append(store, alice, added, Event("edited", TIME, None, (Change("genres", None, weights),)))
        for kept in (extra, weights):
            kept["more"] = 1.0
        for _ in range(2):
            added, edited = store.events(alice)
            assert added.interaction is not None
            assert added.interaction.to_dict()["tags"] == ["a"]
            assert dict(added.interaction.extra) == {"tags": ["a"]}
            assert edited.changes[0].value == {"jazz": 0.5}
            added.interaction.extra["tags"].append("b")
            edited.changes[0].value["jazz"] = 0.0


def append(store: Store, user_id: str, *events: Event) -> list[int]:
    """Append events in one transaction and return their positions."""
    with changing(store, user_id) as user:
        return [user.append(event) for event in events]


def track_ids(store: Store, user_id: str = "alice", *, newest_first: bool = False) -> list[str]:
    """Return the track ids of a user's log."""
    log = store.events(user_id, newest_first=newest_first)
    return [event.interaction.track_id for event in log if event.interaction is not None]
