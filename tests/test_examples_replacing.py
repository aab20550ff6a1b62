"""There is no back door: third-party plugins can replace every built-in one, and the application does not notice."""

import json
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.installing import Distribution, install, run

# Five factors written again, against the public names alone; what has no numbers of its own is registered again.
HOUSE = '''
"""A house of its own."""

from qfzz_core import CategoryTable, Column, NumericDistance, StoreScheme, hookimpl
from qfzz_plugins import columns, interactions, similarity
from qfzz_plugins.discovery.split import SplitStrategy
from qfzz_plugins.factors.trust import TrustLearner
from qfzz_plugins.filters.disliked import DislikedFilter
from qfzz_plugins.filters.heard import HeardWithinDays, HeardWithinPlays
from qfzz_plugins.stores.memory import MemoryStore


class Factor:
    def __init__(self, name, weight, prepare):
        self.name, self.weight, self.prepare = name, weight, prepare


def genre(request):
    liked = [name for name, weight in request.profile.genres.items() if weight > 0]
    near = {other: 0.5 for name in liked for other in request.similarity.similar_to(name)}
    return CategoryTable(column="genre", values={**near, **{name.casefold(): 1.0 for name in liked}})


def artist(request):
    return CategoryTable(column="artist", values=request.profile.artists)


def energy(request):
    return NumericDistance(column="energy", target=request.profile.energy_level)


def tempo(request):
    wanted = request.profile.tempo_preference
    return CategoryTable(column="tempo", values={wanted: 1.0}, default=1.0 if wanted == "varied" else 0.0)


def mood(request):
    return CategoryTable(column="mood", values=request.profile.moods)


@hookimpl
def qfzz_factors():
    weights = {genre: 0.3, artist: 0.25, energy: 0.2, tempo: 0.15, mood: 0.1}
    return [Factor(prepare.__name__, weight, prepare) for prepare, weight in weights.items()]
'''
FURNITURE = """

@hookimpl
def qfzz_columns():
    return [*columns.qfzz_columns(), Column(name="publisher", kind="category", compare="exact")]


@hookimpl
def qfzz_interaction_types():
    return interactions.qfzz_interaction_types()


@hookimpl
def qfzz_genre_similarity():
    return similarity.qfzz_genre_similarity()


@hookimpl
def qfzz_strategies():
    return [SplitStrategy()]


@hookimpl
def qfzz_learners():
    return [TrustLearner()]


@hookimpl
def qfzz_filters():
    return [DislikedFilter(), HeardWithinDays(), HeardWithinPlays()]


@hookimpl
def qfzz_stores():
    return [StoreScheme("memory", lambda url, options: MemoryStore())]
"""

# What an application does: listeners of every kind ask, judge what they get, and ask again.
STORY = """
import random

from qfzz_core import Config, Engine

GENRES = ["rock", "Jazz", "blues", "pop", "electronic", "techno"]
MOODS = ["calm", "happy", "dark"]
TEMPOS = ["slow", "medium", "fast"]


def tracks(draw):
    return [
        {"track_id": f"t{n}", "title": f"Title {n}", "artist": f"Artist {draw.randrange(30)}",
         "genre": draw.choice(GENRES), "mood": draw.choice(MOODS), "energy": draw.randrange(11) / 10,
         "tempo": draw.choice(TEMPOS), "duration": draw.randrange(60, 600)}
        for n in range(400)
    ]


def preferences(draw):
    return {
        "genres": {name: draw.random() for name in draw.sample(GENRES, 2)},
        "artists": {f"Artist {n}": draw.random() for n in draw.sample(range(30), 5)},
        "moods": {draw.choice(MOODS): draw.random()},
        "energy_level": draw.random(),
        "tempo_preference": draw.choice([*TEMPOS, "varied"]),
        "discovery_factor": draw.choice([0.0, 0.3, 1.0]),
    }


def answers_of(engine, user_id, limit, **keywords):
    found = engine.recommend(user_id, limit=limit, **keywords)
    return [[each.track["track_id"], round(each.score, 9), each.reason, each.propensity] for each in found]


def story(tables, plugins=()):
    draw = random.Random(5)
    with Engine(config=Config.from_dict(tables), plugins=plugins, seed=1) as engine:
        engine.add_content(tracks(draw))
        answers = []
        for n in range(20):
            user_id = f"user {n}"
            engine.get_or_create_profile(user_id, preferences(draw))
            first = answers_of(engine, user_id, 10)
            for kind, (track_id, *_) in zip(["favorite", "play", "dislike", "skip"], first):
                engine.record_feedback(user_id, track_id, kind)
            where = {"disliked": False, "heard_within_plays": 5}
            then = answers_of(engine, user_id, 10, where=where, max_per_artist=1)
            answers += [first, then, answers_of(engine, user_id, None)[:50], dict(engine.get_profile(user_id).genres)]
        parts = engine.explain("user 0", "t0").factors
        return answers, sorted([part.name, round(part.value, 9), round(part.weight, 9)] for part in parts)
"""

FACTORS = ["genre", "artist", "energy", "tempo", "mood", "trust"]
BUILT_IN = sorted(point.name for point in entry_points(group="qfzz") if point.dist and point.dist.name == "qfzz")
HOUSES = [(HOUSE, FACTORS), (HOUSE + FURNITURE, BUILT_IN)]
NAMES = ["the factors", "everything"]


def namespace(source: str) -> dict[str, Any]:
    """What a source defines."""
    made: dict[str, Any] = {}
    exec(compile(source, "source", "exec"), made)
    return made


def module(source: str) -> ModuleType:
    """A plugin as an application passes it."""
    made = ModuleType("house")
    vars(made).update(namespace(source))
    return made


@pytest.fixture(scope="module")
def built_in() -> Any:
    """What the application gets from the plugins that come with the library."""
    return namespace(STORY)["story"]({})


@pytest.mark.parametrize(("source", "disabled"), HOUSES, ids=NAMES)
def test_replacements_in_code_give_the_same_recommendations(source: str, disabled: list[str], built_in: Any) -> None:
    house = module(source)
    answered = namespace(STORY)["story"]({"plugins": {"disable": disabled}}, [house])
    assert answered == built_in


@pytest.mark.installed
@pytest.mark.parametrize(("source", "disabled"), HOUSES, ids=NAMES)
def test_installed_replacements_give_the_same_recommendations(
    source: str, disabled: list[str], built_in: Any, tmp_path: Path
) -> None:
    installed = install(Distribution("house-of-others", "1.0", "house", source), tmp_path)
    code = f"{STORY}\nimport json, sys\nprint(json.dumps(story(json.loads(sys.argv[1]))))"
    config = json.dumps({"plugins": {"disable": disabled}})
    done = run([installed], "-W", "error", "-c", code, config, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert json.loads(done.stdout) == json.loads(json.dumps(built_in))


def test_without_any_factor_every_score_is_zero() -> None:
    answers, parts = namespace(STORY)["story"]({"plugins": {"disable": FACTORS}})
    assert parts == []
    assert {score for found in answers if isinstance(found, list) for _, score, *_ in found} == {0.0}
