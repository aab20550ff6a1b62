"""What every store promises about tracks: positions, whole and separate copies, all or nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from qfzz_core.contracts.stores import Store, Written
from qfzz_core.model.tracks import Track
from qfzz_core.testing.samples import a_track, an_unknown_track, some_tracks

_NESTED: Any = "the bottom"
for _ in range(90):
    _NESTED = {"deeper": [_NESTED]}

METADATA = {
    "NUL": "before\0after",
    "only NUL": "\0",
    "Unicode": "Björk — Jóga 🎵 ﷺ \u00e9 e\u0301",
    "quotes": "\"';--\\ \n\r\t\x1b\x7f\u2028",
    "1 MB": "ä1" * 350_000,
    "whole number": 1,
    "number of the same value": 1.0,
    "great whole number": 2**200,
    "negative": -(2**63) - 1,
    "smallest number": 5e-324,
    "largest number": 1.7976931348623157e308,
    "sum": 0.1 + 0.2,
    "negative zero": -0.0,
    "flags and nothing": [True, False, None],
    "empty": ["", [], {}],
    "key order": {"z": 1, "a": 2, "": 3, "\0": 4, "10": 5, "9": 6},
    "nesting": _NESTED,
}
IDS = ["with\0NUL", "with", "With", "with ", " with", "\u00e9", "e\u0301", "%", "'; --", "\u2028", "🎵", "x" * 10_000]


def exactly(value: Any) -> str:
    """Return a text that distinguishes what `==` does not: number types, the sign of zero, the order of keys."""
    return json.dumps(value)


class CatalogueContract:
    """Tracks and their positions."""

    def test_a_new_store_has_no_track(self, store: Store) -> None:
        """Counter 0 says that no track was ever there."""
        assert store.catalogue_token().counter == 0
        assert store.find_track("t1") is None
        assert store.tracks_at([0, 1]) == [None, None]

    def test_positions_follow_the_order_of_adding(self, store: Store) -> None:
        """Over several calls too."""
        assert store.write_tracks(some_tracks(3)) == Written(added=3, replaced=0)
        assert store.write_tracks([a_track("a"), a_track("T1")]) == Written(added=2, replaced=0)
        positions = [_found(store, track_id)[0] for track_id in ("t0", "t1", "t2", "a", "T1")]
        assert positions == sorted(set(positions))
        assert positions[0] >= 0

    def test_what_is_unknown_comes_back_as_none(self, store: Store) -> None:
        """Beside what is known, whichever way it is read."""
        tracks = [an_unknown_track("t1"), a_track("t2"), an_unknown_track("t3", tempo="slow")]
        store.write_tracks(tracks)
        positions = [_found(store, track["track_id"])[0] for track in tracks]
        assert [_found(store, track["track_id"])[1] for track in tracks] == tracks
        assert store.tracks_at(positions) == tracks
        assert [track for _, track in store.catalogue_since(None).written] == tracks

    def test_a_track_is_replaced_in_place(self, store: Store) -> None:
        """It keeps its position, and nothing of the old track is left."""
        store.write_tracks([a_track("t1", extra="old"), a_track("t2")])
        position, _ = _found(store)
        assert store.write_tracks([a_track("t1", title="New"), a_track("t3")]) == Written(added=1, replaced=1)
        assert store.find_track("t1") == (position, a_track("t1", title="New"))

    def test_a_track_id_twice_in_one_call_counts_once(self, store: Store) -> None:
        """The last one stays, at the place of the first."""
        tracks = [a_track("t1", title="First"), a_track("t2"), a_track("t1", title="Last")]
        assert store.write_tracks(tracks) == Written(added=2, replaced=0)
        assert _titles(store) == [("t1", "Last"), ("t2", "So What")]

    def test_a_position_is_never_given_twice(self, store: Store) -> None:
        """Not even that of the last track, and not after everything was removed."""
        store.write_tracks(some_tracks(3))
        last, _ = _found(store, "t2")
        assert store.remove_tracks(["t2"]) == 1
        store.write_tracks([a_track("t2")])
        again, _ = _found(store, "t2")
        assert again > last
        assert store.remove_tracks(["t0", "t1", "t2"]) == 3
        store.write_tracks([a_track("t0")])
        assert _found(store, "t0")[0] > again

    def test_a_removed_track_comes_back_at_the_end(self, store: Store) -> None:
        """Its old position stays empty."""
        store.write_tracks(some_tracks(3))
        position, _ = _found(store, "t0")
        store.remove_tracks(["t0"])
        assert store.find_track("t0") is None
        store.write_tracks([a_track("t0")])
        assert [track_id for track_id, _ in _titles(store)] == ["t1", "t2", "t0"]
        assert store.tracks_at([position]) == [None]

    def test_removing_counts_what_was_there(self, store: Store) -> None:
        """Unknown ids, text that is no Unicode, and an id named twice are no error."""
        store.write_tracks(some_tracks(2))
        assert store.remove_tracks(["t1", "t9", "\ud800", "t1"]) == 1
        assert store.remove_tracks(["t1"]) == 0
        assert store.remove_tracks([]) == 0

    def test_many_positions_are_read_at_once(self, store: Store) -> None:
        """In the order given, one of them twice, None where there is no track."""
        store.write_tracks(some_tracks(2500))
        positions = [position for position, _ in store.catalogue_since(None).written]
        wanted = [*reversed(positions), positions[0], max(positions) + 1]
        assert store.tracks_at(wanted) == [*reversed(some_tracks(2500)), a_track("t0"), None]
        assert store.tracks_at([]) == []

    def test_tracks_are_taken_from_a_generator(self, store: Store) -> None:
        """Many of them, in one commit."""
        assert store.write_tracks(a_track(f"t{number}") for number in range(5000)) == Written(5000, 0)
        assert store.catalogue_token().counter == 1
        assert len(list(store.catalogue_since(None).written)) == 5000

    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
    @pytest.mark.parametrize("after", [1, 5000])
    def test_nothing_is_written_if_the_generator_raises(
        self, store: Store, error: type[BaseException], after: int
    ) -> None:
        """What was there stays, under the same token."""
        store.write_tracks([a_track("t1", title="Old")])
        token = store.catalogue_token()
        with pytest.raises(error):
            store.write_tracks(_failing(after, error))
        assert store.catalogue_token() == token
        assert _titles(store) == [("t1", "Old")]
        assert store.write_tracks([a_track("t2")]) == Written(1, 0)

    @pytest.mark.parametrize("what", METADATA)
    def test_metadata_comes_back_as_it_was(self, store: Store, what: str) -> None:
        """Value, number type and order of keys."""
        track = a_track(zz=METADATA[what], aa={what: METADATA[what]}, energy=1, duration=0)
        store.write_tracks([track])
        ((position, listed),) = store.catalogue_since(None).written
        for kept in (listed, _found(store)[1], store.tracks_at([position])[0]):
            assert exactly(kept) == exactly(track)

    def test_ids_compare_exactly(self, store: Store) -> None:
        """By case, white space, composition and NUL characters."""
        assert store.write_tracks(a_track(track_id, title=f"title {track_id}") for track_id in IDS).added == len(IDS)
        for track_id in IDS:
            assert _found(store, track_id)[1]["title"] == f"title {track_id}"
        assert store.find_track("\ud800") is None
        assert store.remove_tracks(IDS) == len(IDS)

    def test_what_comes_out_belongs_to_the_caller(self, store: Store) -> None:
        """Changing it changes nothing in the store."""
        store.write_tracks([a_track(tags=["a"], nested={"deep": {"x": 1}})])
        for _ in range(2):
            position, track = _found(store)
            assert track == a_track(tags=["a"], nested={"deep": {"x": 1}})
            (other,) = store.tracks_at([position])
            assert other == track
            for one in (track, other):
                one["tags"].append("b")
                one["nested"]["deep"]["x"] = 2
                one["title"] = "changed"

    def test_what_went_in_can_be_changed_later(self, store: Store) -> None:
        """The store keeps a copy of its own."""
        track = a_track(tags=["a"])
        store.write_tracks([track])
        track["tags"].append("b")
        track["title"] = "changed"
        assert _found(store)[1] == a_track(tags=["a"])


def _found(store: Store, track_id: str = "t1") -> tuple[int, Track]:
    found = store.find_track(track_id)
    assert found is not None
    return found


def _titles(store: Store) -> list[tuple[str, str]]:
    return [(track["track_id"], track["title"]) for _, track in store.catalogue_since(None).written]


def _failing(after: int, error: type[BaseException]) -> Iterator[Track]:
    yield from some_tracks(after)
    raise error
