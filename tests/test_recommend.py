"""What `recommend` promises beyond its ranking: overrides, copies, limits, samples, seeds, discovery."""

import copy
import random
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support import oracle

from qfzz import PersonalizedDJ

PLAIN = {"discovery_factor": 0.0}


def track(track_id: str, **fields: Any) -> dict[str, Any]:
    plain = {"title": track_id, "artist": "ABBA", "genre": "pop", "mood": "calm", "energy": 0.5, "tempo": "medium"}
    return {"track_id": track_id, **plain, "duration": 180, **fields}


def descending(count: int) -> list[dict[str, Any]]:
    """Tracks t0, t1, ... each of which fits a default profile less than the one before."""
    return [track(f"t{n}", artist=f"Artist {n}", energy=0.5 + n / (2 * count)) for n in range(count)]


def ids(tracks: list[dict[str, Any]]) -> list[str]:
    return [each["track_id"] for each in tracks]


def with_tracks(tracks: list[dict[str, Any]], **arguments: Any) -> PersonalizedDJ:
    dj = PersonalizedDJ(**arguments)
    dj.add_content(tracks)
    return dj


@pytest.fixture
def dj() -> Iterator[PersonalizedDJ]:
    with with_tracks(descending(40), seed=1) as dj:
        yield dj


# Preferences for one call


OVERRIDES = {
    "genres": {"jazz": 0.9},
    "artists": {"Artist 7": 0.9},
    "moods": {"calm": 0.9},
    "energy_level": 1.0,
    "tempo_preference": "varied",
    "discovery_factor": 0.9,
}


@pytest.mark.parametrize("key", OVERRIDES)
def test_an_override_holds_for_this_call_alone(dj: PersonalizedDJ, key: str) -> None:
    profile = dj.get_or_create_profile("u", {"genres": {"pop": 0.5}, **PLAIN})
    before, plain = profile.to_dict(), ids(dj.recommend("u"))
    given = {key: copy.deepcopy(OVERRIDES[key])}
    dj.recommend("u", given)
    assert given == {key: OVERRIDES[key]}
    assert profile.to_dict() == before
    assert ids(dj.recommend("u")) == plain


def test_each_key_given_replaces_that_field_whole() -> None:
    dj = with_tracks([track("pop"), track("jazz", genre="jazz"), track("rock", genre="rock")])
    dj.get_or_create_profile("u", {"genres": {"pop": 1.0}, **PLAIN})
    assert ids(dj.recommend("u")) == ["pop", "jazz", "rock"]
    assert ids(dj.recommend("u", {"genres": {"rock": 0.1}})) == ["rock", "pop", "jazz"]
    assert ids(dj.recommend("u", {"genres": {}})) == ["pop", "jazz", "rock"]


def test_an_unknown_user_is_created_with_default_preferences_not_with_the_overrides(dj: PersonalizedDJ) -> None:
    dj.recommend("new", OVERRIDES)
    profile = dj.get_profile("new")
    assert profile is not None
    assert (profile.genres, profile.artists, profile.moods) == ({}, {}, {})
    assert (profile.energy_level, profile.tempo_preference, profile.discovery_factor) == (0.5, "medium", 0.3)
    assert profile.interaction_history == []


REFUSED = {
    "unknown key": lambda dj: dj.recommend("new", {"genre": {"rock": 0.5}}),
    "weight": lambda dj: dj.recommend("new", {"genres": {"rock": 1.5}}),
    "two spellings": lambda dj: dj.recommend("new", {"genres": {"rock": 0.5, "ROCK": 0.5}}),
    "energy": lambda dj: dj.recommend("new", {"energy_level": -0.5}),
    "discovery": lambda dj: dj.recommend("new", {"discovery_factor": float("nan")}),
    "tempo": lambda dj: dj.recommend("new", {"tempo_preference": "quick"}),
    "negative limit": lambda dj: dj.recommend("new", limit=-1),
    "boolean limit": lambda dj: dj.recommend("new", limit=True),
    "fractional limit": lambda dj: dj.recommend("new", limit=2.0),
    "textual limit": lambda dj: dj.recommend("new", limit="5"),
    "where": lambda dj: dj.recommend("new", where={"colour": "blue"}),
    "blank user": lambda dj: dj.recommend(" "),
}


