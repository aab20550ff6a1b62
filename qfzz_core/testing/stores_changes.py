"""What every store promises about freshness: a token for each state, and what changed between two of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pytest

from qfzz_core.contracts.stores import CatalogueChanges, CatalogueToken, Store
from qfzz_core.model.tracks import Track
from qfzz_core.testing.samples import a_track, changing, some_tracks


class Mirror:
    """A reader that holds the catalogue, from the beginning, and keeps up with it by `catalogue_since`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._token: CatalogueToken | None = None
        self.tracks: dict[int, Track] = {}
        self.catch_up()

    def catch_up(self) -> CatalogueChanges:
        """Apply what changed and check the result against the whole catalogue."""
        changes = self._store.catalogue_since(self._token)
        if changes.complete:
            assert not list(changes.removed)
            self.tracks.clear()
        self.tracks.update(changes.written)
        for position in changes.removed:
            self.tracks.pop(position, None)
        self._token = changes.token
        assert changes.token == self._store.catalogue_token()
        whole = self._store.catalogue_since(None)
        assert whole.complete
        assert sorted(self.tracks.items()) == list(whole.written)
        return changes


class ChangesContract:
    """Tokens, and what changed since one."""

    def test_every_commit_has_another_token(self, store: Store) -> None:
        """The counter counts, the token is random."""
        tokens = [store.catalogue_token()]
        for number in range(3):
            store.write_tracks([a_track(f"t{number}")])
            tokens.append(store.catalogue_token())
        store.remove_tracks(["t0", "t1"])
        tokens.append(store.catalogue_token())
        assert [token.counter for token in tokens] == [0, 1, 2, 3, 4]
        assert len({token.token for token in tokens}) == 5
        assert len({token.identity for token in tokens}) == 1

    def test_what_writes_nothing_is_no_commit(self, store: Store) -> None:
        """Neither an empty call nor the removal of unknown tracks, nor anything about users."""
        store.write_tracks([a_track()])
        token = store.catalogue_token()
        store.write_tracks([])
        store.write_tracks(iter(()))
        store.remove_tracks(["t9"])
        with changing(store) as user:
            user.create("2026-01-31T09:30:00.000000+00:00")
        assert store.catalogue_token() == token

    def test_an_empty_catalogue_can_be_read(self, store: Store) -> None:
        """Before the first track and after the last."""
        assert list(store.catalogue_since(None).written) == []
        store.write_tracks([a_track()])
        store.remove_tracks(["t1"])
        changes = store.catalogue_since(None)
        assert changes.complete
        assert list(changes.written) == []

    def test_nothing_changed_since_now(self, store: Store) -> None:
        """The present token gives nothing."""
        store.write_tracks(some_tracks(3))
        changes = store.catalogue_since(store.catalogue_token())
        assert (changes.complete, list(changes.written), list(changes.removed)) == (False, [], [])

    def test_changes_are_only_what_changed(self, store: Store) -> None:
        """Added, replaced, removed; and what was removed and came back."""
        store.write_tracks(some_tracks(10))
        token = store.catalogue_token()
        positions = {track["track_id"]: position for position, track in store.catalogue_since(None).written}
        store.write_tracks([a_track("t3", title="New"), a_track("new")])
        store.remove_tracks(["t5", "t6"])
        store.write_tracks([a_track("t6")])
        changes = store.catalogue_since(token)
        written = {track["track_id"]: position for position, track in changes.written}
        assert not changes.complete
        assert written.keys() == {"t3", "new", "t6"}
        assert written["t3"] == positions["t3"]
        assert set(changes.removed) == {positions["t5"], positions["t6"]}

    def test_a_reader_keeps_up(self, store: Store) -> None:
        """Whatever happened between two looks."""
        mirror = Mirror(store)
        store.write_tracks(some_tracks(20))
        mirror.catch_up()
        store.write_tracks([a_track("t1", title="Once")])
        store.write_tracks([a_track("t1", title="Twice"), *some_tracks(3, first=20)])
        mirror.catch_up()
        store.write_tracks([a_track("short-lived")])
        store.remove_tracks(["short-lived", "t2"])
        mirror.catch_up()
        store.remove_tracks([f"t{number}" for number in range(30)])
        assert not mirror.catch_up().complete
        assert mirror.tracks == {}

    def test_a_reader_keeps_up_over_a_hundred_commits(self, store: Store) -> None:
        """Without reading everything again."""
        store.write_tracks(some_tracks(50))
        mirror = Mirror(store)
        for number in range(100):
            if number % 3:
                store.write_tracks([a_track(f"t{number}", title=f"Commit {number}")])
            else:
                store.remove_tracks([f"t{number // 3}"])
        assert not mirror.catch_up().complete

    def test_an_unknown_token_gives_everything(self, store: Store) -> None:
        """That of another store, of a restored backup, or of the future."""
        store.write_tracks(some_tracks(3))
        store.write_tracks(some_tracks(3, first=3))
        token = store.catalogue_token()
        for foreign in (
            CatalogueToken("another store", token.counter, token.token),
            CatalogueToken(token.identity, token.counter, "another history"),
            CatalogueToken(token.identity, token.counter + 1, token.token),
        ):
            changes = store.catalogue_since(foreign)
            assert changes.complete
            assert len(list(changes.written)) == 6

    def test_two_stores_can_be_distinguished(self, store: Store, other_store: Store) -> None:
        """By their identity."""
        assert store.catalogue_token().identity != other_store.catalogue_token().identity

    @pytest.mark.parametrize("complete", [True, False])
    def test_changes_are_one_view_while_others_write(self, store: Store, complete: bool) -> None:
        """What is read lazily is the catalogue of one moment."""
        token = None if complete else store.catalogue_token()
        store.write_tracks(some_tracks(5000, title="Old"))
        changes = store.catalogue_since(token)
        written = iter(changes.written)
        read = _read(written, 1)
        store.write_tracks(some_tracks(5000, title="New"))
        store.remove_tracks(["t4999"])
        store.write_tracks([a_track("late")])
        read += _read(written, 6000)
        assert [track["track_id"] for track in read] == [f"t{number}" for number in range(5000)]
        assert {track["title"] for track in read} == {"Old"}
        assert changes.token.counter == 1

    def test_changes_need_not_be_read_to_the_end(self, store: Store) -> None:
        """Whoever stops holds nobody up."""
        store.write_tracks(some_tracks(5000))
        written = iter(store.catalogue_since(None).written)
        _read(written, 10)
        del written
        unread = store.catalogue_since(None)
        assert store.write_tracks([a_track("late")]).added == 1
        del unread


def _read(written: Iterator[tuple[int, Track]], count: int) -> list[Track]:
    return [track for _, track in islice(written, count)]
