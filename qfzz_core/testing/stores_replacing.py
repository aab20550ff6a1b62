"""What every store promises about loading in place of what it holds: only if allowed, and as new afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from qfzz_core.contracts.stores import Store
from qfzz_core.errors import StoreNotEmptyError
from qfzz_core.testing.samples import a_track, create, some_tracks
from qfzz_core.testing.stores_changes import Mirror
from qfzz_core.testing.stores_records import content, furnish, recorded, tracks_of
from qfzz_core.testing.stores_transactions import everything


def _empty_the_catalogue(store: Store) -> None:
    store.write_tracks([a_track()])
    store.remove_tracks(["t1"])


USES: dict[str, Callable[[Store], Any]] = {
    "a user": lambda store: create(store, "zoe"),
    "a track": lambda store: store.write_tracks([a_track()]),
    "a track that was removed": _empty_the_catalogue,
}


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
        before, tracks, token = everything(store), tracks_of(store), store.catalogue_token()
        for users in ([recorded(other_store)], []):
            with pytest.raises(StoreNotEmptyError, match="allow their replacement"):
                store.load(users, tracks_of(other_store), only_if_new=True)
            assert (everything(store), tracks_of(store), store.catalogue_token()) == (before, tracks, token)
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
