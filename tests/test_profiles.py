"""What a profile that no DJ holds promises: validation, timestamps, tops, plain data and copies."""

import copy
import json
import math
import pickle
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qfzz.dj.profiles import UserProfile

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")
MAPPINGS = ["genres", "artists", "moods"]
SCALARS = ["energy_level", "discovery_factor"]
NOT_A_WEIGHT = [
    -0.1,
    1.1,
    5,
    math.nan,
    math.inf,
    -math.inf,
    True,
    False,
    "0.5",
    None,
    [0.5],
    pytest.param(10**400, id="huge"),
]
UPDATES = {
    "genres": UserProfile.update_genre_preference,
    "artists": UserProfile.update_artist_preference,
    "moods": UserProfile.update_mood_preference,
}


def state(profile: UserProfile) -> dict[str, Any]:
    return profile.to_dict()


def moment(timestamp: str) -> datetime:
    return datetime.fromisoformat(timestamp)


# Making one


def test_the_defaults_are_the_documented_ones() -> None:
    profile = UserProfile("ann")
    assert (profile.genres, profile.artists, profile.moods) == ({}, {}, {})
    assert (profile.energy_level, profile.tempo_preference, profile.discovery_factor) == (0.5, "medium", 0.3)
    assert profile.interaction_history == []


def test_the_arguments_are_positional_in_the_documented_order() -> None:
    entry = {"track_id": "t", "type": "like", "rating": None, "timestamp": "2024-01-15T10:30:00.000000+00:00"}
    created, updated = "2024-01-15T10:30:00.000000+00:00", "2024-01-15T10:35:00.000000+00:00"
    profile = UserProfile(
        "ann", {"rock": 0.8}, {"ABBA": 0.7}, {"calm": 0.6}, 0.1, "fast", 0.2, [entry], created, updated
    )
    assert (profile.genres, profile.artists, profile.moods) == ({"rock": 0.8}, {"ABBA": 0.7}, {"calm": 0.6})
    assert (profile.energy_level, profile.tempo_preference, profile.discovery_factor) == (0.1, "fast", 0.2)
    assert profile.interaction_history == [entry]
    assert (profile.created_at, profile.updated_at) == (created, updated)


def test_no_two_profiles_share_their_mappings() -> None:
    UserProfile("ann").genres["rock"] = 0.5
    assert UserProfile("bob").genres == {}


def test_the_arguments_are_copied() -> None:
    genres, history = {"rock": 0.8}, [{"track_id": "t", "type": "like"}]
    profile = UserProfile("ann", genres, interaction_history=history)
    before = state(profile)
    genres["jazz"] = 7.0
    history[0]["track_id"] = "other"
    history.clear()
    assert state(profile) == before


def test_timestamps_are_utc_with_offset_and_six_decimals() -> None:
    profile = UserProfile("ann")
    assert TIMESTAMP.fullmatch(profile.created_at)
    assert TIMESTAMP.fullmatch(profile.updated_at)
    profile.update_genre_preference("rock", 0.5)
    assert TIMESTAMP.fullmatch(profile.updated_at)


@pytest.mark.parametrize("user_id", ["", "   ", "\t\n", None, 7, b"ann"])
def test_a_user_id_is_a_string_that_says_something(user_id: Any) -> None:
    with pytest.raises(ValueError, match="user_id"):
        UserProfile(user_id)


@pytest.mark.parametrize("name", SCALARS)
@pytest.mark.parametrize("value", NOT_A_WEIGHT)
def test_a_scalar_out_of_range_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        UserProfile("ann", **{name: value})


@pytest.mark.parametrize("tempo", ["", "quick", "FAST ", None, 1])
def test_an_unknown_tempo_is_refused_by_name(tempo: Any) -> None:
    with pytest.raises(ValueError, match="tempo_preference"):
        UserProfile("ann", tempo_preference=tempo)


