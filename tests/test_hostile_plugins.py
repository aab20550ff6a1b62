"""Whatever a plugin does: callers get what they would get without it, it is reported once, and it changes nothing."""

import itertools
import json
import logging
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from support.cli_runs import Cli, install, isolated, lay_out
from support.third_party import (
    Choosing,
    Learning,
    dj_with,
    each_track,
    ids,
    letting,
    plugin,
    record,
    scoring,
    tracks,
)

from benchmarks.robustness.broken_plugins import PLACES, SOUND, WAYS, UnsayableError, cases
from benchmarks.robustness.trials.plugins import VANDAL, problems
from benchmarks.robustness.vandal import change_everything
from qfzz_core import CategoryFilter, CategoryTable, Column, Engine, IdFilter, PluginWarning
from qfzz_core.contracts.columns import CategoryColumn
from qfzz_core.errors import ClosedError, PluginError, StoreCorruptError
from qfzz_core.model.plain import sealed
from qfzz_core.plugins.faults import MOST_SAID, described

# ---- any way at any place -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", SOUND)
def test_a_plugin_that_changes_all_it_can_reach_changes_nothing(place: str) -> None:
    assert problems(place, VANDAL) == []


# A way for each place: together they are every way, and the trial of robustness has all pairs.
@pytest.mark.parametrize(("place", "way"), list(zip(PLACES, itertools.cycle(WAYS), strict=False)))
def test_a_broken_plugin_is_left_out_and_reported_once(place: str, way: str) -> None:
    assert problems(place, way) == []


@pytest.mark.parametrize(("place", "way"), [case for case in cases() if case[0] == "by hand"])
def test_a_plugin_that_is_broken_in_a_way_of_its_own_is_left_out_and_reported_once(place: str, way: str) -> None:
    assert problems(place, way) == []


def test_there_are_more_broken_plugins_than_anybody_would_write() -> None:
    assert len(cases()) >= 155


# ---- what is given --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "array",
    [np.arange(5), np.empty(0), np.empty((0, 3)), np.arange(12.0).reshape(3, 4)[:, ::2], np.zeros(3, np.bool_)],
    ids=["some", "none", "no rows", "every other", "flags"],
)
def test_a_sealed_array_is_the_same_and_nobody_writes_to_it(array: Any) -> None:
    before = array.copy()
    view = sealed(array)
    for each in (view, view[:2], view[::-1], sealed(view)):
        assert change_everything(each) == []
        with pytest.raises(ValueError, match="WRITEABLE"):
            each.flags.writeable = True
    assert (view.dtype, view.shape) == (before.dtype, before.shape)
    assert (array == before).all()
    assert (view == before).all()


def test_a_sealed_array_shows_what_its_owner_writes_and_outlives_the_owners_name() -> None:
    view = sealed(array := np.arange(1000))
    array[3] = 7
    assert view[3] == 7
    del array
    assert view.sum() == 1000 * 999 // 2 + 4


def test_a_source_that_changes_the_track_it_is_given_changes_no_title() -> None:
    def taking_over(given: Any) -> str:
        given["title"] = "bought"
        given["album"]["name"] = "bought"
        return str(given.pop("artist"))

    column = Column(name="mine", kind="category", source=taking_over)
    content = [{**each, "album": {"name": each["title"]}} for each in tracks()]
    with dj_with(plugin("mine", qfzz_columns=lambda: [column]), content=content) as dj:
        assert dj.recommend("u", limit=6, where={"mine": "Artist 2"}) == [content[2]]
        assert ids(dj, where={"title": "t3"}) == ["t3"]
        assert dj.engine.faults.counts == {}


def test_an_option_of_a_filter_is_its_own_each_time() -> None:
    def emptying(option: Any) -> None:
        option["ids"].clear()

    def prepare(request: Any, option: Any) -> IdFilter:
        chosen = list(option["ids"])
        option["ids"].clear()
        return IdFilter(track_ids=chosen)

    option = {"ids": ["t1", "t2"]}
    with dj_with(letting("mine", prepare, check=emptying)) as dj:
        for _ in range(2):
            assert ids(dj, where={"mine": option}) == ["t1", "t2"]
    assert option == {"ids": ["t1", "t2"]}


