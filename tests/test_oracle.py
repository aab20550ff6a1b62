"""The library and the independent oracle give the same numbers, order, learning and picks."""

import random
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support import oracle

from qfzz import PersonalizedDJ
from qfzz_core.ranking import planner

settings.register_profile("oracle", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
fast = settings(settings.get_profile("oracle"))


@pytest.fixture(params=["scan", pytest.param("index", marks=pytest.mark.exhaustive)], autouse=True, scope="module")
def ways_to_rank(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every law here holds however the ranking is found."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "index":
            patch.setattr(planner, "SMALL", 0)
            patch.setattr(planner, "DEEP", 0)
        yield


# Names: few enough that tracks and profiles meet, odd enough that their spellings differ.

GENRES = sorted({name for key, row in oracle.SIMILAR_GENRES.items() for name in (key, *row)})
GENRES += ["straße", "hip hop", "Hip_Hop", "ΣΊΣΥΦΟΣ", "İstanbul arabesk", "ﬁlm", "-rock-", "k pop", "é"]
ARTISTS = ["The Beatles", "Björk", "MOTÖRHEAD", "AC-DC", "AC DC", "ß", "SS", "Ⅻ Angry", "ﬁsh", "Σίσυφος", "名前"]
MOODS = ["calm", "upbeat", "energetic", "mellow", "Laid-back", "laid back", "Süß", "\u017foft"]


def full_width(name: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in name)


RESPELL = [
    str,
    str.upper,
    str.lower,
    str.title,
    str.swapcase,
    full_width,
    lambda name: name.replace("-", "_"),
    lambda name: name.replace("-", " "),
    lambda name: name.replace(" ", "-"),
    lambda name: f"  {name}\t",
    lambda name: name.replace("-", "\u2010"),
    lambda name: name.replace(" ", "\u00a0 "),
    lambda name: unicodedata.normalize("NFD", name),
]


def names(kind: oracle.Kind) -> st.SearchStrategy[str]:
    known = st.sampled_from({"genre": GENRES, "artist": ARTISTS, "mood": MOODS}[kind])
    respelt = st.builds(lambda name, respell: respell(name), known, st.sampled_from(RESPELL))
    strange = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4)
    return st.one_of(known, respelt, strange).filter(lambda name: oracle.normal(name, kind) != "")


unit = st.one_of(st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.9, 1.0]), st.floats(0.0, 1.0))
tempos = st.sampled_from(["slow", "medium", "fast"])


def weights(kind: oracle.Kind) -> st.SearchStrategy[dict[str, float]]:
    pairs = st.lists(st.tuples(names(kind), unit), max_size=6, unique_by=lambda pair: oracle.normal(pair[0], kind))
    return pairs.map(dict)


profiles = st.fixed_dictionaries(
    {},
    optional={
        "genres": weights("genre"),
        "artists": weights("artist"),
        "moods": weights("mood"),
        "energy_level": unit,
        "tempo_preference": st.sampled_from(["slow", "medium", "fast", "varied"]),
    },
)