@pytest.mark.parametrize("call", REFUSED.values(), ids=REFUSED)
def test_a_refused_call_creates_nobody_and_draws_nothing(call: Callable[[PersonalizedDJ], object]) -> None:
    calm, bothered = (with_tracks(descending(40), seed=5) for _ in range(2))
    for _ in range(3):
        with pytest.raises(ValueError, match=r"\w"):
            call(bothered)
        assert bothered.get_profile("new") is None
        assert bothered.recommend("u") == calm.recommend("u")


@pytest.mark.parametrize(
    ("preferences", "named"),
    [
        ({"genre": {}}, "genre"),
        ({"genres": {"rock": 2}}, "genres"),
        ({"artists": {"ABBA": True}}, "artists"),
        ({"moods": [("calm", 0.5)]}, "moods"),
        ({"energy_level": "high"}, "energy_level"),
        ({"tempo_preference": "quick"}, "tempo_preference"),
        ({"discovery_factor": 1.1}, "discovery_factor"),
        ({"user_id": "other"}, "user_id"),
    ],
)
def test_a_refusal_names_the_key(dj: PersonalizedDJ, preferences: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        dj.recommend("u", preferences)


@pytest.mark.parametrize(
    ("keywords", "named"),
    [
        ({"exclude": "t1"}, "exclude must be several track ids"),
        ({"exclude": ["t1", 2]}, "exclude holds 2"),
        ({"distinct": 1}, 'distinct must be True, False or "exact", got 1'),
        ({"context": ["home"]}, "context must be a mapping"),
        ({"where": ["jazz"]}, "where"),
    ],
)
def test_a_keyword_of_the_wrong_kind_is_refused_by_name(
    dj: PersonalizedDJ, keywords: dict[str, Any], named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        dj.recommend("u", limit=3, **keywords)


# Deep copies


def extras() -> dict[str, Any]:
    return {
        "album": None,
        "tags": ["live", {"year": 1975}],
        "links": {"b": 1, "a": [1.0, 1, True, None]},
        "play count": 3,
    }


def spoil(tracks: list[dict[str, Any]]) -> None:
    for each in tracks:
        each["title"] = "spoilt"
        each["tags"][1]["year"] = 0
        each["links"]["a"].clear()
        del each["links"]["b"]
    tracks.clear()


def test_what_was_added_comes_back_whole() -> None:
    dj = with_tracks([track("t", **extras())])
    (served,) = dj.recommend("u", PLAIN)
    assert served == track("t", **extras())
    assert list(served["links"]) == ["b", "a"]
    assert [type(each) for each in served["links"]["a"]] == [float, int, bool, type(None)]
    assert type(served["duration"]) is int


def test_what_the_caller_does_to_a_result_changes_nothing_inside() -> None:
    dj = with_tracks([track("t", **extras())])
    spoil(dj.recommend("u", PLAIN))
    spoil([each.track for each in dj.engine.recommend("u", preferences=PLAIN, limit=1)])
    spoil([dj.get_track("t")])
    assert dj.recommend("u", PLAIN) == [track("t", **extras())]
    assert dj.get_track("t") == track("t", **extras())


def test_what_the_caller_does_to_the_tracks_added_changes_nothing_inside() -> None:
    mine = [track("t", **extras())]
    dj = with_tracks(mine)
    spoil(mine)
    assert dj.recommend("u", PLAIN) == [track("t", **extras())]


def test_what_the_caller_does_to_a_sample_changes_nothing_inside() -> None:
    dj = PersonalizedDJ()
    served = dj.recommend("u", PLAIN)
    before = copy.deepcopy(served)
    for each in served:
        each.clear()
    assert dj.recommend("u", PLAIN) == before


# Limits and constraints


@pytest.mark.parametrize("d", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("limit", [0, 1, 7, 39, 40, 41, 1000])
def test_exactly_as_many_as_wanted_and_eligible_come_back_each_once(dj: PersonalizedDJ, limit: int, d: float) -> None:
    served = ids(dj.recommend("u", {"discovery_factor": d}, limit=limit))
    assert len(served) == len(set(served)) == min(limit, 40)


def test_a_limit_of_0_gives_an_empty_list_and_still_creates_the_user(dj: PersonalizedDJ) -> None:
    assert dj.recommend("u", limit=0) == []
    assert dj.get_profile("u") is not None


@pytest.mark.parametrize("limit", [-1, 1.0, 2.5, "3", True, False])
def test_a_limit_that_is_no_count_is_refused(dj: PersonalizedDJ, limit: Any) -> None:
    with pytest.raises(ValueError, match="limit"):
        dj.recommend("u", limit=limit)


@pytest.mark.parametrize("kind", [list, tuple, set, frozenset])
def test_excluded_tracks_are_left_out_and_the_next_ones_move_up(
    dj: PersonalizedDJ, kind: Callable[[list[str]], Any]
) -> None:
    served = dj.recommend("u", PLAIN, limit=3, exclude=kind(["t0", "t2", "never heard of"]))
    assert ids(served) == ["t1", "t3", "t4"]


def test_ranks_count_the_eligible_tracks(dj: PersonalizedDJ) -> None:
    served = dj.engine.recommend("u", preferences=PLAIN, limit=2, exclude=["t0"])
    assert [(each.track["track_id"], each.rank) for each in served] == [("t1", 1), ("t2", 2)]


MIXED = [
    track("a", genre="jazz", energy=0.1, tempo="slow"),
    track("b", genre="hip-hop", energy=0.4, mood="upbeat"),
    track("c", genre="rock", energy=0.7, artist="Björk"),
    track("d", genre="jazz", energy=0.9, tempo="fast"),
]


@pytest.mark.parametrize(
    ("where", "eligible"),
    [
        ({}, "abcd"),
        ({"genre": "jazz"}, "ad"),
        ({"genre": "Hip Hop"}, "b"),
        ({"artist": "BJÖRK"}, "c"),
        ({"genre": ["rock", "jazz"]}, "acd"),
        ({"genre": []}, ""),
        ({"mood": "upbeat"}, "b"),
        ({"tempo": ["slow", "fast"]}, "ad"),
        ({"energy": (0.3, 0.8)}, "bc"),
        ({"energy": 0.4}, "b"),
        ({"energy": [0.1, 0.9]}, "ad"),
        ({"genre": "jazz", "energy": (0.5, 1.0)}, "d"),
        ({"genre": "polka"}, ""),
    ],
    ids=str,
)
@pytest.mark.parametrize("limit", [None, 10])
def test_where_keeps_the_tracks_it_describes(where: dict[str, Any], eligible: str, limit: int | None) -> None:
    dj = with_tracks(MIXED)
    assert sorted(ids(dj.recommend("u", PLAIN, limit=limit, where=where))) == list(eligible)


def test_an_unknown_condition_is_named(dj: PersonalizedDJ) -> None:
    with pytest.raises(ValueError, match="colour"):
        dj.recommend("u", where={"colour": "blue"})


def test_disliked_tracks_can_be_left_out_until_they_are_liked_again(dj: PersonalizedDJ) -> None:
    dj.record_feedback("u", "t1", "dislike")
    dj.record_feedback("v", "t2", "dislike")
    without = ids(dj.recommend("u", where={"disliked": False}, limit=40))
    assert set(without) == set(ids(descending(40))) - {"t1"}
    assert len(dj.recommend("u", limit=40)) == 40
    dj.record_feedback("u", "t1", "like")
    assert len(dj.recommend("u", where={"disliked": False}, limit=40)) == 40


def test_max_per_artist_keeps_the_best_ranked_of_each() -> None:
    artists = ["ABBA", "abba", "ABBA", "Blur", "Blur", "Can"]
    dj = with_tracks([track(f"t{n}", artist=name, energy=0.5 + n / 100) for n, name in enumerate(artists)])
    assert ids(dj.recommend("u", PLAIN, max_per_artist=1)) == ["t0", "t3", "t5"]
    assert ids(dj.recommend("u", PLAIN, max_per_artist=2)) == ["t0", "t1", "t3", "t4", "t5"]
    assert ids(dj.recommend("u", PLAIN, max_per_artist=2, limit=3)) == ["t0", "t1", "t3"]
    assert ids(dj.recommend("u", PLAIN)) == ["t0", "t1", "t2", "t3", "t4", "t5"]


def test_distinct_keeps_the_best_ranked_recording_of_a_song() -> None:
    songs = [("ABBA", "SOS"), ("abba", "SOS"), ("ABBA", "Waterloo"), ("Portishead", "SOS"), ("ABBA", "SOS")]
    dj = with_tracks(
        [track(f"t{n}", artist=artist, title=title, energy=0.5 + n / 100) for n, (artist, title) in enumerate(songs)]
    )
    assert ids(dj.recommend("u", PLAIN, distinct=True)) == ["t0", "t2", "t3"]
    assert ids(dj.recommend("u", PLAIN, distinct=True, limit=2)) == ["t0", "t2"]


def test_editions_of_a_work_are_one_unless_whole_titles_are_compared() -> None:
    titles = ["Rio", "Rio - 2009 Remaster", "RIO (Live)", "Rio [Mono]", "Rio (Radio Edit)", "Rio (1982)", "Rio - Remix"]
    dj = with_tracks([track(f"t{n}", artist="Duran Duran", title=title) for n, title in enumerate([*titles, "rio"])])
    assert ids(dj.recommend("u", PLAIN, distinct=True)) == ["t0", "t6"]
    assert ids(dj.recommend("u", PLAIN, distinct="exact")) == [f"t{n}" for n in range(7)]


@pytest.mark.parametrize("d", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("limit", [1, 5, 9, 30])
def test_constraints_apply_before_discovery(d: float, limit: int) -> None:
    tracks = [track(f"t{n}", artist=f"Artist {n % 6}", energy=0.5 + n / 100) for n in range(40)]
    eligible = [f"t{n}" for n in range(18) if n not in {0, 1}] + ["t18", "t19"]
    dj = with_tracks(tracks, seed=3)
    served = dj.engine.recommend(
        "u",
        preferences={"discovery_factor": d},
        limit=limit,
        exclude=["t0", "t1"],
        where={"energy": (0.0, 0.8)},
        max_per_artist=3,
    )
    assert len(served) == min(limit, len(eligible))
    assert [each.track["track_id"] for each in served] == [eligible[each.rank - 1] for each in served]


# The catalogue as recommend sees it


def test_a_replaced_track_keeps_its_position_and_a_readded_one_comes_last() -> None:
    dj = with_tracks([track("a"), track("b"), track("c")])
    dj.add_content([track("a", title="new")])
    assert ids(dj.recommend("u", PLAIN)) == ["a", "b", "c"]
    assert dj.recommend("u", PLAIN)[0]["title"] == "new"
    dj.remove_content(["a"])
    assert ids(dj.recommend("u", PLAIN)) == ["b", "c"]
    dj.add_content([track("a")])
    assert ids(dj.recommend("u", PLAIN)) == ["b", "c", "a"]


def test_a_refused_addition_adds_nothing(dj: PersonalizedDJ) -> None:
    with pytest.raises(ValueError, match="energy"):
        dj.add_content([track("good"), track("bad", energy=2.0)])
    with pytest.raises(ValueError, match="twice"):
        dj.add_content([track("twice"), track("twice")])
    assert set(ids(dj.recommend("u", PLAIN))) == set(ids(descending(40)))


# Samples


def samples(dj: PersonalizedDJ, user_id: str = "u") -> list[dict[str, Any]]:
    return dj.recommend(user_id, PLAIN)


def test_a_new_dj_serves_about_fifty_samples_over_the_documented_genres() -> None:
    served = samples(PersonalizedDJ())
    assert 45 <= len(served) <= 55
    assert len(set(ids(served))) == len(served)
    assert {each["genre"] for each in served} == set(oracle.SIMILAR_GENRES)


def test_each_sample_artist_keeps_to_one_genre_and_a_few_moods() -> None:
    served = samples(PersonalizedDJ())
    for artist in {each["artist"] for each in served}:
        own = [each for each in served if each["artist"] == artist]
        assert len({each["genre"] for each in own}) == 1
        assert len({each["mood"] for each in own}) <= 3


def test_the_samples_are_tracks_like_any_other() -> None:
    served = samples(PersonalizedDJ())
    assert samples(with_tracks(served)) == served


def test_the_samples_are_the_same_for_everyone_and_every_call() -> None:
    one, other = PersonalizedDJ(seed=1), PersonalizedDJ(seed=2)
    assert samples(one) == samples(one) == samples(one, "v") == samples(other)


def test_the_ten_best_samples_for_a_default_profile_include_jazz_and_rock() -> None:
    for best in (samples(PersonalizedDJ())[:10], PersonalizedDJ().recommend("u", PLAIN, limit=10)):
        assert {"jazz", "rock"} <= {each["genre"] for each in best}


def test_samples_rank_as_the_oracle_ranks_them() -> None:
    dj = PersonalizedDJ()
    preferences = {"genres": {"jazz": 0.9}, "energy_level": 0.2, "tempo_preference": "slow", **PLAIN}
    ranked = oracle.ranking(preferences, samples(dj))
    assert [score for _, score in ranked] == [
        each.score for each in dj.engine.recommend("u", preferences=preferences, limit=None)
    ]


def test_a_profile_learns_from_feedback_on_a_sample() -> None:
    dj = PersonalizedDJ()
    sample = next(each for each in samples(dj) if each["genre"] == "jazz")
    dj.record_feedback("u", sample["track_id"], "like")
    profile = dj.get_or_create_profile("u")
    assert profile.genres == {"jazz": 0.1}
    assert profile.artists == {sample["artist"]: 0.1}
    assert profile.moods == {sample["mood"]: 0.1}
    assert dj.explain("u", sample["track_id"]).score == oracle.score(profile.to_dict(), sample)


def test_samples_are_not_stored() -> None:
    dj = PersonalizedDJ()
    samples(dj)
    dj.add_content([])
    assert len(samples(dj)) >= 45
    dj.add_content([track("t")])
    assert ids(samples(dj)) == ["t"]


def test_a_refused_addition_leaves_the_samples() -> None:
    dj = PersonalizedDJ()
    before = samples(dj)
    with pytest.raises(ValueError, match="energy"):
        dj.add_content([track("bad", energy=2.0)])
    assert samples(dj) == before


def test_an_emptied_catalogue_gives_nothing_and_no_samples() -> None:
    dj = with_tracks([track("t")])
    dj.remove_content(["t"])
    assert samples(dj) == []
    assert dj.recommend("u", limit=5) == []
    dj.add_content([])
    assert samples(dj) == []


def test_samples_can_be_limited_excluded_and_filtered() -> None:
    dj = PersonalizedDJ()
    first, second, *_ = ids(samples(dj))
    assert ids(dj.recommend("u", PLAIN, limit=1, exclude=[first])) == [second]
    assert {each["genre"] for each in dj.recommend("u", where={"genre": "folk"})} == {"folk"}
    assert dj.recommend("u", where={"genre": "polka"}) == []


# Seeds and requests


def lists(dj: PersonalizedDJ, count: int = 4, user_id: str = "u") -> list[list[str]]:
    return [ids(dj.recommend(user_id, {"discovery_factor": 0.6}, limit=12)) for _ in range(count)]


def test_the_same_seed_gives_the_same_lists_and_another_seed_others() -> None:
    assert lists(with_tracks(descending(100), seed=7)) == lists(with_tracks(descending(100), seed=7))
    assert lists(with_tracks(descending(100), seed=7)) != lists(with_tracks(descending(100), seed=8))


def test_each_request_draws_for_itself(dj: PersonalizedDJ) -> None:
    assert all(one != other for one, other in pairwise(lists(dj)))


def test_a_request_draws_by_its_number_whatever_the_ones_before_asked() -> None:
    one, other = (with_tracks(descending(100), seed=7) for _ in range(2))
    one.recommend("someone else", {"discovery_factor": 1.0})
    one.recommend("u", PLAIN, limit=3)
    lists(other, 2)
    assert lists(one) == lists(other)


def test_a_seed_can_come_from_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "qfzz.toml").write_text("seed = 7\n", encoding="utf-8")
    assert lists(with_tracks(descending(100), config=tmp_path / "qfzz.toml")) == lists(
        with_tracks(descending(100), seed=7)
    )


def test_two_djs_do_not_influence_each_other() -> None:
    alone = with_tracks(descending(100), seed=7)
    expected = [lists(alone, 1) for _ in range(3)]
    one, other = with_tracks(descending(100), seed=7), with_tracks(descending(60), seed=9)
    for each in expected:
        lists(other, 2)
        other.record_feedback("u", "t5", "favorite")
        other.add_content([track("more")])
        assert lists(one, 1) == each
    assert one.get_or_create_profile("u").genres == {}
    assert one.get_track("t5") == alone.get_track("t5")


def test_the_callers_random_module_is_neither_read_nor_moved() -> None:
    random.seed(1)
    state = random.getstate()
    first = lists(with_tracks(descending(100), seed=7))
    assert random.getstate() == state
    random.seed(2)
    assert lists(with_tracks(descending(100), seed=7)) == first


# Discovery


def discovering(tmp_path: Path, options: str, count: int = 40, seed: int = 1) -> PersonalizedDJ:
    path = tmp_path / "qfzz.toml"
    path.write_text(f'[discovery]\nstrategy = "split"\n{options}\n', encoding="utf-8")
    return with_tracks(descending(count), config=path, seed=seed)


def answer(dj: PersonalizedDJ, d: float, limit: int | None) -> list[tuple[str, int]]:
    served = dj.engine.recommend("u", preferences={"discovery_factor": d}, limit=limit)
    return [(each.reason, each.rank) for each in served]


@pytest.mark.parametrize("limit", [None, 10])
@pytest.mark.parametrize("shuffle", ["riffle", "none"])
def test_without_discovery_the_answer_is_the_plain_ranking(tmp_path: Path, shuffle: str, limit: int | None) -> None:
    dj = discovering(tmp_path, f'shuffle = "{shuffle}"')
    expected = [("ranked", rank) for rank in range(1, (limit or 40) + 1)]
    assert [answer(dj, 0.0, limit) for _ in range(3)] == [expected] * 3


def test_riffle_is_the_default_and_keeps_the_order_of_the_best(dj: PersonalizedDJ) -> None:
    answers = [answer(dj, 0.5, 10) for _ in range(20)]
    for each in answers:
        assert [rank for reason, rank in each if reason == "ranked"] == [1, 2, 3, 4, 5]
        assert sum(reason == "discovery" for reason, _ in each) == 5
    assert any(reason == "discovery" for each in answers for reason, _ in each[:1])
    assert len({tuple(reason for reason, _ in each) for each in answers}) > 10
    assert any(picks != sorted(picks) for picks in ([rank for why, rank in a if why == "discovery"] for a in answers))


def test_none_puts_the_picks_at_the_end(tmp_path: Path) -> None:
    dj = discovering(tmp_path, 'shuffle = "none"\npool_depth = 3')
    for _ in range(20):
        served = answer(dj, 0.5, 6)
        assert served[:3] == [("ranked", 1), ("ranked", 2), ("ranked", 3)]
        assert [reason for reason, _ in served[3:]] == ["discovery"] * 3
        assert all(4 <= rank <= 18 for _, rank in served[3:])


def test_full_permutes_the_whole_answer(tmp_path: Path) -> None:
    dj = discovering(tmp_path, 'shuffle = "full"')
    answers = [answer(dj, 0.3, 10) for _ in range(20)]
    for each in answers:
        assert sorted(rank for reason, rank in each if reason == "ranked") == [1, 2, 3, 4, 5, 6, 7]
    assert all([rank for reason, rank in each if reason == "ranked"] != [1, 2, 3, 4, 5, 6, 7] for each in answers)


def chi_square(counts: Counter[Any], outcomes: int) -> float:
    expected = counts.total() / outcomes
    return sum((count - expected) ** 2 / expected for count in counts.values()) + expected * (outcomes - len(counts))


def test_picks_are_drawn_uniformly_down_to_the_pool_depth(tmp_path: Path) -> None:
    dj = discovering(tmp_path, "pool_depth = 5")
    picks = Counter(rank for _ in range(400) for reason, rank in answer(dj, 0.5, 4) if reason == "discovery")
    assert set(picks) == set(range(3, 21))
    assert chi_square(picks, 18) < 42.3  # 99.9 % of 17 degrees of freedom, and the seed is fixed


def test_riffle_lands_the_picks_uniformly_among_all_interleavings(tmp_path: Path) -> None:
    dj = discovering(tmp_path, "")
    places = Counter(tuple(reason for reason, _ in answer(dj, 0.5, 4)) for _ in range(600))
    assert len(places) == 6
    assert chi_square(places, 6) < 20.5  # 99.9 % of 5 degrees of freedom


def test_full_is_a_uniform_permutation(tmp_path: Path) -> None:
    dj = discovering(tmp_path, 'shuffle = "full"')
    orders = Counter(tuple(rank for _, rank in answer(dj, 0.0, 3)) for _ in range(600))
    assert len(orders) == 6
    assert chi_square(orders, 6) < 20.5


def test_the_whole_catalogue_loses_only_what_the_pool_does_not_give(dj: PersonalizedDJ) -> None:
    served = answer(dj, 0.5, None)
    assert [rank for reason, rank in served if reason == "ranked"] == list(range(1, 21))
    assert len({rank for reason, rank in served if reason == "discovery"}) == 10
    assert len(served) == 30


@pytest.mark.parametrize("option", ['shuffle = "riffel"', "pool_depth = 0", "pool_depth = -1", "pool = 3"])
def test_a_wrong_discovery_option_is_refused(tmp_path: Path, option: str) -> None:
    with pytest.raises(ValueError, match=option.split(maxsplit=1)[0]):
        discovering(tmp_path, option)


def test_an_unknown_keyword_is_refused_with_the_nearest_one(dj: PersonalizedDJ) -> None:
    with pytest.raises(TypeError, match="there is no keyword argument 'limits', did you mean \"limit\""):
        dj.recommend("alice", limits=3)  # type: ignore[call-arg]
    assert dj.get_profile("alice") is None
