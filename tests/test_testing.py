"""What authors of plugins test with: the built-in plugins pass it, and whatever breaks a promise does not."""

import contextlib
import io
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis.strategies import SearchStrategy, just
from support.broken_contracts import FACTORS, FILTERS, STRATEGIES, named
from support.third_party import Scoring, each_track, factors, scoring
from support.third_party import tracks as plain_tracks

from qfzz_core import Column, Engine, PluginWarning, TrackFunction, UserProfile
from qfzz_core.errors import PluginError
from qfzz_core.model.profiles import checked_preferences
from qfzz_core.model.tracks import checked_tracks
from qfzz_core.testing import (
    FactorContract,
    FilterContract,
    StrategyContract,
    assert_explains,
    catalogues,
    engine_with,
    preferences,
    profiles,
    tracks,
)
from qfzz_core.testing.plugin_contract import only_name

pytestmark = pytest.mark.once

MakeEngine = Callable[..., Engine]


# What comes with QFZZ keeps the contracts


class BuiltIn:
    """The suite of a built-in plugin."""

    plugin: str
    examples = 10

    def make_plugin(self) -> str:
        return self.plugin


class TestGenre(BuiltIn, FactorContract):
    plugin = "genre"
    options = ({}, {"match": "graded"})


class TestArtist(BuiltIn, FactorContract):
    plugin = "artist"


class TestEnergy(BuiltIn, FactorContract):
    plugin = "energy"


class TestTempo(BuiltIn, FactorContract):
    plugin = "tempo"


class TestMood(BuiltIn, FactorContract):
    plugin = "mood"


class TestTrust(BuiltIn, FactorContract):
    plugin = "trust"


class TestSplit(BuiltIn, StrategyContract):
    plugin = "split"
    options = ({}, {"shuffle": "full"}, {"shuffle": "none", "pool_depth": 1})


class TestDisliked(BuiltIn, FilterContract):
    plugin = "disliked"
    right_options = (True, False)
    wrong_options = (None, 1, "no")


class TestHeardWithinDays(BuiltIn, FilterContract):
    plugin = "heard"
    object_name = "heard_within_days"
    right_options = (0, 0.1, 30)
    wrong_options = (-1, "a week", None)


class TestHeardWithinPlays(BuiltIn, FilterContract):
    plugin = "heard"
    object_name = "heard_within_plays"
    right_options = (0, 3, 10**6)
    wrong_options = (-1, 0.5, None)


# What breaks a promise fails


EXPECTED: dict[str, tuple[str, str]] = {
    **{named("Factor", what): (law, said) for what, (_, law, said) in FACTORS.items()},
    **{named("Strategy", what): (law, said) for what, (_, law, said) in STRATEGIES.items()},
    **{named("Filter", what): (law, said) for what, (*_, law, said) in FILTERS.items()},
    "TestFactorChangingOptions": ("changes_nothing", "assert"),
}


class Outcomes:
    """A plugin of pytest that runs the tests that have to fail, and one that passes, and remembers their outcomes."""

    def __init__(self) -> None:
        self.failed: dict[str, str] = {}
        self.passed: set[tuple[str, str]] = set()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if self._wanted(*item.nodeid.split("::")[1:])]

    def _wanted(self, suite: str, test: str) -> bool:
        return EXPECTED[suite][0] in test or test == "test_it_has_a_name"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        _, suite, test = report.nodeid.split("::", 2)
        if report.failed:
            self.failed[suite] = f"{test}\n{report.longreprtext}"
        elif report.when == "call":
            self.passed.add((suite, test))


@pytest.fixture(scope="module")
def outcomes() -> Outcomes:
    found = Outcomes()
    suites = Path(__file__).with_name("support") / "broken_contracts.py"
    settings.register_profile("as found", derandomize=True, phases=[Phase.explicit, Phase.generate])
    settings.register_profile("as before", settings.default)
    settings.load_profile("as found")
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main([str(suites), "-q", "-p", "no:cacheprovider", "-p", "no:xdist"], plugins=[found])
    settings.load_profile("as before")
    return found


@pytest.mark.parametrize("suite", EXPECTED)
def test_what_breaks_a_promise_fails_its_test(outcomes: Outcomes, suite: str) -> None:
    law, said = EXPECTED[suite]
    assert law in outcomes.failed[suite].splitlines()[0]
    assert said in outcomes.failed[suite]


def test_a_broken_promise_leaves_other_tests_green(outcomes: Outcomes) -> None:
    assert ("TestFactorWithoutWords", "test_it_has_a_name") in outcomes.passed


# What the kit says of an explanation


