"""What every store promises about moving: whole users out, users and tracks in, beside what is there or instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import attrs
import pytest

from qfzz_core.contracts.stores import Store, UserRecord
from qfzz_core.errors import StoreError, StoreNotEmptyError
from qfzz_core.model.events import Event
from qfzz_core.model.tracks import Track
from qfzz_core.testing.samples import a_feedback, a_track, changing, create, some_tracks
from qfzz_core.testing.stores_changes import Mirror
from qfzz_core.testing.stores_events import EVENTS, append
from qfzz_core.testing.stores_transactions import refused
from qfzz_core.testing.stores_users import fill, stored


def _empty_the_catalogue(store: Store) -> None:
    store.write_tracks([a_track()])
    store.remove_tracks(["t1"])


USES: dict[str, Callable[[Store], Any]] = {
    "a user": lambda store: create(store, "zoe"),
    "a track": lambda store: store.write_tracks([a_track()]),
    "a track that was removed": _empty_the_catalogue,
}


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
        profile = attrs.evolve(stored(store), user_id="new")
        parts: dict[str, Any] = {
            "users": [UserRecord(profile, [], [])] * 3,
            "events": [a_feedback()] * 50,
            "states": [("trust", "key", 1)],
            "tracks": some_tracks(5000),
        }
        parts[what] = _failing(parts[what])
        users = [*_records(store), UserRecord(profile, parts["events"], parts["states"])]
        with refused(store, ZeroDivisionError):
            store.load(chain(users, parts["users"]), parts["tracks"], empty_first=empty_first)

    def test_an_event_id_is_loaded_once(self, store: Store) -> None:
        """A log that has one twice is a `StoreError`, and changes nothing."""
        furnish(store)
        twice = attrs.evolve(recorded(store), events=[a_feedback(event_id="e"), a_feedback(event_id="e")])
        with refused(store, StoreError):
            store.load([twice])

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


class ReplacingContract:
    """`load` with `empty_first`, `only_if_new` and `held_tracks`."""

    def test_everything_else_can_be_erased_first(self, store: Store) -> None:
        """Users and tracks; what is loaded begins after every position that was ever given."""
        furnish(store)
        mirror = Mirror(store)
        last, alice = max(mirror.tracks), content(store, "alice")
        store.load([recorded(store)], [a_track("t4"), a_track("t1")], empty_first=True)
        assert list(store.user_ids()) == ["alice"]
        assert content(store, "alice") == alice
        assert store.record("bob") is None
        mirror.catch_up()
        assert [track["track_id"] for track in mirror.tracks.values()] == ["t4", "t1"]
        assert min(mirror.tracks) > last

    def test_a_store_that_was_erased_is_as_new(self, store: Store) -> None:
        """It never held a track, and readers keep up; positions go on, and the identity stays."""
        store.load([], empty_first=True)
        new = store.catalogue_token()
        assert new.counter == 0
        mirror = Mirror(store)
        for _ in range(2):
            furnish(store)
            mirror.catch_up()
            last = max(mirror.tracks)
            store.load([], empty_first=True)
            mirror.catch_up()
            assert (mirror.tracks, store.catalogue_token(), list(store.user_ids())) == ({}, new, [])
        store.write_tracks([a_track()])
        assert not mirror.catch_up().complete
        assert min(mirror.tracks) > last

    def test_a_reader_notices_an_erasure_whatever_comes_after_it(self, store: Store) -> None:
        """Even as many commits as there were before."""
        store.write_tracks(some_tracks(3))
        mirror = Mirror(store)
        for count, held_tracks in ((2, False), (0, True), (0, False)):
            store.load([], some_tracks(count, title="New"), empty_first=True, held_tracks=held_tracks)
            while store.catalogue_token().counter < 3:
                store.write_tracks([a_track(f"after {store.catalogue_token().counter}")])
            mirror.catch_up()

    @pytest.mark.parametrize("use", USES)
    def test_only_a_new_store_is_loaded_if_that_is_asked(self, store: Store, other_store: Store, use: str) -> None:
        """Any other is a `StoreNotEmptyError`, whether anything is to be loaded or not, and stays as it was."""
        furnish(other_store)
        USES[use](store)
        for users in ([recorded(other_store)], []):
            with refused(store, StoreNotEmptyError, match="allow their replacement"):
                store.load(users, tracks_of(other_store), only_if_new=True)
        store.load([], empty_first=True)
        store.load([recorded(other_store)], tracks_of(other_store), only_if_new=True)
        assert content(store, "alice") == content(other_store, "alice")
        assert tracks_of(store) == tracks_of(other_store)

    @pytest.mark.parametrize("empty_first", [False, True])
    def test_a_store_can_be_made_one_that_held_tracks(self, store: Store, empty_first: bool) -> None:
        """Without a track, in one commit that readers see; with tracks it is that of the tracks."""
        store.load([], held_tracks=True, empty_first=empty_first)
        assert store.catalogue_token().counter == 1
        mirror = Mirror(store)
        assert mirror.tracks == {}
        store.load([], some_tracks(2), held_tracks=True, empty_first=empty_first)
        mirror.catch_up()
        assert len(mirror.tracks) == 2
        store.load([], held_tracks=True, empty_first=empty_first)
        mirror.catch_up()
        assert len(mirror.tracks) == (0 if empty_first else 2)
        assert store.catalogue_token().counter > 0


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
