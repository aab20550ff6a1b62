"""The plugin core: how plugins are found, switched off, and what happens when names clash."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from itertools import permutations
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pytest
from support.third_party import (
    BUILT_IN_FACTORS,
    Choosing,
    Learning,
    Letting,
    Palette,
    Scoring,
    best,
    dj_with,
    each_track,
    explained,
    factors,
    ids,
    plugin,
    record,
    scoring,
    tracks,
)

from qfzz import PersonalizedDJ
from qfzz_core import (
    Column,
    Config,
    IdFilter,
    InteractionType,
    NumericDistance,
    PluginWarning,
    Request,
    Setup,
    StoreScheme,
    TrackFunction,
    hookimpl,
    hookspecs,
)
from qfzz_core.config import parse_config
from qfzz_core.errors import ConfigError, PluginError
from qfzz_plugins.stores.memory import MemoryStore

BUILT_IN = sorted(point.name for point in entry_points(group="qfzz") if point.dist and point.dist.name == "qfzz")


# Found


def test_every_built_in_comes_in_through_an_entry_point_and_is_active() -> None:
    found = [each for each in dj_with().engine.plugins if each.built_in]
    assert sorted(each.name for each in found) == BUILT_IN
    assert {(each.status, each.where, each.origin.distribution) for each in found} == {("active", "built in", "qfzz")}


def test_a_record_says_where_a_plugin_was_found_and_what_it_registered() -> None:
    dj = dj_with(scoring("mine", lambda request: None))
    found = record(dj, "mine")
    assert (found.where, found.status, found.hooks, found.objects) == (
        "in code",
        "active",
        ["qfzz_factors"],
        ["factor mine"],
    )
    assert (found.origin.distribution, found.origin.version) == (None, None)


class AsClass:
    @staticmethod
    @hookimpl
    def qfzz_factors() -> list[Scoring]:
        return [Scoring("mine", each_track(lambda track: 0.5))]


class AsObject:
    plugin_name = "my object"

    @hookimpl
    def qfzz_factors(self, setup: Setup) -> Iterator[Scoring]:
        yield Scoring("mine", each_track(lambda track: 0.5))


class NamelessObject(AsObject):
    plugin_name = ""


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (scoring("mine", each_track(lambda track: 0.5)), "mine"),
        (AsClass, "AsClass"),
        (AsObject(), "my object"),
        (NamelessObject(), "NamelessObject"),
    ],
    ids=["module", "class", "object", "nameless object"],
)
def test_a_plugin_is_a_module_a_class_or_an_object(given: Any, name: str) -> None:
    (part,) = [part for part in dj_with(given).explain("u", "t0").factors if part.name == "mine"]
    assert (part.value, part.plugin, part.distribution, part.version) == (0.5, name, None, None)


@pytest.mark.parametrize(
    ("tables", "options"),
    [
        ({}, Palette()),
        ({"plugins": {"mine": {"colour": "red"}}}, Palette("red")),
        ({"plugins": {"mine": {"depth": 9, "colour": "red"}}}, Palette("red", 9)),
    ],
)
def test_a_registering_hook_gets_its_name_and_its_options(tables: dict[str, Any], options: Palette) -> None:
    given: list[Setup] = []

    def register(setup: Setup) -> None:
        given.append(setup)

    dj_with(plugin("mine", qfzz_options=lambda: Palette, qfzz_factors=register), **tables)
    assert given == [Setup(plugin="mine", options=options)]


def test_a_wrong_option_is_an_error_of_the_configuration_not_a_fault_of_the_plugin() -> None:
    mine = plugin("mine", qfzz_options=lambda: Palette)
    with pytest.raises(ConfigError, match=r'\[plugins\.mine\] unknown key "color", did you mean "colour"\?'):
        dj_with(mine, plugins={"mine": {"color": "red"}})


def test_options_of_a_plugin_that_is_not_installed_are_an_error() -> None:
    with pytest.raises(ConfigError, match=r'no plugin "mnie" is installed, did you mean "mine"\?'):
        dj_with(scoring("mine", lambda request: None), plugins={"mnie": {"colour": "red"}})


@attrs.frozen
class Optioned:
    Options = Palette
    name: str = "mine"
    weight: float = 1.0

    def prepare(self, request: Request) -> TrackFunction:
        options = request.options
        return TrackFunction(function=lambda track: options.depth / 10, reason=lambda track, value: options.colour)


def test_a_factor_has_its_weight_and_options_from_its_table() -> None:
    mine = factors("mine", Optioned())
    dj = dj_with(mine, factors={"mine": {"weight": 3.0, "depth": 7, "colour": "red"}})
    (part,) = [part for part in dj.explain("u", "t0").factors if part.name == "mine"]
    assert (part.value, part.weight, part.reason) == (0.7, 0.75, "red")


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"factors": {"gnere": {"weight": 1.0}}}, r'\[factors\.gnere\] no factor "gnere" .*, did you mean "genre"\?'),
        ({"discovery": {"strategy": "splitt"}}, r'\[discovery\] no strategy "splitt" .*, did you mean "split"\?'),
        ({"discovery": {"splitt": {}}}, r'\[discovery\.splitt\] no strategy "splitt" .*, did you mean "split"\?'),
        ({"rules": {"apart": {}}}, r'\[rules\.apart\] no rule "apart" is registered$'),
        ({"discovery": {"radio": {}}}, r'\[discovery\.radio\] no strategy "radio" is registered$'),
    ],
)
def test_a_configured_name_that_nothing_has_is_an_error(tables: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        dj_with(**tables)


def dj_of_text(text: str, *plugins: Any) -> PersonalizedDJ:
    return PersonalizedDJ(plugins=plugins, config=parse_config(text, "qfzz.toml"))


BOTH = "[discovery]\nshuffle = {0}\n[discovery.split]\npool_depth = {1}"


def test_the_chosen_strategy_has_options_in_discovery_and_in_its_own_table() -> None:
    for text in ('[discovery]\nshuffle = "none"\npool_depth = 2', BOTH.format('"none"', 2)):
        options = dj_of_text(text).engine.settings.strategy_options["split"]
        assert (options.pool_depth, options.shuffle) == (2, "none")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[discovery.split]\ndepth = 1", '2: [discovery.split] unknown key "depth", did you mean "pool_depth"?'),
        ("[discovery.split]\npool_depth = 0", "2: [discovery.split] pool_depth must be 1 or more, got 0"),
        (BOTH.format("1", '"a"'), '2: [discovery] shuffle must be "riffle", "full" or "none", got 1\n'),
        (BOTH.format("1", '"a"'), '4: [discovery.split] pool_depth must be a whole number, got "a"'),
        (
            "[discovery]\npool_depth = 2\n[discovery.split]\npool_depth = 3",
            "4: [discovery.split] pool_depth is in [discovery] too (qfzz.toml:2); keep one of them",
        ),
    ],
)
def test_what_is_wrong_with_a_strategys_table_is_said_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"qfzz.toml:{said}")):
        dj_of_text(text)


@attrs.frozen
class Parts:
    split: dict[str, int] = attrs.field(factory=dict)


class Picking(Choosing):
    Options = Parts


def test_a_table_named_like_an_option_of_the_chosen_strategy_is_that_option() -> None:
    mine = plugin("mine", qfzz_strategies=lambda: [Picking("mine", best)])
    options = dj_of_text('[discovery]\nstrategy = "mine"\nsplit = {a = 1}', mine).engine.settings.strategy_options
    assert (options["mine"], options["split"].pool_depth) == (Parts({"a": 1}), 10)


def test_a_configured_name_may_be_that_of_a_plugin_that_is_not_active() -> None:
    discovery = {"strategy": "splitt", "other": {"depth": 2}}
    dj = dj_with(factors={"mood": {"weight": 0.5}}, discovery=discovery, plugins={"disable": ["mood"]})
    assert explained(dj) == ["genre", "artist", "energy", "tempo"]
    assert ids(dj, limit=3) == ["t0", "t1", "t2"]


# In single files


MY_SCORER = """
from qfzz_core import factor, hookimpl
import attrs