def test_a_wrapped_strategy_and_its_options_belong_to_nobody_who_wraps_it() -> None:
    def pick(request: Any, ranking: Any) -> Any:
        wrapped, seen = request.strategy("split")
        change_everything(wrapped, seen, request.sources)
        return wrapped.pick(request.strategy("split")[1], ranking)

    mine = plugin("mine", qfzz_strategies=lambda: [Choosing("mine", pick)])
    with dj_with(mine, discovery={"strategy": "mine"}) as dj, dj_with() as plain:
        options = dj.engine.settings.strategy_options["split"]
        before = repr(options)
        assert [ids(dj, limit=4) for _ in range(2)] == [ids(plain, limit=4) for _ in range(2)]
        assert repr(options) == before


def test_names_are_remembered_as_plain_strings() -> None:
    class Angry(str):
        """A name that nobody may compare, once it is there."""

        __slots__ = ()
        calm = True

        def __eq__(self, other: object) -> bool:
            if not Angry.calm:
                raise RuntimeError("compared")
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    names = [Angry("pop"), Angry("polka")]
    angry = scoring("mine", lambda request: CategoryTable(column="genre", values=dict.fromkeys(names, 0.5)))
    with dj_with(angry) as dj:
        ids(dj)
        Angry.calm = False
        genres: CategoryColumn = dj.engine._library.snapshot().columns["genre"]
        assert genres.vocabulary.codes(["pop", "polka"]).tolist() == [0, -1]


def test_a_filter_may_be_of_a_class_of_its_own_and_give_names_of_one() -> None:
    class Own(CategoryFilter):
        """A filter that is made by inheritance."""

    class Name(str):
        """A name of a class of its own."""

        __slots__ = ()

    with dj_with(letting("mine", lambda *_: Own(column=Name("artist"), names=[Name("Artist 3")]))) as dj:
        assert ids(dj, where={"mine": True}) == ["t3"]


# ---- what is said ---------------------------------------------------------------------------------------------------


def test_what_cannot_be_shown_is_described_all_the_same() -> None:
    assert described(UnsayableError()) == "UnsayableError: what it says cannot be shown"
    assert described(ValueError("\ud800")) == "ValueError: \\ud800"
    long = described(ValueError("x" * 10_000))
    assert len(long) < MOST_SAID + 100
    assert long.endswith("(10,000 characters)")


def broken(request: Any) -> Any:
    raise RuntimeError("it is broken")


def test_where_warnings_are_errors_the_record_stands_alone_unless_strict(caplog: pytest.LogCaptureFixture) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with dj_with(scoring("mine", broken)) as dj:
            assert len(ids(dj)) == 6
            assert [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING] == [
                'factor mine of plugin "mine" (passed in code): RuntimeError: it is broken; it is left out'
            ]
            dj.engine.faults.warn("of no consequence")
        with dj_with(scoring("mine", broken), strict=True) as dj, pytest.raises(PluginError, match="it is broken"):
            ids(dj)
        with pytest.raises(PluginWarning):
            dj.engine.faults.warn("said to those who want to know")


def test_eight_threads_that_meet_one_fault_make_one_report(caplog: pytest.LogCaptureFixture) -> None:
    barrier = threading.Barrier(8)

    def failing(request: Any) -> Any:
        barrier.wait(30)
        raise RuntimeError("it is broken")

    with dj_with(scoring("mine", failing)) as dj, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        threads = [threading.Thread(target=ids, args=(dj, f"u{number}")) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert [each.levelno for each in caplog.records].count(logging.WARNING) == 1
    assert dj.engine.faults.counts["mine", "factor mine"] == 8


def test_a_fault_of_another_kind_is_another_report() -> None:
    errors = iter([ValueError("once"), ValueError("again"), TypeError("something else"), ValueError("again")])

    def failing(request: Any) -> Any:
        raise next(errors)

    with dj_with(scoring("mine", failing)) as dj, pytest.warns(PluginWarning) as warned:
        assert [len(ids(dj)) for _ in range(4)] == [6, 6, 6, 6]
    assert [str(each.message).partition(": ")[2] for each in warned] == [
        "ValueError: once; it is left out",
        "TypeError: something else; it is left out",
    ]


# ---- what is no fault of a plugin's ---------------------------------------------------------------------------------


def reading(read: Callable[[Any], Any]) -> ModuleType:
    return scoring("mine", lambda request: read(request) and None)


def wrapping_it(request: Any) -> Any:
    try:
        return request.history()
    except Exception as error:
        raise RuntimeError("no history, no score") from error


READS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "the history": (lambda request: request.history(), "events"),
    "the history, in its own words": (wrapping_it, "events"),
    "what a learner knows": (lambda request: request.state("trust"), "states"),
}