@pytest.mark.parametrize("tempo", ["slow", "medium", "fast", "varied"])
def test_the_documented_tempos_are_accepted(tempo: str) -> None:
    assert UserProfile("ann", tempo_preference=tempo).tempo_preference == tempo


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("weight", NOT_A_WEIGHT)
def test_a_weight_is_a_finite_number_from_0_to_1(mapping: str, weight: Any) -> None:
    with pytest.raises(ValueError, match="some name"):
        UserProfile("ann", **{mapping: {"some name": weight}})


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("name", ["", "  ", "\u3000", None, 3])
def test_a_name_is_a_string_that_says_something(mapping: str, name: Any) -> None:
    with pytest.raises(ValueError, match=mapping.rstrip("s")):
        UserProfile("ann", **{mapping: {name: 0.5}})


def test_a_genre_of_separators_alone_is_a_name_however_many_there_are() -> None:
    assert UserProfile("ann", {"_- -": 0.5}).genres == {"_- -": 0.5}
    with pytest.raises(ValueError, match="two spellings of one genre"):
        UserProfile("ann", {"_": 0.5, "--": 0.5})


@pytest.mark.parametrize("weight", [0, 1, 0.0, 1.0, 5e-324, 0.5])
def test_both_ends_of_the_range_are_weights(weight: float) -> None:
    profile = UserProfile("ann", {"rock": weight}, energy_level=weight, discovery_factor=weight)
    assert profile.genres == {"rock": weight}
    assert (profile.energy_level, profile.discovery_factor) == (weight, weight)