@attrs.frozen
class Options:
    least: "float" = 0.25

@hookimpl
def qfzz_options():
    return Options

@hookimpl
def qfzz_factors(setup):
    @factor("mine", weight=1.0)
    def mine(track):
        return setup.options.least
    return [mine]
"""


def dj_of_file(
    directory: Path, source: str, text: str = '[plugins]\nfiles = ["plugins/my_scorer.py"]\n'
) -> PersonalizedDJ:
    (directory / "plugins").mkdir(exist_ok=True)
    (directory / "plugins" / "my_scorer.py").write_text(source, encoding="utf-8")
    (directory / "qfzz.toml").write_text(text, encoding="utf-8")
    dj = PersonalizedDJ(config=directory / "qfzz.toml", seed=1)
    dj.add_content(tracks())
    return dj


def test_a_single_file_is_a_plugin(tmp_path: Path) -> None:
    dj = dj_of_file(tmp_path, MY_SCORER)
    found = record(dj, "my_scorer")
    assert (found.where, found.status, found.objects) == ("file", "active", ["factor mine"])
    assert found.origin.file == str(tmp_path / "plugins" / "my_scorer.py")
    assert str(found.origin) == f'plugin "my_scorer" (file {found.origin.file})'
    (part,) = [part for part in dj.explain("u", "t0").factors if part.name == "mine"]
    assert (part.value, part.plugin, part.distribution) == (0.25, "my_scorer", None)


def test_a_single_file_has_options_and_can_be_switched_off(tmp_path: Path) -> None:
    files = '[plugins]\nfiles = ["plugins/my_scorer.py", "plugins/my_scorer.py"]\n'
    dj = dj_of_file(tmp_path, MY_SCORER, f"{files}[plugins.my_scorer]\nleast = 0.75\n")
    assert [part.value for part in dj.explain("u", "t0").factors if part.name == "mine"] == [0.75]
    dj = dj_of_file(tmp_path, "raise SystemExit", f'{files}disable = ["my_scorer"]\n')
    assert record(dj, "my_scorer").status == "disabled"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise ValueError('it broke')", "ValueError: it broke"),
        ("def x(:", "SyntaxError"),
        ("import nothing_of_this_name", "ModuleNotFoundError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
    ],
)
def test_a_file_that_cannot_be_imported_is_left_out_and_named(tmp_path: Path, source: str, said: str) -> None:
    with pytest.warns(PluginWarning, match=r'plugin "my_scorer" \(file .*my_scorer\.py\), failed to import') as warned:
        dj = dj_of_file(tmp_path, source)
    assert said in str(warned[0].message)
    assert record(dj, "my_scorer").status == "failed to import"
    assert "qfzz_file_my_scorer" not in sys.modules


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("plugins/absent.py", '"plugins/absent.py": there is no such file'),
        ("plugins", '"plugins": a plugin is a Python file, NAME.py'),
    ],
)
def test_a_file_that_is_none_is_an_error_of_the_configuration(tmp_path: Path, file: str, said: str) -> None:
    with pytest.raises(ConfigError, match=rf"qfzz\.toml:2: \[plugins\] {re.escape(said)}"):
        dj_of_file(tmp_path, "", f'[plugins]\nfiles = ["{file}"]\n')


def test_without_a_configuration_file_paths_are_those_of_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_scorer.py").write_text(MY_SCORER, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert record(dj_with(plugins={"files": ["my_scorer.py"]}), "my_scorer").status == "active"


# Switched off


def test_a_built_in_can_be_switched_off_in_the_configuration() -> None:
    dj = dj_with(plugins={"disable": ["genre", "mood"]})
    parts = dj.explain("u", "t0").factors
    assert [(part.name, part.weight) for part in parts] == [
        ("artist", pytest.approx(0.25 / 0.6)),
        ("energy", pytest.approx(0.20 / 0.6)),
        ("tempo", pytest.approx(0.15 / 0.6)),
    ]
    assert (record(dj, "mood").status, record(dj, "mood").reason) == ("disabled", "by the configuration")


def test_plugins_can_be_switched_off_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QFZZ_DISABLE_PLUGINS", " genre,mine ,, mood")
    dj = dj_with(scoring("mine", each_track(lambda track: 0.5)))
    assert explained(dj) == ["artist", "energy", "tempo"]
    for name in ("genre", "mine", "mood"):
        assert record(dj, name).status == "disabled"
        assert "QFZZ_DISABLE_PLUGINS" in record(dj, name).reason


def test_a_filter_that_is_switched_off_is_not_known() -> None:
    with pytest.raises(ValueError, match="disliked"):
        dj_with(plugins={"disable": ["disliked"]}).recommend("u", where={"disliked": False})


DISABLED = """
import sys
from qfzz_core import Config, Engine
engine = Engine(config=Config.from_dict({"plugins": {"disable": sys.argv[1].split(",")}}))
engine.recommend("u", limit=3)
print([name for name in ("disliked", "heard") if f"qfzz_plugins.filters.{name}" in sys.modules])
"""


def run(code: str, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_what_is_switched_off_is_never_imported() -> None:
    assert run(DISABLED, "none") == "['disliked', 'heard']"
    assert run(DISABLED, "disliked") == "['heard']"
    assert run(DISABLED, "disliked", QFZZ_DISABLE_PLUGINS="heard") == "[]"


# On its way out


@pytest.mark.parametrize(
    ("deprecated", "said"),
    [
        ("qfzz_factors", 'uses the hook "qfzz_factors", which is deprecated: implement "qfzz_scorers"'),
        (("qfzz_factors", "setup"), 'uses the argument "setup" of "qfzz_factors", which is deprecated: implement'),
    ],
)
def test_a_plugin_that_implements_what_is_deprecated_is_named(
    monkeypatch: pytest.MonkeyPatch, deprecated: Any, said: str
) -> None:
    monkeypatch.setitem(hookspecs.DEPRECATED, deprecated, 'implement "qfzz_scorers"')
    only = {"disable": [name for name in BUILT_IN if name not in ("columns", "memory")]}
    mine = plugin("mine", qfzz_factors=lambda setup: [Scoring("mine", each_track(lambda track: 0.5))])
    with pytest.warns(PluginWarning, match='plugin "mine"') as warned:
        dj = dj_with(mine, plugins=only)
    assert len(warned) == 1
    assert said in str(warned[0].message)
    assert explained(dj) == ["mine"]
    assert record(dj, "mine").problems[0].startswith(said)


# Clashes


def test_a_third_party_cannot_take_the_name_of_a_built_in_plugin() -> None:
    with pytest.warns(PluginWarning) as warned:
        dj = dj_with(plugin("genre", qfzz_factors=lambda: [Scoring("mine", each_track(lambda track: 1.0))]))
    assert explained(dj) == list(BUILT_IN_FACTORS)
    (message,) = [str(each.message) for each in warned]
    assert 'the name "genre" is used by' in message
    assert "distribution qfzz" in message
    assert "passed in code" in message
    assert [each.status for each in dj.engine.plugins if each.name == "genre"] == ["active", "clash"]


def test_of_two_third_party_plugins_of_one_name_neither_is_active() -> None:
    one = factors("mine", Scoring("one", each_track(lambda track: 1.0)))
    two = factors("mine", Scoring("two", each_track(lambda track: 1.0)))
    with pytest.warns(PluginWarning, match='the name "mine" is used by plugin "mine"'):
        dj = dj_with(one, two)
    assert explained(dj) == list(BUILT_IN_FACTORS)
    assert [each.status for each in dj.engine.plugins if each.name == "mine"] == ["clash", "clash"]


def test_a_plugin_that_is_switched_off_clashes_with_nobody() -> None:
    mine = factors("mine", Scoring("genre", each_track(lambda track: 1.0)))
    dj = dj_with(mine, plugins={"disable": ["genre"]})
    assert [part.plugin for part in dj.explain("u", "t0").factors if part.name == "genre"] == ["mine"]


TAKEN = {
    "factor": {"qfzz_factors": lambda: [Scoring("genre", lambda request: None)]},
    "column": {"qfzz_columns": lambda: [Column(name="energy", kind="category")]},
    "filter": {"qfzz_filters": lambda: [Letting("disliked", lambda request, option: IdFilter(track_ids=[]))]},
    "strategy": {"qfzz_strategies": lambda: [Choosing("split", lambda request, ranking: [])]},
    "interaction type": {"qfzz_interaction_types": lambda: [InteractionType("like", -1.0)]},
    "learner": {"qfzz_learners": lambda: [Learning("trust", read=lambda state: 0.0)]},
    "store": {"qfzz_stores": lambda: [StoreScheme("memory", lambda url, options: None)]},
}


@pytest.mark.parametrize("kind", TAKEN)
def test_a_built_in_keeps_its_name_and_the_other_plugin_loses_only_that_object(kind: str) -> None:
    also = {"qfzz_genre_similarity": lambda: {"pop": ["polka"]}}
    with pytest.warns(PluginWarning, match=rf'^{kind} "\w+" of plugin "mine" .* used by .* and ') as warned:
        dj = dj_with(plugin("mine", **TAKEN[kind], **also))
    assert len(warned) == 1
    dj.record_feedback("u", "t0", "like")
    plain = dj_with()
    plain.record_feedback("u", "t0", "like")
    assert [dj.recommend("u"), dj.get_trust_score("u", artist="Artist 0")] == [
        plain.recommend("u"),
        plain.get_trust_score("u", artist="Artist 0"),
    ]
    assert ids(dj, where={"disliked": False}) == ids(plain, where={"disliked": False})
    assert record(dj, "mine").status == "active"
    assert len(record(dj, "mine").problems) == 1
    assert dj.engine.registry.similarity.similar_to("polka") == {"pop"}


TWICE: dict[str, tuple[Any, Any]] = {
    "factors": (Scoring("same", lambda request: None), Scoring("same", lambda request: None)),
    "columns": (Column(name="same", kind="number"), Column(name="same", kind="category")),
    "filters": (Letting("same", lambda request, option: None), Letting("same", lambda request, option: None)),
    "strategies": (Choosing("same", best), Choosing("same", best)),
    "interaction_types": (InteractionType("same", 0.1), InteractionType("same", 0.2)),
    "learners": (Learning("same"), Learning("same")),
    "stores": (StoreScheme("same", lambda url, options: None), StoreScheme("same", lambda url, options: None)),
}


def both(kind: str) -> list[ModuleType]:
    """Two plugins, each with an object of the name "same"."""
    one, two = TWICE[kind]
    return [plugin("one", **{f"qfzz_{kind}": lambda: [one]}), plugin("two", **{f"qfzz_{kind}": lambda: [two]})]


@pytest.mark.parametrize("kind", TWICE)
def test_of_two_third_party_objects_of_one_name_neither_is_active_and_both_are_reported(kind: str) -> None:
    with pytest.warns(PluginWarning) as warned:
        dj = dj_with(*both(kind))
    assert "same" not in getattr(dj.engine.registry, kind)
    assert len(warned) == 2
    for message, blamed in zip(sorted(str(each.message) for each in warned), ("one", "two"), strict=True):
        assert f'"same" of plugin "{blamed}"' in message
        assert 'used by plugin "one" (passed in code) and plugin "two" (passed in code)' in message
    for name in ("one", "two"):
        assert record(dj, name).status == "active"
        assert "clashes" in record(dj, name).problems[0]


@pytest.mark.parametrize("kind", TWICE)
def test_a_strict_engine_raises_when_objects_clash(kind: str) -> None:
    with pytest.raises(PluginError, match=r'"same" of plugin .* used by plugin "one" .* and plugin "two"'):
        dj_with(*both(kind), strict=True)


def test_a_strict_engine_raises_when_plugins_clash() -> None:
    with pytest.raises(PluginError, match='the name "mine" is used by'):
        dj_with(scoring("mine", lambda request: None), scoring("mine", lambda request: None), strict=True)


@pytest.mark.parametrize(
    "hooks",
    [
        {"qfzz_filters": lambda: [Letting("genre", lambda request, option: IdFilter(track_ids=[]))]},
        {"qfzz_columns": lambda: [Column(name="disliked", kind="flag")]},
    ],
    ids=["filter", "column"],
)
def test_filters_and_columns_share_the_names_of_where_and_the_built_in_stays(hooks: dict[str, Any]) -> None:
    with pytest.warns(PluginWarning, match="a filter and a column have the name") as warned:
        dj = dj_with(plugin("mine", **hooks))
    assert len(warned) == 1
    dj.record_feedback("u", "t0", "dislike")
    assert ids(dj, where={"genre": "pop", "disliked": False}) == ["t1", "t2", "t3", "t4", "t5"]
    assert len(record(dj, "mine").problems) == 1


def test_the_same_column_declared_by_two_is_no_clash() -> None:
    def columns() -> list[Column]:
        return [Column(name="year", kind="number"), Column(name="energy", kind="number")]

    dj = dj_with(plugin("one", qfzz_columns=columns), plugin("two", qfzz_columns=columns))
    assert ids(dj, where={"year": (1963, None)}) == ["t3", "t4", "t5"]


def test_a_column_of_the_configuration_that_differs_from_a_third_partys_clashes() -> None:
    year = plugin("mine", qfzz_columns=lambda: [Column(name="year", kind="number")])
    with pytest.warns(PluginWarning, match='"mine".*configuration|configuration.*"mine"'):
        dj = dj_with(year, columns={"year": {"kind": "category"}})
    assert "year" not in dj.engine.registry.columns


def answers(dj: PersonalizedDJ) -> list[Any]:
    dj.record_feedback("u", "t0", "like")
    return [
        dj.recommend("u"),
        [each.explanation.to_dict() for each in dj.engine.recommend("u", limit=3)],
        {each.name: (each.status, each.reason, each.problems) for each in dj.engine.plugins if not each.built_in},
    ]


def test_the_order_of_passing_never_changes_a_result() -> None:
    given = [
        factors("a", Scoring("zebra", each_track(lambda track: track["energy"]), 0.3)),
        factors("b", Scoring("ant", each_track(lambda track: 0.1), 0.7), Scoring("same", lambda request: None)),
        factors(
            "c", Scoring("same", each_track(lambda track: 1.0)), Scoring("mole", each_track(lambda track: 0.7), 0.1)
        ),
        plugin("d", qfzz_genre_similarity=lambda: {"pop": ["polka"]}, qfzz_strategies=lambda: [Choosing("z", best)]),
    ]
    results = []
    for order in permutations(given):
        with pytest.warns(PluginWarning):
            results.append(answers(dj_with(*order)))
    assert all(result == results[0] for result in results)
    names = [part["name"] for part in results[0][1][0]["factors"]]
    assert names == [*BUILT_IN_FACTORS, "ant", "mole", "zebra"]


def test_a_plugin_that_is_passed_again_under_another_name_takes_no_built_in_down() -> None:
    import qfzz_plugins.factors.genre as built_in

    with pytest.warns(PluginWarning, match=r"qfzz_plugins\.factors\.genre"):
        dj = dj_with(built_in)
    assert explained(dj) == list(BUILT_IN_FACTORS)


# Two engines


def test_two_engines_in_one_process_do_not_influence_each_other() -> None:
    def loud() -> PersonalizedDJ:
        return dj_with(scoring("mine", each_track(lambda track: track["energy"]), 3.0), content=tracks(30), seed=1)

    def quiet() -> PersonalizedDJ:
        love = plugin("mine", qfzz_interaction_types=lambda: [InteractionType("love", 0.5)])
        return dj_with(love, content=tracks(20), seed=2, plugins={"disable": ["mood"]})

    def step(dj: PersonalizedDJ, type_name: str) -> list[Any]:
        dj.record_feedback("u", "t3", type_name)
        return [dj.recommend("u", limit=8), dj.explain("u", "t3").to_dict()]

    apart = [[step(dj, name) for _ in range(3)] for dj, name in ((loud(), "like"), (quiet(), "love"))]
    one, two = loud(), quiet()
    together: list[list[Any]] = [[], []]
    for _ in range(3):
        together[0].append(step(one, "like"))
        together[1].append(step(two, "love"))
    assert together == apart
    with pytest.raises(ValueError, match="love"):
        one.record_feedback("u", "t3", "love")


# Without the built-ins


def test_replacements_passed_in_code_do_without_any_built_in() -> None:
    house = plugin(
        "house",
        qfzz_columns=lambda: [Column(name="year", kind="number"), Column(name="artist", kind="category")],
        qfzz_factors=lambda: [Scoring("age", lambda request: NumericDistance(column="year", target=1965, scale=10))],
        qfzz_interaction_types=lambda: [InteractionType("clap", 0.3)],
        qfzz_strategies=lambda: [Choosing("plain", best)],
        qfzz_learners=lambda: [Learning("trust")],
        qfzz_stores=lambda: [StoreScheme("vault", lambda url, options: MemoryStore())],
    )
    config = Config.from_dict({"plugins": {"disable": BUILT_IN}, "discovery": {"strategy": "plain"}, "store": "vault:"})
    with PersonalizedDJ(config=config, plugins=[house]) as dj:
        dj.add_content(tracks())
        assert ids(dj, max_per_artist=1) == ["t5", "t4", "t3", "t2", "t1", "t0"]
        dj.record_feedback("u", "t2", "clap")
        profile = dj.get_profile("u")
        assert profile is not None
        assert profile.artists == {"Artist 2": 0.3}
        explanation = dj.explain("u", "t3")
        assert [(part.name, part.value, part.weight) for part in explanation.factors] == [("age", 0.8, 1.0)]
        with pytest.raises(ValueError, match="like"):
            dj.record_feedback("u", "t2", "like")