@pytest.mark.parametrize("what", READS)
def test_a_damaged_store_is_not_the_fault_of_the_plugin_that_reads_it(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, method = READS[what]
    with dj_with(reading(read)) as dj:
        monkeypatch.setattr(dj.engine.store, method, damaged)
        with pytest.raises(StoreCorruptError, match="row 7"):
            ids(dj)
        assert dj.engine.faults.counts == {}
        assert record(dj, "mine").status == "active"


def damaged(*given: Any, **named: Any) -> Any:
    raise StoreCorruptError("row 7 is damaged")


def test_a_damaged_track_is_not_the_fault_of_a_function_of_tracks(monkeypatch: pytest.MonkeyPatch) -> None:
    with dj_with(scoring("mine", each_track(lambda track: 0.5))) as dj:
        snapshot = dj.engine._library.snapshot()
        monkeypatch.setattr(type(snapshot), "tracks_at", damaged, raising=False)
        snapshot.__dict__.pop("tracks_at", None)
        with pytest.raises(StoreCorruptError, match="row 7"):
            ids(dj)
        assert dj.engine.faults.counts == {}


def test_a_damaged_state_is_not_the_fault_of_the_learner(monkeypatch: pytest.MonkeyPatch) -> None:
    from qfzz_core.storage.user_unit import UserUnit

    with dj_with(plugin("mine", qfzz_learners=lambda: [Learning("mine")])) as dj:
        monkeypatch.setattr(UserUnit, "state", damaged)
        with pytest.raises(StoreCorruptError, match="row 7"):
            dj.record_feedback("u", "t1", "like")
        assert dj.engine.faults.counts == {}


def test_an_error_of_a_store_that_a_plugin_has_of_its_own_is_its_fault() -> None:
    with dj_with(reading(damaged)) as dj, pytest.warns(PluginWarning, match="row 7"):
        assert len(ids(dj)) == 6


def test_an_observer_that_closes_the_engine_closes_it_after_the_call() -> None:
    engines: list[Engine] = []
    closing = plugin("mine", qfzz_recommended=lambda recommended: engines[0].close())
    with Engine(plugins=[closing], seed=1) as engine:
        engines.append(engine)
        engine.add_content(tracks())
        assert len(engine.recommend("u", limit=3)) == 3
        with pytest.raises(ClosedError):
            engine.recommend("u", limit=3)


# ---- entry points ---------------------------------------------------------------------------------------------------

SOUND_PLUGIN = "from qfzz_core import hookimpl\n"
DISTRIBUTIONS: dict[str, tuple[str, str]] = {
    "no module": ("mine = a b c", 'its entry point "a b c" names no module'),
    "a missing module": ("mine = mine_missing", "No module named 'mine_missing'"),
    "a missing attribute": ("mine = mine_module:plugin", "has no attribute 'plugin'"),
    "twice": ("mine = mine_module\nmine = mine_module:hookimpl", 'the name "mine" is used by'),
    "no entry": ("a line without a value", "its entry_points.txt cannot be read"),
}


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    return isolated(tmp_path, monkeypatch)


@pytest.mark.parametrize("what", DISTRIBUTIONS)
def test_a_broken_entry_point_is_a_sentence(
    what: str, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    points, said = DISTRIBUTIONS[what]
    site = tmp_path / "site"
    install(site, monkeypatch, "mine", SOUND_PLUGIN)
    (site / "mine_distribution-1.0.dist-info" / "entry_points.txt").write_text(f"[qfzz]\n{points}\n")
    with pytest.warns(PluginWarning) as warned:
        dj = dj_with()
    assert len(dj.recommend("u", limit=3)) == 3
    assert all(said in str(each.message) for each in warned)
    assert all("distribution mine-distribution 1.0" in str(each.message) for each in warned)
    shown = cli("plugins")
    assert shown.exit_code == 0
    assert said in shown.stdout
    assert "Traceback" not in shown.output
    assert f"warning: {warned[0].message}" in shown.stderr


@pytest.mark.parametrize("metadata", ["", "Name: \n", None], ids=["empty", "a blank name", "none"])
def test_a_distribution_that_does_not_say_its_name_takes_part(
    metadata: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    install(site, monkeypatch, "mine", SOUND_PLUGIN)
    file = site / "mine_distribution-1.0.dist-info" / "METADATA"
    file.unlink() if metadata is None else file.write_text(metadata)
    with Engine(seed=1) as engine:
        (found,) = [each for each in engine.plugins if each.name == "mine"]
    assert (found.status, found.origin.version) == ("active", "unknown")


# ---- the command line -----------------------------------------------------------------------------------------------

TALKING = """
import atexit, sys
from qfzz_core import TrackFunction, hookimpl

print("imported")
atexit.register(print, "the end")

class Talking:
    name, weight = "talking", 1.0
    def prepare(self, request):
        print("prepared")
        return TrackFunction(function=lambda track: print("scored") or 0.5, reason=self.said)
    def said(self, track, value):
        print("said")
        return "half"

class Writer:
    name, suffixes = "talk", (".talk",)
    def write(self, playlist):
        print("written")
        yield "a playlist\\n"

@hookimpl
def qfzz_factors():
    print("registered")
    return [Talking()]

@hookimpl
def qfzz_writers():
    return [Writer()]

@hookimpl
def qfzz_recommended(recommended):
    sys.stdout.write("observed\\n")

@hookimpl
def qfzz_commands():
    import click
    print("commands")

    @click.command()
    def talk():
        print("spoken")

    return [talk]
"""


def test_what_plugins_print_is_no_part_of_a_json_document(tmp_path: Path, cli: Cli) -> None:
    site = tmp_path / "site"
    lay_out(site, "talking", TALKING)
    environment = {**cli.environment, "PYTHONPATH": str(site)}
    done = cli.process("recommend", "ann", "-n", "3", "--explain", "--json", env=environment)
    assert len(json.loads(done.stdout)) == 3, done.stderr
    said = done.stderr.splitlines()
    assert {"imported", "registered", "prepared", "scored", "said", "observed", "the end"} <= {*said}
    for command in (["plugins", "--json"], ["config", "show", "--json"], ["doctor", "--json"]):
        json.loads(cli.process(*command, env=environment).stdout)


def test_a_command_of_a_plugin_prints_and_its_playlist_goes_to_stdout(tmp_path: Path, cli: Cli) -> None:
    site = tmp_path / "site"
    lay_out(site, "talking", TALKING)
    environment = {**cli.environment, "PYTHONPATH": str(site)}
    assert cli.process("talk", env=environment).stdout == "spoken\n"
    written = cli.process("recommend", "ann", "--output", "-", "--format", "talk", env=environment)
    assert written.stdout == "a playlist\n"
    helped = cli.process("--help", env=environment)
    assert helped.stdout.startswith("Usage: qfzz")
    assert "imported" in helped.stderr


FAILING_EVERYWHERE = """
from qfzz_core import CategoryTable, factor, hookimpl

def broken(*given):
    raise RuntimeError("it is broken")

class Filter:
    name, check, prepare = "never", staticmethod(lambda option: None), broken

class Learner:
    name, keys, learn, read = "dull", staticmethod(lambda event: ["all"]), broken, broken

@hookimpl
def qfzz_factors():
    return [factor("vague", weight=0.5, reason=broken)(lambda track: 0.5)]

@hookimpl
def qfzz_filters():
    return [Filter()]

@hookimpl
def qfzz_learners():
    return [Learner()]

@hookimpl
def qfzz_recommended(recommended):
    broken()

@hookimpl
def qfzz_feedback_recorded(feedback):
    broken()
"""
COMPONENTS = {
    "filter never",
    "learner dull",
    "reason of factor vague",
    "hook qfzz_recommended",
    "hook qfzz_feedback_recorded",
}


def test_what_failed_in_this_process_is_listed_whatever_it_is(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "site", monkeypatch, "failing_everywhere", FAILING_EVERYWHERE)
    with Engine(seed=1) as engine, warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)
        engine.add_content(tracks())
        engine.record_feedback("u", "t1", "like")
        assert engine.recommend("u", limit=3, where={"never": 1})[0].explanation
    (own,) = [each for each in engine.plugins if each.name == "failing_everywhere"]
    (listed,) = [each for each in cli.json("plugins") if each["name"] == "failing_everywhere"]
    assert listed["status"] == own.status == "failed at run time"
    assert {*listed["failures"]} == {*own.failures} == COMPONENTS
    assert {*listed["problems"]} == {f"{component}: RuntimeError: it is broken" for component in COMPONENTS}
    shown = cli.ok("plugins")
    assert all(f"{component}: RuntimeError" in shown for component in COMPONENTS)
