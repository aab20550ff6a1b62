"""Every example of the API reference runs as printed, and every signature, default and side effect is as documented.

The examples are the files in `reference/`, word for word. Each runs in a namespace that holds what it presupposes.
"""

import inspect
import json
import logging
import re
import typing
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from support import oracle

import qfzz
from qfzz.dj.personalized_dj import PersonalizedDJ
from qfzz.dj.profiles import UserProfile

EXAMPLES = Path(__file__).with_name("reference")


def run(example: str, **presupposed: Any) -> dict[str, Any]:
    """Run one example of the reference and give the namespace that it leaves behind."""
    path = EXAMPLES / f"{example}.py"
    namespace = {"__name__": example, **presupposed}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), namespace)
    return namespace


def track(track_id: str, **fields: Any) -> dict[str, Any]:
    plain = {"title": track_id, "artist": "ABBA", "genre": "pop", "mood": "calm", "energy": 0.5, "tempo": "medium"}
    return {"track_id": track_id, **plain, "duration": 180, **fields}


@pytest.fixture
def dj() -> PersonalizedDJ:
    return PersonalizedDJ()


@pytest.fixture
def profile(dj: PersonalizedDJ) -> UserProfile:
    return dj.get_or_create_profile("user_001")


# The examples


def test_every_example_of_the_reference_is_run_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [path.stem for path in EXAMPLES.glob("*.py") if f'run("{path.stem}"' not in source] == []


def test_constructor() -> None:
    dj = run("constructor")["dj"]
    assert type(dj) is PersonalizedDJ
    assert not dj._user_profiles


def test_get_or_create_profile(dj: PersonalizedDJ) -> None:
    after = run("get_or_create_profile", dj=dj)
    assert after["profile1"].genres == {}
    profile = after["profile2"]
    assert profile.genres == {"rock": 0.8, "indie": 0.7, "pop": 0.5}
    assert profile.artists == {"The Beatles": 0.9, "Pink Floyd": 0.85}
    assert (profile.energy_level, profile.discovery_factor) == (0.7, 0.3)
    assert after["profile2_again"] is profile
    assert dj._user_profiles["user_002"] is profile
    assert set(dj._user_profiles) == {"user_001", "user_002"}