@pytest.mark.parametrize(
    ("mapping", "one", "other"),
    [
        ("genres", "hip-hop", "Hip Hop"),
        ("genres", "straße", "STRASSE"),
        ("artists", "Björk", "BJO\u0308RK"),
        ("artists", "\uff21\uff22\uff22\uff21", "abba"),
        ("moods", "calm", " Calm "),
    ],
)
def test_two_spellings_of_one_name_are_refused_and_both_named(mapping: str, one: str, other: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - both names are looked for below, in either order
        UserProfile("ann", **{mapping: {one: 0.5, other: 0.6}})
    assert one in str(refusal.value)
    assert other in str(refusal.value)


def test_hyphen_and_space_are_one_character_for_genres_alone() -> None:
    artists = {"AC-DC": 0.5, "AC DC": 0.6}
    assert UserProfile("ann", artists=artists).artists == artists


def test_what_the_user_wrote_is_what_comes_back() -> None:
    assert list(UserProfile("ann", {" Hip_HOP": 0.5}).genres) == [" Hip_HOP"]


def test_validate_accepts_a_valid_profile() -> None:
    assert UserProfile("ann").validate() is None


# Changing one


def refused_changes() -> dict[str, Callable[[UserProfile], object]]:
    return {
        "energy": lambda profile: setattr(profile, "energy_level", 1.5),
        "energy as text": lambda profile: setattr(profile, "energy_level", "0.5"),
        "discovery": lambda profile: setattr(profile, "discovery_factor", math.nan),
        "tempo": lambda profile: setattr(profile, "tempo_preference", "quick"),
        "mapping": lambda profile: setattr(profile, "genres", {"rock": 2.0}),
        "two spellings": lambda profile: setattr(profile, "genres", {"rock": 0.2, "ROCK": 0.3}),
        "no mapping": lambda profile: setattr(profile, "moods", 5),
        "key": lambda profile: profile.genres.__setitem__("x", 5),
        "blank key": lambda profile: profile.artists.__setitem__(" ", 0.5),
        "boolean": lambda profile: profile.moods.__setitem__("calm", True),
        "many keys": lambda profile: profile.genres.update({"x": 7}),
        "update_genre": lambda profile: profile.update_genre_preference("rock", 1.01),
        "update_artist": lambda profile: profile.update_artist_preference("ABBA", -0.01),
        "update_mood": lambda profile: profile.update_mood_preference("calm", math.inf),
        "update_genre, blank": lambda profile: profile.update_genre_preference("", 0.5),
        "interaction without track": lambda profile: profile.add_interaction({"type": "like"}),
        "interaction without type": lambda profile: profile.add_interaction({"track_id": "t"}),
    }


@pytest.mark.parametrize("change", refused_changes().values(), ids=refused_changes())
def test_a_refused_change_changes_nothing(change: Callable[[UserProfile], object]) -> None:
    profile = UserProfile("ann", {"rock": 0.5}, {"ABBA": 0.4}, {"calm": 0.3})
    before = state(profile)
    with pytest.raises(ValueError, match=r"\w"):
        change(profile)
    assert state(profile) == before


@pytest.mark.parametrize("name", ["user_id", "created_at"])
def test_identity_and_birth_cannot_be_reassigned(name: str) -> None:
    profile = UserProfile("ann")
    before = state(profile)
    with pytest.raises((AttributeError, ValueError)):
        setattr(profile, name, "other")
    assert state(profile) == before


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_update_sets_the_weight(mapping: str) -> None:
    profile = UserProfile("ann")
    UPDATES[mapping](profile, "name", 0.25)
    UPDATES[mapping](profile, "other", 1)
    UPDATES[mapping](profile, "name", 0.75)
    assert getattr(profile, mapping) == {"name": 0.75, "other": 1.0}


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_the_mappings_can_be_written_like_a_dict(mapping: str) -> None:
    profile = UserProfile("ann")
    weights = getattr(profile, mapping)
    weights["one"] = 0.1
    weights.update(two=0.2, three=0.3)
    del weights["one"]
    assert weights.pop("two") == 0.2
    assert weights == {"three": 0.3}
    assert getattr(profile, mapping) == {"three": 0.3}
    assert (len(weights), list(weights.items()), "three" in weights) == (1, [("three", 0.3)], True)
    weights.clear()
    assert getattr(profile, mapping) == {}


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_the_other_ways_to_write_a_dict_work_too(mapping: str) -> None:
    weights = getattr(UserProfile("ann"), mapping)
    weights |= {"one": 0.1, "two": 0.2}
    assert (weights.setdefault("one", 0.9), weights.setdefault("three", 0.3), weights.setdefault("four")) == (
        0.1,
        0.3,
        0.0,
    )
    assert weights.pop("none", None) is None
    assert weights.popitem() == ("four", 0.0)
    with pytest.raises(KeyError):
        weights.pop("four")
    copy = weights.copy()
    assert (type(copy), copy) == (dict, {"one": 0.1, "two": 0.2, "three": 0.3})


def test_a_mapping_assigned_is_copied() -> None:
    profile = UserProfile("ann")
    mine = {"rock": 0.5}
    profile.genres = mine
    mine["rock"] = 9.0
    assert profile.genres == {"rock": 0.5}


@pytest.mark.parametrize(
    "write", [lambda p: p.genres.__setitem__("ROCK", 0.9), lambda p: p.update_genre_preference("ROCK", 0.9)]
)
def test_another_spelling_of_a_name_already_there_is_refused(write: Callable[[UserProfile], object]) -> None:
    profile = UserProfile("ann", {"rock": 0.5})
    with pytest.raises(ValueError, match=r"ROCK.*rock"):
        write(profile)
    assert profile.genres == {"rock": 0.5}


@pytest.mark.parametrize("name", ["user_id", "genres", "energy_level"])
def test_no_attribute_can_be_deleted(name: str) -> None:
    profile = UserProfile("ann", {"rock": 0.5})
    before = state(profile)
    with pytest.raises((AttributeError, ValueError)):
        delattr(profile, name)
    assert state(profile) == before


changes: dict[str, Callable[[UserProfile], object]] = {
    "energy": lambda profile: setattr(profile, "energy_level", 0.1),
    "tempo": lambda profile: setattr(profile, "tempo_preference", "slow"),
    "discovery": lambda profile: setattr(profile, "discovery_factor", 0.9),
    "mapping": lambda profile: setattr(profile, "moods", {"calm": 0.5}),
    "key": lambda profile: profile.genres.__setitem__("rock", 0.9),
    "deleted key": lambda profile: profile.genres.__delitem__("rock"),
    "update_genre": lambda profile: profile.update_genre_preference("jazz", 0.9),
    "update_artist": lambda profile: profile.update_artist_preference("ABBA", 0.9),
    "update_mood": lambda profile: profile.update_mood_preference("calm", 0.9),
    "interaction": lambda profile: profile.add_interaction({"track_id": "t", "type": "like"}),
}


@pytest.mark.parametrize("change", changes.values(), ids=changes)
@pytest.mark.parametrize("last", [None, "2999-12-31T23:59:58.999999+00:00"], ids=["now", "clock behind"])
def test_updated_at_moves_strictly_forward_on_every_change(
    change: Callable[[UserProfile], object], last: str | None
) -> None:
    given_time = {} if last is None else {"updated_at": last}
    profile = UserProfile("ann", {"rock": 0.5}, **given_time)
    before, created = profile.updated_at, profile.created_at
    change(profile)
    assert moment(profile.updated_at) > moment(before)
    assert TIMESTAMP.fullmatch(profile.updated_at)
    assert profile.created_at == created


def test_a_hundred_quick_changes_have_a_hundred_moments() -> None:
    profile = UserProfile("ann")
    moments = []
    for number in range(100):
        profile.energy_level = number / 100
        moments.append(moment(profile.updated_at))
    assert moments == sorted(set(moments))


# The history


def test_an_interaction_gets_a_timestamp_and_no_rating_of_its_own() -> None:
    profile = UserProfile("ann")
    profile.add_interaction({"track_id": "t", "type": "like"})
    (entry,) = profile.interaction_history
    assert (entry["track_id"], entry["type"], entry["rating"]) == ("t", "like", None)
    assert TIMESTAMP.fullmatch(entry["timestamp"])


def test_a_valid_timestamp_given_is_kept() -> None:
    profile = UserProfile("ann")
    given_time = "2024-01-15T10:30:00.000000+00:00"
    profile.add_interaction({"track_id": "t", "type": "play", "rating": 0.9, "timestamp": given_time})
    assert profile.interaction_history == [
        {"track_id": "t", "type": "play", "rating": 0.9, "timestamp": given_time},
    ]


@pytest.mark.parametrize(
    ("interaction", "named"),
    [
        ("like", "must be a mapping"),
        ({"track_id": "t"}, "has no type"),
        ({"type": "like"}, "has no track_id"),
        ({"track_id": "t", "type": " "}, "type must not be blank"),
        ({"track_id": 3, "type": "like"}, "track_id must be text"),
        ({"track_id": "t", "type": "like", "mood": {1, 2}}, "cannot be kept"),
    ],
)
def test_an_interaction_that_cannot_be_kept_is_refused(interaction: Any, named: str) -> None:
    profile = UserProfile("ann")
    with pytest.raises(ValueError, match=named):
        profile.add_interaction(interaction)
    assert profile.interaction_history == []


def test_the_callers_interaction_is_left_alone() -> None:
    profile, mine = UserProfile("ann"), {"track_id": "t", "type": "like"}
    profile.add_interaction(mine)
    assert mine == {"track_id": "t", "type": "like"}
    mine["type"] = "skip"
    assert profile.interaction_history[0]["type"] == "like"


def test_nothing_is_learned_from_an_interaction_added() -> None:
    profile = UserProfile("ann", {"rock": 0.5})
    profile.add_interaction({"track_id": "t", "type": "favorite", "rating": 1.0})
    assert (profile.genres, profile.artists, profile.moods) == ({"rock": 0.5}, {}, {})


def test_the_history_keeps_the_last_thousand() -> None:
    profile = UserProfile("ann")
    for number in range(1005):
        profile.add_interaction({"track_id": f"t{number}", "type": "play"})
    assert [entry["track_id"] for entry in profile.interaction_history] == [f"t{n}" for n in range(5, 1005)]


# The tops


def test_tops_are_sorted_by_weight_and_equal_ones_in_insertion_order() -> None:
    profile = UserProfile("ann", {"a": 0.2, "b": 0.9, "c": 0.2, "d": 1.0, "e": 0.9})
    assert profile.get_top_genres() == ["d", "b", "e", "a", "c"]


def test_tops_leave_out_what_weighs_nothing() -> None:
    profile = UserProfile("ann", {"rock": 0.0, "jazz": 0.1}, {"ABBA": 0.0})
    assert (profile.get_top_genres(), profile.get_top_artists()) == (["jazz"], [])


def test_the_default_limits_are_five_genres_and_ten_artists() -> None:
    many = {f"name {number:02}": 0.5 for number in range(20)}
    profile = UserProfile("ann", many, many)
    assert profile.get_top_genres() == list(many)[:5]
    assert profile.get_top_artists() == list(many)[:10]


@pytest.mark.parametrize("top", [UserProfile.get_top_genres, UserProfile.get_top_artists])
def test_a_limit_of_0_gives_none_and_a_negative_one_is_refused(top: Callable[..., list[str]]) -> None:
    profile = UserProfile("ann", {"rock": 0.5}, {"ABBA": 0.5})
    assert top(profile, 0) == []
    assert len(top(profile, limit=7)) == 1
    with pytest.raises(ValueError, match="limit"):
        top(profile, -1)


weights = st.dictionaries(st.text("abcdefgh", min_size=1, max_size=2), st.floats(0.0, 1.0), max_size=12)


@settings(max_examples=50, deadline=None)
@given(weights, st.integers(0, 15))
def test_tops_are_a_stable_sort_of_the_positive_weights(genres: dict[str, float], limit: int) -> None:
    ordered = sorted((name for name in genres if genres[name] > 0), key=lambda name: -genres[name])
    assert UserProfile("ann", genres).get_top_genres(limit) == ordered[:limit]


# Plain data, equality, copies


def full_profile() -> UserProfile:
    profile = UserProfile("ann", {"rock": 0.8}, {"Sigur Rós": 1}, {"calm": 0.0}, 0.1, "varied", 1.0)
    profile.add_interaction({"track_id": "t", "type": "like", "rating": 0.5})
    return profile


def test_to_dict_has_every_attribute_in_the_documented_order() -> None:
    assert list(full_profile().to_dict()) == [
        "user_id",
        "genres",
        "artists",
        "moods",
        "energy_level",
        "tempo_preference",
        "discovery_factor",
        "interaction_history",
        "created_at",
        "updated_at",
    ]


def test_from_dict_is_the_inverse_of_to_dict_through_json() -> None:
    profile = full_profile()
    assert UserProfile.from_dict(json.loads(json.dumps(profile.to_dict()))) == profile


def test_to_dict_is_a_deep_copy_of_plain_types() -> None:
    profile = full_profile()
    before, plain = state(profile), profile.to_dict()
    assert {type(plain[name]) for name in MAPPINGS} == {dict}
    assert type(plain["interaction_history"]) is list
    plain["genres"]["jazz"] = 9.0
    plain["interaction_history"][0]["type"] = "skip"
    plain["interaction_history"].clear()
    assert state(profile) == before


def test_from_dict_validates() -> None:
    with pytest.raises(ValueError, match="energy_level"):
        UserProfile.from_dict({**full_profile().to_dict(), "energy_level": 2.0})


def test_the_repr_is_the_constructor_call() -> None:
    profile = full_profile()
    assert repr(profile) == (
        f"UserProfile(user_id='ann', genres={{'rock': 0.8}}, artists={{'Sigur Rós': {profile.artists['Sigur Rós']!r}}},"
        " moods={'calm': 0.0}, energy_level=0.1, tempo_preference='varied', discovery_factor=1.0,"
        f" interaction_history={profile.interaction_history!r},"
        f" created_at={profile.created_at!r}, updated_at={profile.updated_at!r})"
    )
    assert eval(repr(profile), {"UserProfile": UserProfile}) == profile


def test_profiles_are_equal_when_all_they_say_is_equal() -> None:
    plain = full_profile().to_dict()
    assert UserProfile(**plain) == UserProfile(**plain)
    for name, value in [("user_id", "bob"), ("genres", {}), ("energy_level", 0.9), ("updated_at", plain["created_at"])]:
        assert UserProfile(**{**plain, name: value}) != UserProfile(**plain)
    assert UserProfile(**plain) != plain


def test_profiles_cannot_be_hashed_for_they_change() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(UserProfile("ann"))


@pytest.mark.parametrize(
    "twin",
    [copy.copy, copy.deepcopy, lambda profile: pickle.loads(pickle.dumps(profile))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_a_copy_is_equal_and_independent(twin: Callable[[UserProfile], UserProfile]) -> None:
    profile = full_profile()
    other = twin(profile)
    before = state(profile)
    assert other == profile
    other.genres["jazz"] = 0.5
    other.energy_level = 0.9
    other.add_interaction({"track_id": "t2", "type": "skip"})
    assert state(profile) == before
    assert other.genres == {"rock": 0.8, "jazz": 0.5}