def test_assert_explains_returns_the_part_of_a_factor(qfzz: MakeEngine) -> None:
    engine = qfzz(scoring("mine", lambda request: TrackFunction(function=lambda track: 0.5, reason=lambda *_: "so so")))
    (found,) = engine.recommend("u", limit=1)
    part = assert_explains(found, "mine", value=0.5, weight=0.5, reason="so")
    assert (part.name, part.contribution) == ("mine", 0.25)
    assert assert_explains(found.explanation, "mine") == part


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"factor": "mine", "value": 0.6}, 'factor "mine" has the value 0.5, expected 0.6'),
        ({"factor": "mine", "weight": 0.1}, "has the weight 0.5, expected 0.1"),
        ({"factor": "mine", "reason": "loud"}, "gives the reason 'mine 0.50', expected one with 'loud'"),
        ({"factor": "silent"}, 'factor "silent" has no part in the score of sample_001: it abstained'),
        ({"factor": "broken"}, "it failed: ZeroDivisionError: division by zero"),
        ({"factor": "nobody"}, "there are genre, artist, energy, tempo, mood, mine"),
    ],
)
def test_assert_explains_says_what_is_not_so(qfzz: MakeEngine, arguments: dict[str, Any], said: str) -> None:
    engine = qfzz(
        scoring("mine", each_track(lambda track: 0.5)),
        scoring("silent", lambda request: None),
        scoring("broken", lambda request: 1 / 0),
        config={"strict": False},
    )
    with pytest.warns(PluginWarning):
        explanation = engine.explain("u", "sample_001")
    with pytest.raises(AssertionError, match=re.escape(said)):
        assert_explains(explanation, **arguments)


# The fixture


def test_the_fixture_gives_an_engine_with_exactly_the_plugins_that_are_named(qfzz: MakeEngine) -> None:
    engine = qfzz(scoring("mine", lambda request: None))
    assert [record.name for record in engine.plugins if not record.built_in] == ["mine"]
    assert len(engine.recommend("u")) > 20


def test_the_fixture_takes_a_catalogue_and_a_configuration(qfzz: MakeEngine) -> None:
    engine = qfzz(tracks=plain_tracks(2), config={"discovery": {"shuffle": "full"}, "factors": {"mood": {"weight": 0}}})
    assert {found.track["track_id"] for found in engine.recommend("u", limit=5)} == {"t0", "t1"}
    assert [factor.name for factor in engine.settings.factors] == ["genre", "artist", "energy", "tempo"]


def test_the_engines_of_the_fixture_are_alike_and_share_nothing(qfzz: MakeEngine) -> None:
    one, other = qfzz(), qfzz()
    assert [found.track for found in one.recommend("u")] == [found.track for found in other.recommend("u")]
    one.record_feedback("u", "sample_001", "like")
    assert one.get_profile("u") is not None
    assert other.get_profile("u").genres == {}


def test_the_engines_of_the_fixture_are_strict(qfzz: MakeEngine) -> None:
    with pytest.raises(PluginError, match="ZeroDivisionError"):
        qfzz(scoring("mine", lambda request: 1 / 0)).recommend("u")


def test_an_installed_plugin_that_is_not_there_is_named(qfzz: MakeEngine) -> None:
    with pytest.raises(LookupError, match="no plugin of these names is installed: nobody"):
        qfzz("nobody")


def test_a_suite_wants_to_know_which_of_several_objects_is_meant() -> None:
    two = factors("mine", *(Scoring(name, lambda request: None) for name in ("one", "two")))
    with engine_with(two) as engine, pytest.raises(AssertionError, match=r"\['one', 'two'\]"):
        only_name(engine, two, "factors")


# What is drawn


@given(content=catalogues(min_size=1), given=preferences())
def test_what_is_drawn_is_valid(content: list[dict[str, Any]], given: dict[str, Any]) -> None:
    assert list(checked_tracks(content)) == content
    assert checked_preferences(given) == given


@given(profile=profiles())
def test_a_drawn_profile_can_be_stored(profile: UserProfile) -> None:
    assert UserProfile.from_dict(profile.to_dict()) == profile


def test_keys_of_columns_are_drawn_with_usable_values_and_others() -> None:
    year = Column(name="year", kind="number")
    for wanted in (lambda track: "year" not in track, usable, lambda track: "year" in track and not usable(track)):
        assert wanted(drawn(tracks([year]), wanted))
    assert drawn(tracks([year], year=just(1975), genre=just("polka")), usable)["genre"] == "polka"


def drawn(strategy: SearchStrategy[Any], wanted: Callable[[Any], bool]) -> Any:
    return find(strategy, wanted, settings=settings(phases=[Phase.generate], max_examples=500, database=None))


def usable(track: dict[str, Any]) -> bool:
    """Whether a track has a year that counts."""
    return type(track.get("year")) in (int, float) and abs(track["year"]) < 10**300


# What it costs

COST = """
import sys


def test_nothing_of_it_is_imported():
    assert sorted(name for name in sys.modules if name.partition(".")[0] in {"qfzz", "qfzz_core", "qfzz_plugins"}) == [
        "qfzz_core",
        "qfzz_core._moved",
        "qfzz_core._version",
        "qfzz_core.testing",
        "qfzz_core.testing.pytest_plugin",
    ]
    assert not {"attrs", "hypothesis", "numpy", "pluggy._qfzz", "click"} & set(sys.modules)


def test_but_the_fixture_is_there(request):
    assert request.getfixturevalue("qfzz")().plugins
"""


@pytest.mark.usefixtures("unmeasured")
def test_projects_that_do_not_use_the_kit_import_nothing_of_it(tmp_path: Path) -> None:
    (tmp_path / "test_cost.py").write_text(COST, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
