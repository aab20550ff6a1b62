"""What a store promises that keeps the latest interactions: those of its log, whatever was done to it."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

from qfzz_core.contracts.stores import KeepsLatest, LatestRow, Store
from qfzz_core.model.events import Event, Interaction
from qfzz_core.model.timestamps import NEVER, parsed
from qfzz_core.storage.latest import latest_rows, whole_latest
from qfzz_core.testing.samples import TIME, a_feedback, changing, create
from qfzz_core.testing.stores_events import append
from qfzz_core.testing.stores_records import recorded

TYPES = ("play", "dislike", "type\0 ä", "x" * 5_000)
TRACKS = ("t1", "t2", "t\0 3", "🎵" * 5_000)
TIMESTAMPS = (
    TIME,
    "2026-01-31T09:30:00.000001+00:00",
    "2026-01-31T12:30:00+05:00",
    "2026-01-31T05:30:00",
    "1950-01-01T00:00:00.500000+00:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999-14:00",
    "some day",
)
USERS = ("alice", "bob")


class LatestContract:
    """The latest interactions are a function of the log; a store that does not keep them passes."""

    @pytest.mark.parametrize("seed", range(4))
    def test_the_latest_interactions_are_those_of_the_log(self, store: Store, seed: int) -> None:
        """After every change: events of all kinds and times, failures, erasures, and users who are loaded."""
        draw = random.Random(seed)
        create(store, *USERS)
        for _ in range(30):
            _change(store, draw)
            for user_id in USERS:
                types = draw.sample(TYPES, draw.randint(0, len(TYPES)))
                assert sorted(latest_rows(store, user_id, types)) == read_plainly(store, user_id, types)

    def test_nobody_else_has_latest_interactions(self, store: Store, alice: str, bob: str) -> None:
        """Not another user, not one who is unknown, and not text that is no Unicode."""
        append(store, alice, a_feedback())
        for user_id in (bob, "nobody", "\ud800"):
            assert list(latest_rows(store, user_id, ["like", "\ud800"])) == []
        assert len(list(latest_rows(store, alice, ["like", "none"]))) == 1
        assert list(latest_rows(store, alice, [])) == []

    def test_many_events_of_one_transaction_count(self, store: Store, alice: str) -> None:
        """However they are written."""
        append(store, alice, *(a_feedback(f"t{number % 700}") for number in range(4500)))
        assert sorted(latest_rows(store, alice, ["like"])) == read_plainly(store, alice, ["like"])

    @pytest.mark.parametrize("events", [10, 2500])
    def test_what_was_retracted_is_not_among_those_of_a_user_who_is_loaded(self, store: Store, events: int) -> None:
        """However long the log is."""
        create(store, "alice")
        given = [a_feedback(f"t{number % 700}", event_id=f"e{number}") for number in range(events)]
        retracted = [f"e{number}" for number in range(0, events, 3)]
        append(store, "alice", *given, Event("retracted", TIME, retracts=tuple(retracted)), a_feedback("last"))
        store.load([recorded(store)])
        assert sorted(latest_rows(store, "alice", ["like"])) == read_plainly(store, "alice", ["like"])

    def test_latest_interactions_can_be_replaced(self, store: Store, alice: str, bob: str) -> None:
        """Those of one user, as a rebuild does."""
        if not isinstance(store, KeepsLatest):
            pytest.skip("this store keeps no latest interactions")
        for user_id in (alice, bob):
            append(store, user_id, *(a_feedback(track_id) for track_id in ("t1", "t2", "t3")))
        with changing(store) as user:
            given: Any = user
            given.replace_latest({("like", "t2"): (7, 8), ("play", "t1"): (5, NEVER)})
        found = sorted(store.latest_interactions(alice, ["like", "play"]))
        assert [tuple(row) for row in found] == [("like", "t2", 7, 8), ("play", "t1", 5, NEVER)]
        assert sorted(latest_rows(store, bob, ["like"])) == read_plainly(store, bob, ["like"])


def read_plainly(store: Store, user_id: str, types: Any) -> list[LatestRow]:
    """Return the latest interactions of a user from the whole log: slow and obvious."""
    log = list(store.events(user_id))
    retracted = {event_id for event in log for event_id in event.retracts}
    counting = [event for event in log if event.event_id not in retracted]
    done = [(event.position, event.interaction) for event in counting if event.interaction is not None]
    places = {(each.type, each.track_id) for _, each in done if each.type in types}
    return sorted(
        (
            *place,
            max(position for position, each in done if (each.type, each.track_id) == place),
            max(_microseconds(each.timestamp) for _, each in done if (each.type, each.track_id) == place),
        )
        for place in places
    )


def _microseconds(timestamp: str) -> int:
    try:
        since = parsed(timestamp) - datetime(1970, 1, 1, tzinfo=UTC)
    except ValueError:
        return NEVER
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _events(draw: random.Random) -> list[Event]:
    interactions = [
        Interaction(draw.choice(TRACKS), draw.choice(TYPES), None, draw.choice(TIMESTAMPS))
        for _ in range(draw.choice([1, 1, 5, 60]))
    ]
    return [Event(draw.choice(["feedback", "interaction"]), TIME, each) for each in interactions]


def _change(store: Store, draw: random.Random) -> None:
    user_id, other = draw.sample(USERS, 2)
    kind = draw.choice(["append"] * 4 + ["fail", "repeat", "repeat", "retract", "forget", "load"])
    if kind == "append":
        append(store, user_id, *_events(draw), Event("edited", TIME))
    elif kind == "fail":
        with pytest.raises(ZeroDivisionError):
            _fail(store, user_id, draw)
    elif kind == "repeat":
        _repeat(store, user_id, draw)
    elif kind == "retract":
        _retract(store, user_id)
    elif kind == "forget":
        store.forget(user_id)
        create(store, user_id)
    else:
        record = recorded(store, user_id)
        profile = attrs.evolve(record.profile, user_id=draw.choice([user_id, other]))
        store.load([attrs.evolve(record, profile=profile)], empty_first=False)


def _fail(store: Store, user_id: str, draw: random.Random) -> None:
    with changing(store, user_id) as user:
        for event in _events(draw):
            user.append(event)
        raise ZeroDivisionError


def _retract(store: Store, user_id: str) -> None:
    """Retract every event of an id, as the core does."""
    log = list(store.events(user_id, newest_first=True))
    event_ids = tuple(event.event_id for event in log if event.event_id is not None)
    if event_ids:
        retraction = Event("retracted", TIME, retracts=event_ids)
        with changing(store, user_id) as user:
            if isinstance(store, KeepsLatest):
                given: Any = user
                given.replace_latest(whole_latest([retraction, *log]))
            user.append(retraction)


def _repeat(store: Store, user_id: str, draw: random.Random) -> None:
    """Append an event unless the log has one of its id, as a retry does."""
    event = attrs.evolve(_events(draw)[0], event_id=draw.choice(["e1", "e2", "e3"]))
    with changing(store, user_id) as user:
        if user.find_event(event.event_id or "") is None:
            user.append(event)