def test_get_profile_of_a_known_user(
    dj: PersonalizedDJ, profile: UserProfile, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("get_profile", dj=dj)["profile"] is profile
    assert capsys.readouterr().out == "Profile exists for user_001\n"


def test_get_profile_of_an_unknown_user(dj: PersonalizedDJ, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("get_profile", dj=dj)["profile"] is None
    assert capsys.readouterr().out == "Profile not found\n"
    assert not dj._user_profiles


def test_recommend(dj: PersonalizedDJ, capsys: pytest.CaptureFixture[str]) -> None:
    after = run("recommend", dj=dj)
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == f"Recommended {len(after['recommendations'])} tracks"
    assert lines == [f" {each['title']} by {each['artist']}" for each in after["recommendations"][:5]]
    assert len(lines) == 5
    assert {each["genre"] for each in after["relaxed_recs"][:10]} & {"jazz", "blues"}
    stored = dj.get_or_create_profile("user_001")
    assert (stored.genres, stored.energy_level, stored.discovery_factor) == ({}, 0.5, 0.3)


def test_record_feedback(dj: PersonalizedDJ, capsys: pytest.CaptureFixture[str]) -> None:
    genres = ["rock", "jazz", "folk", "pop", "metal", "soul", "funk"]
    dj.add_content([track(f"track_{n:03}", genre=genre) for n, genre in enumerate(genres, start=1)])
    profile = run("record_feedback", dj=dj)["profile"]
    assert capsys.readouterr().out == "Interaction history: 7 entries\n"
    assert profile.genres == {"rock": 0.05, "jazz": 0.1, "metal": 0.2, "soul": 0.09}
    assert [entry["type"] for entry in profile.interaction_history] == [
        *("play", "like", "skip", "dislike", "favorite", "play", "play")
    ]
    assert [entry["rating"] for entry in profile.interaction_history] == [*[None] * 5, 0.95, 0.2]


def test_record_feedback_on_an_empty_catalogue(dj: PersonalizedDJ, capsys: pytest.CaptureFixture[str]) -> None:
    profile = run("record_feedback", dj=dj)["profile"]
    assert capsys.readouterr().out == "Interaction history: 7 entries\n"
    assert (profile.genres, profile.artists, profile.moods) == ({}, {}, {})


def test_add_content(dj: PersonalizedDJ) -> None:
    after = run("add_content", dj=dj)
    served = dj.recommend("user_001", {"discovery_factor": 0.0})
    assert sorted(served, key=lambda each: each["track_id"]) == after["new_tracks"]


def test_user_profile() -> None:
    after = run("user_profile")
    assert after["profile1"].genres == {}
    assert after["profile1"].energy_level == 0.5
    profile = after["profile2"]
    assert (profile.genres, profile.artists) == ({"rock": 0.8, "indie": 0.6}, {"The Beatles": 0.9})
    assert (profile.energy_level, profile.tempo_preference, profile.discovery_factor) == (0.7, "fast", 0.5)


def test_update_genre_preference(dj: PersonalizedDJ, profile: UserProfile) -> None:
    before = profile.updated_at
    assert run("update_genre_preference", dj=dj)["profile"] is profile
    assert profile.genres == {"jazz": 0.9, "blues": 0.7, "pop": 0.4}
    assert datetime.fromisoformat(profile.updated_at) > datetime.fromisoformat(before)


def test_update_artist_preference(profile: UserProfile) -> None:
    before = profile.updated_at
    run("update_artist_preference", profile=profile)
    assert profile.artists == {"Miles Davis": 0.95, "John Coltrane": 0.85}
    assert datetime.fromisoformat(profile.updated_at) > datetime.fromisoformat(before)


def test_update_mood_preference(profile: UserProfile) -> None:
    before = profile.updated_at
    run("update_mood_preference", profile=profile)
    assert profile.moods == {"calm": 0.8, "upbeat": 0.6, "energetic": 0.4}
    assert datetime.fromisoformat(profile.updated_at) > datetime.fromisoformat(before)


def test_add_interaction(profile: UserProfile, capsys: pytest.CaptureFixture[str]) -> None:
    before = profile.updated_at
    run("add_interaction", profile=profile)
    assert capsys.readouterr().out == "Interactions: 1\n"
    (entry,) = profile.interaction_history
    assert (entry["track_id"], entry["type"], entry["rating"]) == ("track_001", "like", 0.9)
    assert datetime.fromisoformat(entry["timestamp"]).tzinfo is not None
    assert datetime.fromisoformat(profile.updated_at) > datetime.fromisoformat(before)


def test_get_top_genres(dj: PersonalizedDJ, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("get_top_genres", dj=dj)["top_genres"] == ["rock", "indie", "pop"]
    assert capsys.readouterr().out == "['rock', 'indie', 'pop']\n"


def test_get_top_artists(profile: UserProfile, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("get_top_artists", profile=profile)["top_artists"] == ["The Beatles", "Pink Floyd"]
    assert capsys.readouterr().out == "['The Beatles', 'Pink Floyd']\n"


def test_to_dict(profile: UserProfile, capsys: pytest.CaptureFixture[str]) -> None:
    profile.update_genre_preference("rock", 0.9)
    profile.add_interaction({"track_id": "track_001", "type": "like"})
    plain = run("to_dict", profile=profile)["profile_dict"]
    assert capsys.readouterr().out == f"{plain}\n"
    assert list(plain) == list(inspect.signature(UserProfile).parameters)
    assert plain == {name: getattr(profile, name) for name in plain}
    assert json.loads(json.dumps(plain)) == plain


def test_validate(capsys: pytest.CaptureFixture[str]) -> None:
    assert "profile" not in run("validate", UserProfile=UserProfile)
    printed = capsys.readouterr().out
    assert printed.startswith("Validation error: ")
    assert "user_id" in printed


def test_complete_dj_workflow(capsys: pytest.CaptureFixture[str]) -> None:
    after = run("complete_dj_workflow")
    printed = capsys.readouterr().out
    for name in ("alice", "bob"):
        assert f"=== {name.title()}'s Recommendations ===" in printed
        for each in after[f"{name}_recs"][:3]:
            assert f" {each['title']} ({each['genre']}, energy: {each['energy']:.1f})" in printed
    assert printed.endswith("Interactions: 2\n")
    alice = after["alice_profile"]
    assert f"Top genres: {alice.get_top_genres(3)}\n" in printed
    expected = {"genres": {"jazz": 0.9, "blues": 0.8, "soul": 0.7}}
    expected = oracle.learn_track(expected, after["alice_recs"][0], oracle.strength("like", 0.9))
    expected = oracle.learn_track(expected, after["alice_recs"][1], oracle.strength("skip"))
    assert {name: getattr(alice, name) for name in expected} == expected
    assert [entry["rating"] for entry in alice.interaction_history] == [0.9, None]
    assert len(after["dj"].get_profile("bob").interaction_history) == 1


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_complete_dj_workflow_serves_the_promised_number(name: str) -> None:
    after = run("complete_dj_workflow")
    d = after["dj"].get_profile(name).discovery_factor
    split = oracle.split_sizes(100, None, d)
    assert len(after[f"{name}_recs"]) == split.ranked + split.discovery


def mean_rank(tracks: list[dict[str, Any]], genre: str) -> float:
    return mean(rank for rank, each in enumerate(tracks, start=1) if each["genre"] == genre)


@pytest.mark.parametrize("seed", range(10))
def test_learning_from_feedback(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    dj = PersonalizedDJ(seed=seed)
    profile = dj.get_or_create_profile("new_user")
    profile.discovery_factor = 0.0
    after = run("learning_from_feedback", dj=dj)
    assert after["profile"] is profile
    assert "jazz" in profile.get_top_genres()
    assert "rock" not in profile.genres
    assert capsys.readouterr().out == f"Learned genres: {profile.get_top_genres()}\n"
    rise = {g: mean_rank(after["initial"], g) - mean_rank(after["updated"], g) for g in ("jazz", "rock")}
    assert rise["jazz"] > 0
    assert rise["jazz"] > rise["rock"]


# Signatures

HEADERS = {
    PersonalizedDJ: """
def __init__(self) -> None
def get_or_create_profile(self, user_id: str,
    initial_preferences: Optional[Dict[str, Any]] = None) -> UserProfile
def get_profile(self, user_id: str) -> Optional[UserProfile]
def recommend(self, user_id: str, preferences: Optional[Dict[str, Any]] = None) -> List[Dict[str, Any]]
def record_feedback(self, user_id: str, track_id: str,
    interaction_type: str, rating: Optional[float] = None) -> None
def add_content(self, tracks: List[Dict[str, Any]]) -> None
""",
    UserProfile: """
def update_genre_preference(self, genre: str, weight: float) -> None
def update_artist_preference(self, artist: str, weight: float) -> None
def update_mood_preference(self, mood: str, weight: float) -> None
def add_interaction(self, interaction: Dict[str, Any]) -> None
def get_top_genres(self, limit: int = 5) -> List[str]
def get_top_artists(self, limit: int = 10) -> List[str]
def to_dict(self) -> Dict[str, Any]
def validate(self) -> None
""",
}


def documented_methods() -> list[Any]:
    """Each header of the reference as the class that it belongs to and a function with that signature."""
    methods = []
    for owner, headers in HEADERS.items():
        for header in re.findall(r"^def .*?(?=^def |\Z)", headers, flags=re.MULTILINE | re.DOTALL):
            namespace = {**vars(typing), "UserProfile": UserProfile}
            name = header[len("def ") : header.index("(")]
            exec(f"{header.strip()}: ...", namespace)
            methods.append(pytest.param(owner, namespace[name], id=f"{owner.__name__}.{name}"))
    return methods


def plain_annotation(annotation: Any) -> str:
    """One text for all ways to write a type; what a parameter accepts beyond dict and list is read as those."""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    text = re.sub(r"\b(?:\w+\.)+", "", text).replace("Dict", "dict").replace("List", "list")
    text = re.sub(r"^Optional\[(.*)\]$", r"\1 | None", text)
    return re.sub(r"\b(?:Iterable|Sequence)\b", "list", re.sub(r"\bMapping\b", "dict", text)).replace("object", "Any")


@pytest.mark.parametrize(("owner", "documented"), documented_methods())
def test_a_signature_is_as_documented_and_anything_more_is_keyword_only(
    owner: type, documented: Callable[..., Any]
) -> None:
    expected = inspect.signature(documented)
    actual = inspect.signature(getattr(owner, documented.__name__))
    positional = [each for each in actual.parameters.values() if each.kind is not each.KEYWORD_ONLY]
    more = [each for each in actual.parameters.values() if each.kind is each.KEYWORD_ONLY]
    assert [(each.name, each.kind, each.default) for each in positional] == [
        (each.name, each.kind, each.default) for each in expected.parameters.values()
    ]
    assert all(each.default is not each.empty for each in more)


@pytest.mark.parametrize(("owner", "documented"), documented_methods())
def test_the_annotations_are_the_documented_ones(owner: type, documented: Callable[..., Any]) -> None:
    expected = inspect.signature(documented)
    actual = inspect.signature(getattr(owner, documented.__name__))
    assert plain_annotation(actual.return_annotation) == plain_annotation(expected.return_annotation)
    for name, parameter in expected.parameters.items():
        assert plain_annotation(actual.parameters[name].annotation) == plain_annotation(parameter.annotation)


def test_the_profiles_constructor_is_as_documented() -> None:
    parameters = inspect.signature(UserProfile).parameters
    assert list(parameters) == [
        *("user_id", "genres", "artists", "moods", "energy_level", "tempo_preference", "discovery_factor"),
        *("interaction_history", "created_at", "updated_at"),
    ]
    assert all(each.kind is each.POSITIONAL_OR_KEYWORD for each in parameters.values())
    assert parameters["user_id"].default is inspect.Parameter.empty
    assert all(each.default is not each.empty for name, each in parameters.items() if name != "user_id")
    defaults = {"energy_level": 0.5, "tempo_preference": "medium", "discovery_factor": 0.3}
    assert {name: parameters[name].default for name in defaults} == defaults


def test_explaining_to_an_unknown_user_creates_nobody(one_of_each_genre: PersonalizedDJ) -> None:
    explanation = one_of_each_genre.explain("nobody", "rock")
    assert explanation.score == oracle.score({}, track("rock", genre="rock"))
    assert one_of_each_genre.get_profile("nobody") is None


def test_explaining_an_unknown_track_is_refused_by_name(dj: PersonalizedDJ) -> None:
    with pytest.raises(ValueError, match="unheard of"):
        dj.explain("u", "unheard of")


def test_an_explanations_weights_are_normalised_and_say_where_they_come_from(one_of_each_genre: PersonalizedDJ) -> None:
    explanation = one_of_each_genre.explain("u", "blues", {"genres": {"jazz": 0.9}})
    assert sum(each.weight for each in explanation.factors) == pytest.approx(1.0, abs=1e-12)
    assert all(each.contribution == pytest.approx(each.weight * each.value) for each in explanation.factors)
    assert all(each.plugin and each.distribution == "qfzz" and each.version for each in explanation.factors)
    assert "jazz" in next(each.reason for each in explanation.factors if each.name == "genre")
    assert json.loads(json.dumps(explanation.to_dict()))["score"] == explanation.score


def test_both_classes_are_importable_from_qfzz() -> None:
    assert qfzz.PersonalizedDJ is PersonalizedDJ
    assert qfzz.UserProfile is UserProfile


# Documented tables

PAIRS = [(genre, relative) for genre, relatives in oracle.SIMILAR_GENRES.items() for relative in relatives]


def genre_value(dj: PersonalizedDJ, liked: str, track_id: str) -> float:
    (factor,) = (each for each in dj.explain("u", track_id, {"genres": {liked: 0.9}}).factors if each.name == "genre")
    return factor.value


@pytest.fixture(scope="module")
def one_of_each_genre() -> PersonalizedDJ:
    dj = PersonalizedDJ()
    dj.add_content([track(genre, genre=genre) for genre in sorted({name for pair in PAIRS for name in pair})])
    return dj


@pytest.mark.parametrize(("genre", "relative"), PAIRS)
def test_documented_genres_are_similar_both_ways(one_of_each_genre: PersonalizedDJ, genre: str, relative: str) -> None:
    assert genre_value(one_of_each_genre, genre, relative) == 0.5
    assert genre_value(one_of_each_genre, relative, genre) == 0.5
    assert genre_value(one_of_each_genre, relative, relative) == 1.0


@pytest.mark.parametrize(("liked", "genre"), [("blues", "soul"), ("rock", "black-metal"), ("pop", "techno")])
def test_similarity_is_not_transitive(one_of_each_genre: PersonalizedDJ, liked: str, genre: str) -> None:
    assert genre_value(one_of_each_genre, liked, genre) == 0.0


@pytest.mark.parametrize(
    ("factor", "weight"), [("genre", 0.3), ("artist", 0.25), ("energy", 0.2), ("tempo", 0.15), ("mood", 0.1)]
)
def test_the_factors_have_the_documented_weights(one_of_each_genre: PersonalizedDJ, factor: str, weight: float) -> None:
    weights = {each.name: each.weight for each in one_of_each_genre.explain("u", "rock").factors}
    assert weights[factor] == pytest.approx(weight, abs=1e-12)


@pytest.mark.parametrize(
    ("interaction", "rating", "strength"),
    [
        ("favorite", None, 0.2),
        ("like", None, 0.1),
        ("play", None, 0.05),
        ("skip", None, -0.05),
        ("dislike", None, -0.1),
        ("play", 0.95, 0.09),
        ("like", 0.2, -0.06),
        ("dislike", 1.0, 0.1),
        ("favorite", 0.0, -0.1),
        ("favorite", 0.5, 0.0),
        ("skip", 1, 0.1),
    ],
)
def test_feedback_moves_genre_artist_and_mood_by_the_documented_strength(
    dj: PersonalizedDJ, interaction: str, rating: float | None, strength: float
) -> None:
    dj.add_content([track("t")])
    profile = dj.get_or_create_profile("u", {"genres": {"pop": 0.5}, "artists": {"ABBA": 0.6}, "moods": {"calm": 0.4}})
    dj.record_feedback("u", "t", interaction, rating)
    assert profile.genres == {"pop": round(0.5 + strength, 12)}
    assert profile.artists == {"ABBA": round(0.6 + strength, 12)}
    assert profile.moods == {"calm": round(0.4 + strength, 12)}


# Documented errors


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("genres", {"rock": 1.5}),
        ("artists", {"ABBA": -0.1}),
        ("moods", {"calm": "much"}),
        ("energy_level", 2.0),
        pytest.param("energy_level", 10**400, id="energy_level-huge"),
        ("discovery_factor", -1),
        ("tempo_preference", "quick"),
        ("colour", "blue"),
    ],
)
def test_invalid_preferences_are_refused_by_name_and_create_nobody(dj: PersonalizedDJ, key: str, value: Any) -> None:
    with pytest.raises(ValueError, match=key.rstrip("s")):
        dj.get_or_create_profile("u", {key: value})
    with pytest.raises(ValueError, match=key.rstrip("s")):
        dj.recommend("u", {key: value})
    assert dj.get_profile("u") is None


@pytest.mark.parametrize("user_id", ["", "  ", None, 5])
def test_an_invalid_user_id_is_refused(dj: PersonalizedDJ, user_id: Any) -> None:
    for call in (dj.get_or_create_profile, dj.recommend, lambda user: dj.record_feedback(user, "t", "like")):
        with pytest.raises(ValueError, match="user_id"):
            call(user_id)
    assert dj.get_profile(user_id) is None


@pytest.mark.parametrize(
    "rating", [-0.01, 1.01, float("nan"), float("inf"), True, "0.5", pytest.param(10**400, id="huge")]
)
def test_a_rating_out_of_range_is_refused_and_leaves_no_trace(dj: PersonalizedDJ, rating: Any) -> None:
    with pytest.raises(ValueError, match="rating"):
        dj.record_feedback("u", "t", "like", rating=rating)
    assert dj.get_profile("u") is None


@pytest.mark.parametrize("track_id", ["", " ", None, 5])
def test_an_invalid_track_id_is_refused_and_leaves_no_trace(dj: PersonalizedDJ, track_id: Any) -> None:
    with pytest.raises(ValueError, match="track_id"):
        dj.record_feedback("u", track_id, "like")
    assert dj.get_profile("u") is None


def test_an_unknown_interaction_type_is_refused_with_the_known_ones_listed(dj: PersonalizedDJ) -> None:
    with pytest.raises(ValueError, match="dance") as refusal:
        dj.record_feedback("u", "t", "dance")
    assert all(name in str(refusal.value) for name in oracle.STRENGTHS)
    assert dj.get_profile("u") is None


REQUIRED = {
    "track_id": [None, 5, ""],
    "title": [None, 5],
    "artist": [None, 5],
    "genre": [["pop"]],
    "mood": [5],
    "energy": ["0.5", True, 1.5, -0.1, float("nan")],
    "tempo": ["quick", "varied", 120],
    "duration": [-1, 1.5, True, "180"],
}


@pytest.mark.parametrize("field", REQUIRED)
def test_a_track_lacking_a_required_field_is_refused_and_nothing_is_added(dj: PersonalizedDJ, field: str) -> None:
    bad = track("bad")
    del bad[field]
    with pytest.raises(ValueError, match=field):
        dj.add_content([track("good"), bad])
    assert "good" not in {each["track_id"] for each in dj.recommend("u")}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, bad in REQUIRED.items() for value in bad])
def test_a_track_with_a_wrong_field_is_refused_and_nothing_is_added(
    dj: PersonalizedDJ, field: str, value: object
) -> None:
    with pytest.raises(ValueError, match=field):
        dj.add_content([track("good"), {**track("bad"), field: value}])
    assert "good" not in {each["track_id"] for each in dj.recommend("u")}


# Documented side effects


def test_the_profile_is_cached_under_its_id(dj: PersonalizedDJ) -> None:
    profile = dj.get_or_create_profile("u")
    assert dj._user_profiles["u"] is profile
    assert dj.get_profile("u") is profile


def test_recommend_creates_the_profile(dj: PersonalizedDJ) -> None:
    dj.recommend("u")
    profile = dj.get_profile("u")
    assert profile is not None
    assert profile.genres == {}


def test_record_feedback_creates_the_profile(dj: PersonalizedDJ) -> None:
    dj.record_feedback("u", "unheard of", "like")
    profile = dj.get_profile("u")
    assert profile is not None
    assert len(profile.interaction_history) == 1


def test_preferences_for_an_existing_user_change_nothing(dj: PersonalizedDJ) -> None:
    profile = dj.get_or_create_profile("u", {"genres": {"rock": 0.5}})
    before = profile.to_dict()
    assert dj.get_or_create_profile("u", {"genres": {"jazz": 0.9}}) is profile
    assert profile.to_dict() == before


def test_feedback_recalculates_trust(dj: PersonalizedDJ) -> None:
    dj.add_content([track("t", creator_id="c")])
    assert dj.get_trust_score("u", "c") == 0.5
    dj.record_feedback("u", "t", "like")
    assert dj.get_trust_score("u", "c") == pytest.approx(oracle.trust([0.1]))
    dj.record_feedback("u", "t", "favorite")
    dj.record_feedback("u", "t", "skip")
    assert dj.get_trust_score("u", "c") == pytest.approx(oracle.trust([0.1, 0.2, -0.05]))
    assert dj.get_trust_score("someone else", "c") == 0.5


def test_feedback_moves_updated_at(dj: PersonalizedDJ) -> None:
    profile = dj.get_or_create_profile("u")
    moments = [profile.updated_at]
    for _ in range(20):
        dj.record_feedback("u", "unheard of", "play")
        moments.append(profile.updated_at)
    times = [datetime.fromisoformat(moment) for moment in moments]
    assert times == sorted(set(times))


@pytest.mark.parametrize("history", [[], [{"track_id": "t", "type": "like"}]], ids=["empty", "other"])
def test_the_history_of_a_dj_cannot_be_rewritten(dj: PersonalizedDJ, history: list[dict[str, Any]]) -> None:
    dj.record_feedback("u", "t", "play")
    profile = dj.get_or_create_profile("u")
    before = profile.to_dict()
    with pytest.raises(ValueError, match="interaction_history"):
        profile.interaction_history = history
    profile.interaction_history.clear()
    assert profile.to_dict() == before


def test_the_history_of_a_dj_shows_the_last_thousand(dj: PersonalizedDJ) -> None:
    profile = dj.get_or_create_profile("u")
    for number in range(1003):
        dj.record_feedback("u", f"t{number}", "play")
    profile.add_interaction({"track_id": "last", "type": "play"})
    expected = [*(f"t{number}" for number in range(4, 1003)), "last"]
    assert [entry["track_id"] for entry in profile.interaction_history] == expected


@pytest.fixture
def info(caplog: pytest.LogCaptureFixture) -> Callable[[Callable[[], object]], list[str]]:
    """What a call logs for everybody to see: the messages at INFO of the loggers below qfzz."""
    caplog.set_level(logging.DEBUG, logger="qfzz")

    def messages(call: Callable[[], object]) -> list[str]:
        caplog.clear()
        call()
        assert all(record.name.split(".")[0] == "qfzz" for record in caplog.records)
        return [record.getMessage() for record in caplog.records if record.levelno == logging.INFO]

    return messages


Info = Callable[[Callable[[], object]], list[str]]


def test_initialisation_is_logged(info: Info) -> None:
    assert info(PersonalizedDJ)


def test_profile_creation_is_logged_without_the_name(info: Info, dj: PersonalizedDJ) -> None:
    messages = info(lambda: dj.get_or_create_profile("somebody"))
    assert messages
    assert not any("somebody" in message for message in messages)
    assert not info(lambda: dj.get_or_create_profile("somebody"))


def test_recommendations_are_logged_with_their_count_and_without_names(info: Info, dj: PersonalizedDJ) -> None:
    dj.add_content([track(f"number {n}", title="Song") for n in range(37)])
    dj.get_or_create_profile("somebody")
    messages = info(lambda: dj.recommend("somebody", {"discovery_factor": 0.0}))
    assert any("37" in message for message in messages)
    assert not any("somebody" in message or "number" in message for message in messages)


def test_catalogue_updates_are_logged_with_their_count_and_without_names(info: Info, dj: PersonalizedDJ) -> None:
    messages = info(lambda: dj.add_content([track(f"somewhat{n}") for n in range(37)]))
    assert any("37" in message for message in messages)
    assert not any("somewhat" in message for message in messages)


def test_feedback_is_logged_for_debugging_alone(
    info: Info, dj: PersonalizedDJ, caplog: pytest.LogCaptureFixture
) -> None:
    dj.get_or_create_profile("somebody")
    assert not info(lambda: dj.record_feedback("somebody", "something", "like"))
    assert any(record.levelno == logging.DEBUG for record in caplog.records)