@st.composite
def catalogues(draw: st.DrawFn, min_size: int = 1) -> list[dict[str, Any]]:
    unknown = draw(st.sampled_from([0, 0, 10, 50, 100]))  # percent of the values

    def known(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.integers(1, 100).flatmap(lambda drawn: values if drawn > unknown else st.none())

    tracks = st.fixed_dictionaries(
        {
            "title": st.just("Song"),
            "genre": known(names("genre")),
            "artist": names("artist"),
            "mood": known(names("mood")),
            "energy": known(st.one_of(unit, st.sampled_from([0, 1]))),
            "tempo": known(tempos),
            "duration": known(st.integers(0, 600)),
        },
        optional={
            "genres": st.none() | st.lists(names("genre"), max_size=3),
            "artists": st.none() | st.lists(names("artist"), max_size=3),
        },
    )
    drawn = draw(st.lists(tracks, min_size=min_size, max_size=14))
    ids = draw(st.permutations(range(len(drawn))))
    return [{"track_id": f"t{number}", **track} for number, track in zip(ids, drawn, strict=True)]


factor_weights = st.dictionaries(
    st.sampled_from(list(oracle.WEIGHTS)),
    st.one_of(st.just(0.0), st.sampled_from([0.1, 0.4, 1.0, 3.0]), st.floats(0.0, 1000.0)),
)


@contextmanager
def configured(toml: str, tracks: list[dict[str, Any]], seed: int | None = None) -> Iterator[PersonalizedDJ]:
    """A DJ that holds `tracks` and was configured by a file that says `toml`."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "qfzz.toml")
        path.write_text(toml, encoding="utf-8")
        with PersonalizedDJ(config=path, seed=seed) as dj:
            dj.add_content(tracks)
            yield dj


def scoring(weights: dict[str, float], match: oracle.Match, unknown: dict[str, float] | None = None) -> str:
    tables = {name: [f"weight = {weight!r}"] for name, weight in weights.items()}
    tables.setdefault("genre", []).append(f'match = "{match}"')
    for name, value in (unknown or {}).items():
        tables.setdefault(name, []).append(f"missing = {value!r}")
    return "\n".join(line for name, lines in tables.items() for line in (f"[factors.{name}]", *lines))


def plain_ranking(dj: PersonalizedDJ, profile: dict[str, Any], limit: int | None = None) -> list[str]:
    return [track["track_id"] for track in dj.recommend("user", {**profile, "discovery_factor": 0.0}, limit=limit)]


def check_scores(dj: PersonalizedDJ, profile: dict[str, Any], ranked: list[tuple[str, float]]) -> None:
    for track_id, score in ranked:
        explanation = dj.explain("user", track_id, profile)
        assert explanation.score == score
        assert sum(factor.contribution for factor in explanation.factors) == pytest.approx(score, abs=1e-9)


# Scores and ranking


@fast
@given(catalogues(), profiles)
def test_the_ranking_and_every_score_are_the_oracles(tracks: list[dict[str, Any]], profile: dict[str, Any]) -> None:
    ranked = oracle.ranking(profile, tracks)
    with PersonalizedDJ() as dj:
        dj.add_content(tracks)
        assert plain_ranking(dj, profile) == [track_id for track_id, _ in ranked]
        check_scores(dj, profile, ranked)


@fast
@given(
    catalogues(),
    profiles,
    factor_weights,
    st.sampled_from(["documented", "graded"]),
    st.dictionaries(st.sampled_from(list(oracle.UNKNOWN)), unit),
)
def test_other_weights_values_for_unknown_and_graded_genres_are_the_oracles(
    tracks: list[dict[str, Any]],
    profile: dict[str, Any],
    weights: dict[str, float],
    match: oracle.Match,
    unknown: dict[str, float],
) -> None:
    ranked = oracle.ranking(profile, tracks, weights, match, unknown)
    with configured(scoring(weights, match, unknown), tracks) as dj:
        assert plain_ranking(dj, profile) == [track_id for track_id, _ in ranked]
        check_scores(dj, profile, ranked)


@fast
@given(catalogues(), profiles)
def test_a_stored_profile_ranks_like_the_same_preferences_for_one_call(
    tracks: list[dict[str, Any]], profile: dict[str, Any]
) -> None:
    with PersonalizedDJ() as dj:
        dj.add_content(tracks)
        dj.get_or_create_profile("stored", {**profile, "discovery_factor": 0.0})
        stored = [track["track_id"] for track in dj.recommend("stored")]
        assert stored == [track_id for track_id, _ in oracle.ranking(profile, tracks)]


@fast
@given(catalogues(), profiles, st.integers(0, 20))
def test_a_limit_takes_the_first_of_the_ranking(
    tracks: list[dict[str, Any]], profile: dict[str, Any], limit: int
) -> None:
    with PersonalizedDJ() as dj:
        dj.add_content(tracks)
        assert plain_ranking(dj, profile, limit) == [name for name, _ in oracle.ranking(profile, tracks)][:limit]


def test_all_weights_0_score_0_and_keep_the_catalogues_order() -> None:
    tracks = many_tracks(30, random.Random(1))
    with configured(scoring(dict.fromkeys(oracle.WEIGHTS, 0.0), "documented"), tracks) as dj:
        assert plain_ranking(dj, {"genres": {"rock": 1.0}}) == [track["track_id"] for track in tracks]
        assert dj.explain("user", "t3", {"genres": {"rock": 1.0}}).score == 0.0


SPELLINGS = [
    ("straße", "STRASSE"),
    ("Björk", "BJO\u0308RK"),
    ("r&b", full_width("R&B")),
    ("  calm\t", "Calm"),
    ("Hit\u2122", "hittm"),  # NFKC makes capitals that are folded after it
    ("\u01f0\u0323", "J\u0323\u030c"),  # folding takes letters apart that NFKC composes after it
    ("\u017foul", "Soul"),
    ("JAY\u2010Z", "jay-z"),
    ("don\u2019t", "Don\u00b4t"),
    ("\u201eso\u201c  what", '"So" what'),
]


def match_of(dj: PersonalizedDJ, kind: oracle.Kind, liked: dict[str, float]) -> float:
    (factor,) = (each for each in dj.explain("user", "t", {f"{kind}s": liked}).factors if each.name == kind)
    return factor.value


def one_track(**fields: str) -> PersonalizedDJ:
    dj = PersonalizedDJ()
    dj.add_content([{**many_tracks(1, random.Random(0))[0], "track_id": "t", **fields}])
    return dj


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
@pytest.mark.parametrize("kind", ["genre", "artist", "mood"])
def test_two_spellings_of_a_name_are_one_name(kind: oracle.Kind, one: str, other: str) -> None:
    assert oracle.normal(one, kind) == oracle.normal(other, kind)
    assert match_of(one_track(**{kind: one}), kind, {other: 1.0}) == 1.0
    assert match_of(one_track(**{kind: other}), kind, {one: 1.0}) == 1.0


@pytest.mark.parametrize("other", ["hip hop", "Hip_Hop", "HIP-HOP", "-hip hop_"])
def test_space_underscore_and_hyphen_are_one_character_for_genres_alone(other: str) -> None:
    assert match_of(one_track(genre="hip-hop"), "genre", {other: 1.0}) == 1.0
    for kind in ("artist", "mood"):
        same = oracle.normal(other, kind) == "hip-hop"
        assert match_of(one_track(**{kind: "hip-hop"}), kind, {other: 1.0}) == float(same)


@pytest.mark.parametrize(("one", "other"), [("cafe", "café"), ("hip hop", "hop hip"), ("hiphop", "hip-hop")])
def test_other_names_stay_other_names(one: str, other: str) -> None:
    assert match_of(one_track(genre=one), "genre", {other: 1.0}) == 0.0


@pytest.mark.parametrize("genre", ["jazz", "blues"])
def test_a_genre_of_weight_0_is_not_preferred(genre: str) -> None:
    assert match_of(one_track(genre=genre), "genre", {"jazz": 0.0}) == 0.0
    assert match_of(one_track(genre=genre), "genre", {"jazz": 5e-324}) > 0.0


def many_tracks(count: int, draw: random.Random, unknown: float = 0.0) -> list[dict[str, Any]]:
    """A catalogue of few distinct values, so that most scores are shared by several tracks; a share is unknown."""

    def known(value: Any) -> Any:
        return None if unknown and draw.random() < unknown else value

    return [
        {
            "track_id": f"t{number}",
            "title": f"Song {number}",
            "genre": known(draw.choice(GENRES)),
            "artist": draw.choice(ARTISTS),
            "mood": known(draw.choice(MOODS)),
            "energy": known(draw.choice([draw.random(), draw.randrange(11) / 10])),
            "tempo": known(draw.choice(["slow", "medium", "fast"])),
            "duration": known(180),
        }
        for number in range(count)
    ]


@pytest.mark.parametrize(("seed", "unknown"), [(0, 0.0), (1, 0.1), (2, 0.5), (3, 1.0)])
def test_a_larger_catalogue_ranks_alike_whole_and_limited(seed: int, unknown: float) -> None:
    draw = random.Random(seed)
    tracks = many_tracks(3000, draw, unknown)
    with PersonalizedDJ() as dj:
        dj.add_content(tracks)
        for size in (0, 1, 4):
            profile = {
                "genres": {name: draw.random() for name in draw.sample(GENRES[:30], size)},
                "artists": {name: draw.random() for name in draw.sample(ARTISTS[:3], min(size, 3))},
                "moods": {name: draw.random() for name in draw.sample(MOODS[:4], size)},
                "energy_level": draw.choice([0.5, draw.random()]),
            }
            ranked = [name for name, _ in oracle.ranking(profile, tracks)]
            assert plain_ranking(dj, profile) == ranked
            for limit in (1, 10, 50, 2999):
                assert plain_ranking(dj, profile, limit) == ranked[:limit]


# Learning


feedback = st.lists(
    st.tuples(st.integers(0, 13), st.sampled_from(list(oracle.STRENGTHS)), st.one_of(st.none(), unit)), max_size=12
)


@fast
@given(catalogues(), profiles, feedback)
def test_feedback_moves_exactly_genre_artist_and_mood(
    tracks: list[dict[str, Any]], profile: dict[str, Any], events: list[tuple[int, str, float | None]]
) -> None:
    expected = {"energy_level": 0.5, "tempo_preference": "medium", "discovery_factor": 0.3, **profile}
    with PersonalizedDJ() as dj:
        dj.add_content(tracks)
        dj.get_or_create_profile("user", profile)
        for number, interaction, rating in events:
            track = tracks[number % len(tracks)]
            dj.record_feedback("user", track["track_id"], interaction, rating)
            expected = oracle.learn_track(expected, track, oracle.strength(interaction, rating))
        learned = dj.get_or_create_profile("user")
        assert {name: getattr(learned, name) for name in expected} == expected
        assert len(learned.interaction_history) == len(events)


@fast
@given(catalogues(), feedback)
def test_what_was_learned_ranks_as_the_oracle_ranks_it(
    tracks: list[dict[str, Any]], events: list[tuple[int, str, float | None]]
) -> None:
    expected: dict[str, Any] = {}
    with PersonalizedDJ() as dj:
        dj.add_content(tracks)
        for number, interaction, rating in events:
            track = tracks[number % len(tracks)]
            dj.record_feedback("user", track["track_id"], interaction, rating)
            expected = oracle.learn_track(expected, track, oracle.strength(interaction, rating))
        assert plain_ranking(dj, {}) == [name for name, _ in oracle.ranking(expected, tracks)]
        check_scores(dj, {}, oracle.ranking(expected, tracks))


@fast
@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(list(oracle.STRENGTHS)), st.one_of(st.none(), unit))))
def test_trust_is_the_beta_mean_of_the_feedback_on_each_creator(
    events: list[tuple[int, str, float | None]],
) -> None:
    creators = ["Ann", "ann", "Bob"]
    tracks = [
        {**track, "creator_id": creator}
        for track, creator in zip(many_tracks(3, random.Random(0)), creators, strict=True)
    ]
    with PersonalizedDJ() as dj:
        dj.add_content(tracks)
        for number, interaction, rating in events:
            dj.record_feedback("user", f"t{number}", interaction, rating)
        for number, creator in enumerate(creators):
            strengths = [oracle.strength(kind, rating) for which, kind, rating in events if which == number]
            assert dj.get_trust_score("user", creator) == pytest.approx(oracle.trust(strengths), abs=1e-9)


# Discovery


def check_split(dj: PersonalizedDJ, tracks: list[dict[str, Any]], limit: int | None, d: float, depth: int) -> None:
    profile = {"genres": {"rock": 0.9}, "artists": {"Björk": 0.7}, "discovery_factor": d}
    ranked = oracle.ranking(profile, tracks)
    split = oracle.split_sizes(len(tracks), limit, d, depth)
    answer = list(dj.engine.recommend("user", preferences=profile, limit=limit))
    for each in answer:
        assert (each.track["track_id"], each.score) == ranked[each.rank - 1]
    best = [each.rank for each in answer if each.reason == "ranked"]
    picks = [each.rank for each in answer if each.reason == "discovery"]
    assert len(best) + len(picks) == len(answer)
    assert best == list(range(1, split.ranked + 1))
    assert len(picks) == len(set(picks)) == split.discovery
    assert all(split.ranked < rank <= split.last for rank in picks)


shares = st.one_of(st.integers(0, 100).map(lambda percent: percent / 100), st.floats(0.0, 1.0))


@fast
@given(st.integers(0, 60), st.one_of(st.none(), st.integers(0, 70)), shares, st.integers(0, 99))
@example(99, None, 0.29, 0)
@example(9, None, 0.5, 0)
@example(50, 5, 0.5, 0)
@example(40, 3, 1.0, 0)
@example(5, 10, 0.5, 0)
def test_picks_come_from_the_promised_ranks_in_the_promised_number(
    count: int, limit: int | None, d: float, seed: int
) -> None:
    tracks = many_tracks(count + 1, random.Random(count))
    with PersonalizedDJ(seed=seed) as dj:
        dj.add_content(tracks)
        check_split(dj, tracks, limit, d, 10)


@pytest.mark.parametrize(("count", "limit"), [(100, 50), (88, None)])
def test_a_share_just_below_a_half_is_rounded_down(count: int, limit: int | None) -> None:
    tracks = many_tracks(count, random.Random(count))
    with PersonalizedDJ(seed=1) as dj:
        dj.add_content(tracks)
        check_split(dj, tracks, limit, 0.57, 10)  # 0.57 * 50 is 28.499999999999996 as a double


@fast
@given(st.integers(0, 60), st.integers(0, 12), shares, st.integers(1, 6), st.sampled_from(["riffle", "none"]))
def test_pool_depth_says_how_far_down_the_picks_go(count: int, limit: int, d: float, depth: int, shuffle: str) -> None:
    tracks = many_tracks(count + 1, random.Random(count))
    discovery = f'[discovery]\nstrategy = "split"\nshuffle = "{shuffle}"\npool_depth = {depth}\n'
    with configured(discovery, tracks, seed=1) as dj:
        check_split(dj, tracks, limit, d, depth)


# The oracle itself, on the few numbers that the documents print


@pytest.mark.parametrize(
    ("n", "limit", "d", "depth", "split"),
    [
        (100, None, 0.3, 10, (70, 9, 100)),
        (100, None, 0.29, 10, (71, 8, 100)),
        (10, None, 0.0, 10, (10, 0, 10)),
        (1, None, 1.0, 10, (0, 1, 1)),
        (100, 10, 0.3, 10, (7, 3, 100)),
        (1000, 5, 0.5, 10, (2, 3, 50)),
        (1000, 5, 0.5, 3, (2, 3, 15)),
        (5, 10, 0.5, 10, (5, 0, 5)),
        (12, 20, 0.5, 10, (10, 2, 12)),
        (5, 0, 0.5, 10, (0, 0, 0)),
        (100, None, 0.07, 10, (93, 0, 100)),
        (1000, 50, 0.57, 10, (22, 28, 500)),  # 0.57 * 50 is a little less than 28.5
    ],
)
def test_the_oracles_split(n: int, limit: int | None, d: float, depth: int, split: tuple[int, int, int]) -> None:
    assert oracle.split_sizes(n, limit, d, depth) == split


def test_the_oracles_score_is_the_documented_sum() -> None:
    profile = {"genres": {"jazz": 0.2}, "artists": {"Björk": 0.8}, "moods": {"calm": 0.5}, "energy_level": 0.4}
    track = {"genre": "Blues", "artist": "BJÖRK", "mood": "calm", "energy": 0.9, "tempo": "medium"}
    documented = 0.30 * 0.5 + 0.25 * 0.8 + 0.20 * 0.5 + 0.15 * 1.0 + 0.10 * 0.5
    assert oracle.score(profile, track) == pytest.approx(documented, abs=2**-40)
    assert (oracle.score(profile, track) * 2**40).is_integer()


def test_the_oracle_rounds_halves_to_even() -> None:
    assert oracle.on_grid(0.5 + 2**-41) == 0.5
    assert oracle.on_grid(0.5 + 3 * 2**-41) == 0.5 + 2**-39


@pytest.mark.parametrize(
    ("one", "other"),
    [("Hip-Hop", "hip_hop"), (full_width("r&b"), "R&B"), ("STRASSE", "straße"), (" death metal ", "Death-Metal")],
)
def test_the_oracle_reads_two_spellings_as_one_genre(one: str, other: str) -> None:
    assert oracle.normal(one, "genre") == oracle.normal(other, "genre")


def test_the_oracle_keeps_hyphen_and_space_apart_in_artists() -> None:
    assert oracle.normal("AC-DC", "artist") != oracle.normal("AC DC", "artist")
