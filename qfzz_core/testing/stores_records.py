"""What every store promises about moving: whole users out, whole users and tracks in, all or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import attrs
import pytest

from qfzz_core.contracts.stores import Store, UserRecord
from qfzz_core.errors import StoreError
from qfzz_core.model.events import Event
from qfzz_core.model.tracks import Track
from qfzz_core.testing.samples import a_feedback, a_track, changing, create, some_tracks
from qfzz_core.testing.stores_changes import Mirror
from qfzz_core.testing.stores_events import EVENTS, append
from qfzz_core.testing.stores_transactions import everything
from qfzz_core.testing.stores_users import fill, stored


class RecordsContract:
    """`record`, `load` and `check`."""

    def test_an_unknown_user_has_no_record(self, store: Store) -> None:
        """Reading creates none."""
        assert store.record("alice") is None
        assert list(store.user_ids()) == []

    def test_a_record_has_everything(self, store: Store) -> None:
        """The profile, the log in order, and the state of every learner."""
        furnish(store)
        record = recorded(store)
        assert record.profile == stored(store)
        assert list(record.events) == list(store.events("alice"))
        found = {(learner, key): state for learner, key, state in record.states}
        assert found == {("trust", "artist:x"): [1, 0], ("taste", "b"): {"z": 1.0}}

    def test_a_record_is_one_view_while_others_write(self, store: Store, alice: str) -> None:
        """However long the log is."""
        append(store, alice, *(a_feedback(f"t{number}") for number in range(4500)))
        record = recorded(store)
        events = iter(record.events)
        first = next(events)
        fill(store, alice)
        append(store, alice, a_feedback("late"))
        assert len([first, *events]) == 4500
        assert list(record.states) == []
        assert dict(record.profile.genres) == {}

    def test_a_record_need_not_be_read(self, store: Store, alice: str) -> None:
        """Nobody has to wait for a reader that does not come back."""
        append(store, alice, *(a_feedback() for _ in range(4500)))
        record = recorded(store)
        assert store.forget(alice)
        del record

    def test_another_store_takes_everything(self, store: Store, other_store: Store) -> None:
        """Users and tracks in their order; serials and positions are its own."""
        furnish(store)
        create(other_store, "zoe")
        other_store.write_tracks([a_track("first")])
        other_store.load(_records(store), tracks_of(store))
        assert list(other_store.user_ids()) == ["zoe", "bob", "alice"]
        assert [content(other_store, user_id) for user_id in ("bob", "alice")] == [
            content(store, user_id) for user_id in ("bob", "alice")
        ]
        assert tracks_of(other_store) == [a_track("first"), *tracks_of(store)]
        positions = [event.position for user_id in ("bob", "alice") for event in other_store.events(user_id)]
        assert positions == sorted(set(positions))

    def test_a_loaded_user_takes_the_place_of_the_old_one(self, store: Store, other_store: Store) -> None:
        """Nothing of that one is left, and nobody else changes."""
        furnish(store)
        create(other_store, "alice", "zoe")
        append(other_store, "alice", a_feedback("old", event_id="old"), a_feedback(event_id="the same id"))
        with other_store.transaction(["alice"]) as transaction:
            transaction.user("alice").put_weight("genres", "Old", 1.0)
            transaction.user("alice").put_state("old learner", "key", 1)
        fill(other_store, "zoe")
        old, zoe = stored(other_store), content(other_store, "zoe")
        other_store.load([recorded(store)])
        assert content(other_store, "alice") == content(store, "alice")
        assert dict(other_store.states("alice", "old learner")) == {}
        assert stored(other_store).revision[0] != old.revision[0]
        assert content(other_store, "zoe") == zoe
        assert list(other_store.user_ids()) == ["zoe", "alice"]
        append(other_store, "alice", a_feedback(event_id="old"))

    def test_a_store_takes_its_own_records(self, store: Store) -> None:
        """Which changes no content."""
        furnish(store)
        append(store, "bob", *(a_feedback(f"t{number}") for number in range(4500)))
        before = [content(store, user_id) for user_id in ("bob", "alice")]
        store.load([recorded(store, "bob"), recorded(store)])
        assert [content(store, user_id) for user_id in ("bob", "alice")] == before

    def test_a_user_loaded_twice_counts_once(self, store: Store) -> None:
        """The last one."""
        furnish(store)
        bob = recorded(store, "bob")
        store.load([recorded(store), bob, attrs.evolve(recorded(store), events=[], states=[])])
        assert list(store.user_ids()) == ["bob", "alice"]
        assert list(store.events("alice")) == []

    def test_tracks_are_loaded_as_they_are_written(self, store: Store) -> None:
        """Replaced in place, added at the end, in one commit; loading nothing is none."""
        store.write_tracks(some_tracks(3))
        mirror = Mirror(store)
        before = store.catalogue_token()
        store.load([], iter([a_track("t1", title="New"), a_track("new")]))
        assert not mirror.catch_up().complete
        assert [track["title"] for track in tracks_of(store)] == ["So What", "New", "So What", "So What"]
        assert store.catalogue_token().counter == before.counter + 1
        store.load([])
        assert store.catalogue_token().counter == before.counter + 1

    @pytest.mark.parametrize("empty_first", [False, True])
    @pytest.mark.parametrize("what", ["users", "events", "states", "tracks"])
    def test_nothing_changes_if_an_iterable_raises(self, store: Store, what: str, empty_first: bool) -> None:
        """Whichever, and however late."""
        furnish(store)
        before, tracks, token = everything(store), tracks_of(store), store.catalogue_token()
        profile = attrs.evolve(stored(store), user_id="new")
        parts: dict[str, Any] = {
            "events": [a_feedback()] * 50,
            "states": [("trust", "key", 1)],
            "tracks": some_tracks(5000),
        }
        parts["users"] = [UserRecord(profile, [], [])] * 3
        parts[what] = _failing(parts[what])
        users = [*_records(store), UserRecord(profile, parts["events"], parts["states"])]
        with pytest.raises(ZeroDivisionError):
            store.load(chain(users, parts["users"]), parts["tracks"], empty_first=empty_first)
        assert everything(store) == before
        assert tracks_of(store) == tracks
        assert store.catalogue_token() == token

    def test_an_event_id_is_loaded_once(self, store: Store) -> None:
        """A log that has one twice is a `StoreError`, and changes nothing."""
        furnish(store)
        before = everything(store)
        twice = attrs.evolve(recorded(store), events=[a_feedback(event_id="e"), a_feedback(event_id="e")])
        with pytest.raises(StoreError):
            store.load([twice])
        assert everything(store) == before

    def test_loading_is_a_transaction_of_its_own(self, store: Store) -> None:
        """Inside another one it is a `StoreError`."""
        furnish(store)
        record = recorded(store)
        with store.transaction(["alice"]), pytest.raises(StoreError):
            store.load([record])

    def test_nothing_is_wrong_with_a_healthy_store(self, store: Store) -> None:
        """Empty or not."""
        assert store.check() == []
        furnish(store)
        assert store.check() == []


def furnish(store: Store) -> None:
    """Put users and tracks of many kinds into an empty store."""
    store.write_tracks(some_tracks(10))
    store.remove_tracks(["t3"])
    store.write_tracks([a_track("t3")])
    create(store, "bob", "alice")
    append(store, "alice", *EVENTS.values())
    fill(store, "bob", "alice")
    with changing(store) as user:
        for name in ("Zydeco", "ambient", "nul\0"):
            user.put_weight("genres", name, 0.1 + 0.2)
        user.put_scalar("updated_at", "2026-02-01T00:00:00.000000+00:00")
        user.put_state("taste", "b", {"z": 1.0})


def recorded(store: Store, user_id: str = "alice") -> UserRecord:
    """Return the record of a user who exists."""
    record = store.record(user_id)
    assert record is not None
    return record


def content(store: Store, user_id: str) -> tuple[Any, ...]:
    """Return everything of a user but what is a store's own: revision and positions."""
    record = recorded(store, user_id)
    profile = attrs.evolve(record.profile, revision=(0, 0))
    order = [list(weights) for weights in (profile.genres, profile.artists, profile.moods)]
    events: list[Event] = [attrs.evolve(event, position=0) for event in record.events]
    return profile, order, events, sorted(record.states, key=lambda state: state[:2])


def _records(store: Store) -> Iterator[UserRecord]:
    return (recorded(store, user_id) for user_id in store.user_ids())


def tracks_of(store: Store) -> list[Track]:
    """Return the tracks of a store in their order."""
    return [track for _, track in store.catalogue_since(None).written]


def _failing(items: list[Any]) -> Iterator[Any]:
    yield from items
    raise ZeroDivisionError
