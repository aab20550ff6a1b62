"""Lists that are read lazily: the same as whole ones, and nothing is fetched that nobody reads."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import pytest
from support.third_party import ONLY_RANKED, dj_with, plugin, tracks

from qfzz import PersonalizedDJ
from qfzz_core.hookspecs import Recommended
from qfzz_core.model.tracks import Track
from qfzz_plugins.stores.memory import MemoryStore


class CountingStore(MemoryStore):
    """A store that counts the tracks it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched = 0

    def tracks_at(self, positions: Sequence[int]) -> list[Track | None]:
        self.fetched += len(positions)
        return super().tracks_at(positions)


def counting_dj(count: int) -> tuple[PersonalizedDJ, CountingStore]:
    store = CountingStore()
    dj = PersonalizedDJ(store=store, seed=1)
    dj.add_content(tracks(count))
    return dj, store


def remembering(notified: list[Recommended]) -> Callable[[Recommended], None]:
    def remember(recommended: Recommended) -> None:
        notified.append(recommended)

    return remember


ARGUMENTS: dict[str, dict[str, Any]] = {
    "everything": {},
    "a limit": {"limit": 7},
    "a limit of none": {"limit": 0},
    "all keywords": {
        "limit": 5,
        "exclude": ["t3"],
        "where": {"year": (1960, 1990)},
        "max_per_artist": 1,
        "distinct": True,
        "context": {"device": "car"},
    },
    "preferences": {"preferences": {"discovery_factor": 0.9}},
}


@pytest.mark.parametrize("what", ARGUMENTS)
def test_a_lazy_list_is_the_whole_list(what: str) -> None:
    columns = {"columns": {"year": {"kind": "number"}}}
    lazy, whole = (dj_with(content=tracks(60), **columns) for _ in range(2))
    for _ in range(3):
        assert list(lazy.iter_recommend("u", **ARGUMENTS[what])) == whole.recommend("u", **ARGUMENTS[what])


def test_a_lazy_list_has_the_facts_of_the_whole_list() -> None:
    lazy, whole = (dj_with(content=tracks(60)).engine for _ in range(2))
    for one, other in zip(lazy.iter_recommend("u"), whole.recommend("u"), strict=True):
        assert (one.track, one.score, one.rank) == (other.track, other.score, other.rank)
        assert (one.reason, one.propensity, one.explanation) == (other.reason, other.propensity, other.explanation)


def test_who_reads_five_of_a_lazy_list_has_a_few_fetched() -> None:
    dj, store = counting_dj(3_000)
    assert len(list(islice(dj.iter_recommend("u"), 5))) == 5
    assert 5 <= store.fetched <= 50


def test_who_reads_all_of_a_lazy_list_has_each_fetched_once() -> None:
    dj, store = counting_dj(3_000)
    assert len(list(dj.iter_recommend("u", ONLY_RANKED))) == store.fetched == 3_000


def test_the_arguments_of_a_lazy_list_are_checked_by_the_call() -> None:
    dj = dj_with()
    for arguments in ({"limit": -1}, {"where": {"nothing": 1}}, {"preferences": {"genre": {}}}):
        with pytest.raises(ValueError, match=r"limit|nothing|genre"):
            dj.iter_recommend("u", **arguments)
    with pytest.raises(ValueError, match="user_id"):
        dj.iter_recommend(" ")
    assert dj.get_profile("u") is None


def test_a_lazy_list_creates_the_user() -> None:
    dj = dj_with()
    dj.iter_recommend("u")
    assert dj.get_profile("u") is not None


def test_a_lazy_list_is_of_the_moment_of_the_call() -> None:
    dj = dj_with()
    found = dj.iter_recommend("u", ONLY_RANKED)
    dj.get_or_create_profile("u").energy_level = 1.0
    dj.add_content(tracks(9)[6:])
    assert [track["track_id"] for track in found] == [f"t{n}" for n in range(6)]


def test_a_track_removed_before_its_turn_is_left_out() -> None:
    dj = dj_with(content=tracks(100))
    found = dj.iter_recommend("u", ONLY_RANKED)
    first = next(found)
    dj.remove_content([first["track_id"], "t80", "t99"])
    assert [track["track_id"] for track in found] == [f"t{n}" for n in range(1, 99) if n != 80]


def test_a_track_replaced_before_its_turn_comes_as_it_is() -> None:
    dj = dj_with(content=tracks(100))
    found = dj.iter_recommend("u", ONLY_RANKED)
    dj.add_content([{**tracks(100)[80], "title": "new"}])
    assert [track["title"] for track in found] == [
        *(f"t{n}" for n in range(80)),
        "new",
        *(f"t{n}" for n in range(81, 100)),
    ]


def test_what_is_done_to_a_track_of_a_long_list_changes_nothing_inside() -> None:
    content = tracks(2_000)
    dj = dj_with(content=content)
    for track in dj.recommend("u", ONLY_RANKED):
        track.clear()
    assert dj.recommend("u", ONLY_RANKED) == content


@pytest.mark.parametrize("count", [1, 3, 40])
def test_observers_are_notified_of_what_was_read_when_the_reading_ends(count: int) -> None:
    notified: list[Recommended] = []
    dj = dj_with(plugin("mine", qfzz_recommended=remembering(notified)), content=tracks(40))
    found = dj.engine.iter_recommend("u", ONLY_RANKED)
    read = [each.track for each in islice(found, count)]
    assert notified == []
    found.close()
    (only,) = notified
    assert [each.track for each in only.recommendations] == read
    assert only.recommendations[0].track is not read[0]


def test_observers_and_callers_of_dictionaries_share_none() -> None:
    notified: list[Recommended] = []
    dj = dj_with(plugin("mine", qfzz_recommended=remembering(notified)))
    found = dj.recommend("u", ONLY_RANKED)
    expected = [dict(track) for track in found]
    for track in found:
        track.clear()
    assert [each.track for each in notified[0].recommendations] == expected


def test_a_recommendation_shows_what_it_is() -> None:
    (found,) = dj_with().engine.recommend("u", ONLY_RANKED, limit=1)
    assert found.track is found.track
    assert repr(found).startswith("Recommendation(track={'track_id': 't0'")
    assert repr(found).endswith(f"score={found.score!r}, rank=1, reason='ranked', propensity=None)")
