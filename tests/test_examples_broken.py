"""However an installed plugin is broken: the call is answered by the others, and everything names the culprit."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.example_projects import install_example
from support.installing import run

pytestmark = [pytest.mark.installed, pytest.mark.exhaustive]

CULPRIT = 'plugin "broken" (distribution qfzz-broken 0.1.0)'
DOCUMENTED = ["genre", "artist", "energy", "tempo", "mood"]

# Does in one process what an application does, leniently and strictly, and what the command line says of plugins.
PROBE = """
import contextlib, io, json, sys, warnings
from qfzz_core import Config, Engine
from qfzz_core.cli.root import root

lenient, strict, where = json.loads(sys.argv[1])
tracks = [
    {"track_id": f"t{n}", "title": f"Title {n}", "artist": "ABBA", "genre": "pop", "mood": "calm",
     "energy": 0.5 + n / 10, "tempo": "medium", "duration": 180}
    for n in range(5)
]

def story(config):
    with Engine(config=Config.from_dict(config), seed=1) as engine:
        engine.add_content(tracks)
        engine.record_feedback("ann", "t4", "like")
        found = engine.recommend("ann", {"discovery_factor": 0.0}, limit=3, where=where)
        explanation = found[0].explanation
        return {
            "tracks": [each.track for each in found],
            "factors": [part.name for part in explanation.factors],
            "faults": [[note.component, note.distribution, note.version] for note in explanation.faults],
            "learned": dict(engine.get_profile("ann").genres),
            "commands": list(engine.commands()),
            "record": [[each.status, each.failures] for each in engine.plugins if each.name == "broken"],
        }

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    answer = story(lenient)
try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        story({**strict, "strict": True})
    raised = None
except Exception as error:
    raised = [type(error).__name__, str(error)]
printed = io.StringIO()
with open("broken.toml", "w") as file:
    file.write('[discovery]\\nstrategy = "broken"\\n' if "discovery" in lenient else "")
with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
    root.main(["plugins", "--json", "--config", "broken.toml"], standalone_mode=False)
print(json.dumps({
    **answer,
    "warnings": [[each.category.__name__, str(each.message)] for each in caught],
    "raised": raised,
    "plugins": json.loads(printed.getvalue()),
}))
"""


class Expected(NamedTuple):
    """What is said of a way of being broken: by which component or hook, in which words, and the plugin's status."""

    component: str
    said: str
    status: str = "active"


NOT_IMPORTED, NOT_REGISTERED = "failed to import", "failed to register"

# Ways that take the plugin, or one of its objects, out of the engine.
AT_THE_START = {
    "import-missing": Expected("", "No module named 'qfzz_broken_needs_this'", NOT_IMPORTED),
    "import-syntax": Expected("", "SyntaxError", NOT_IMPORTED),
    "import-attribute": Expected("", "module 'qfzz_broken' has no attribute 'plugin'", NOT_IMPORTED),
    "import-raises": Expected("", "BrokenError: it is broken", NOT_IMPORTED),
    "import-panics": Expected("", "PanicError: index out of bounds", NOT_IMPORTED),
    "import-exits": Expected("", "SystemExit: the plugin left", NOT_IMPORTED),
    "hook-unknown": Expected("qfzz_scorers", 'did you mean "qfzz_stores"', NOT_REGISTERED),
    "hook-signature": Expected("qfzz_factors", "{'catalogue'} are declared", NOT_REGISTERED),
    "hook-raises": Expected("qfzz_factors", "BrokenError: it is broken", NOT_REGISTERED),
    "hook-exits": Expected("qfzz_factors", "SystemExit('the plugin left')", NOT_REGISTERED),
    "hook-async": Expected("qfzz_factors", "got a coroutine", NOT_REGISTERED),
    "hook-nonsense": Expected("qfzz_filters", "a Filter needs a name, got 'x'", NOT_REGISTERED),
    "options-nonsense": Expected("qfzz_options", "must be an attrs class, got 5", NOT_REGISTERED),
    "factor-no-prepare": Expected("qfzz_factors", 'Factor "broken" has no method prepare', NOT_REGISTERED),
    "factor-negative": Expected("qfzz_factors", "weight must be finite and 0 or more", NOT_REGISTERED),
    "factor-twice": Expected('factor "twice"', "the name is used by"),
    "factor-built-in": Expected('factor "genre"', 'and plugin "genre" (distribution qfzz '),
    "column-built-in": Expected('column "energy"', 'and plugin "columns" (distribution qfzz '),
}

# Ways in which a factor, a filter or a strategy is left out of the whole request.
IN_THE_REQUEST = {
    "prepare-raises": Expected("factor broken", "BrokenError: it is broken"),
    "prepare-panics": Expected("factor broken", "raised PanicError: index out of bounds"),
    "prepare-unsayable": Expected("factor broken", "UnsayableError: what it says cannot be shown"),
    "prepare-exits": Expected("factor broken", "a plugin must not end the program"),
    "prepare-async": Expected("factor broken", "got a coroutine"),
    "prepare-nonsense": Expected("factor broken", "prepare must return CategoryTable"),
    "prepare-no-column": Expected("factor broken", 'no column "colour" is declared'),
    "values-nan": Expected("factor broken", "values must lie in [0, 1], got nan"),
    "values-above-one": Expected("factor broken", "values must lie in [0, 1], got 1.5"),
    "values-shape": Expected("factor broken", "values must have the shape (5,), got (1,)"),
    "values-text": Expected("factor broken", "values must be numbers"),
    "values-raise": Expected("factor broken", "BrokenError: it is broken"),
    "track-raises": Expected("factor broken", "BrokenError: it is broken"),
    "mutate-columns": Expected("factor broken", "read-only"),
    "mutate-profile": Expected("factor broken", "does not support item assignment"),
    "filter-check": Expected("filter broken", "BrokenError: it is broken"),
    "filter-prepare": Expected("filter broken", "BrokenError: it is broken"),
    "filter-numbers": Expected("filter broken", "a predicate must return 5 booleans"),
    "strategy-raises": Expected("strategy broken", "BrokenError: it is broken"),
    "strategy-too-few": Expected("strategy broken", "pick returned 1 picks, 3 were asked for"),
    "strategy-twice": Expected("strategy broken", "pick returned a rank twice"),
    "strategy-nonsense": Expected("strategy broken", "pick must return Pick objects"),
}

# Ways that take part in no score, so that no explanation mentions them.
BESIDE_THE_REQUEST = {
    "column-raises": Expected("column broken", "KeyError: 'a key that no track has'"),
    "reason-raises": Expected("reason of factor broken", "BrokenError: it is broken"),
    "learner-raises": Expected("learner broken", "BrokenError: it is broken"),
    "observer-feedback": Expected("hook qfzz_feedback_recorded", "BrokenError: it is broken"),
    "observer-result": Expected("hook qfzz_recommended", "BrokenError: it is broken"),
    "observer-closes": Expected("hook qfzz_recommended", "has no attribute '__self__'"),
    "command-raises": Expected("hook qfzz_commands", "BrokenError: it is broken"),
}

# Ways that would harm others if they were given what is the others', and harm nobody.
HARMLESS = ("mutate-tracks", "mutate-sources", "mutate-result")

SLOW, STORE = "prepare-slow", "store-raises"
REPORTED = {**AT_THE_START, **IN_THE_REQUEST, **BESIDE_THE_REQUEST}


# What any request meets, whatever its arguments.
MET_BY_ANY_REQUEST = [way for way in IN_THE_REQUEST if not way.startswith("filter")] + ["column-raises"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_example("qfzz-broken", tmp_path_factory.mktemp("broken"))


Answer = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def answer(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """What an application gets, with the distribution installed and broken in this way; each way is tried once."""
    cwd = tmp_path_factory.mktemp("application")
    answers: dict[str, dict[str, Any]] = {}

    def answer_of(way: str) -> dict[str, Any]:
        if way not in answers:
            chosen: dict[str, Any] = {"plugins": {"factor_seconds": 0.1}} if way == SLOW else {}
            chosen |= {"discovery": {"strategy": "broken"}} if way.startswith("strategy") else {}
            store = {"store": "broken:"} if way == STORE else {}
            where = {"broken": "yes"} if way.startswith("filter") else None
            given = json.dumps([chosen, {**chosen, **store}, where])
            done = run([installed], "-c", PROBE, given, cwd=cwd, QFZZ_BROKEN=way)
            assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
            answers[way] = json.loads(done.stdout)
        return answers[way]

    return answer_of


@pytest.fixture
def plain(answer: Answer) -> dict[str, Any]:
    """What an application gets while nothing is broken."""
    return answer("")


def record(answered: dict[str, Any]) -> dict[str, Any]:
    """What `qfzz plugins --json` says of the plugin."""
    (found,) = [each for each in answered["plugins"] if each["distribution"] == "qfzz-broken"]
    return dict(found)


def test_while_it_is_not_broken_it_does_nothing(plain: dict[str, Any]) -> None:
    assert (plain["factors"], plain["faults"], plain["warnings"], plain["raised"]) == (DOCUMENTED, [], [], None)
    assert [track["track_id"] for track in plain["tracks"]] == ["t0", "t1", "t2"]
    assert plain["learned"] == {"pop": 0.1}
    assert (record(plain)["name"], record(plain)["version"], record(plain)["status"]) == ("broken", "0.1.0", "active")


def test_every_way_is_tried(installed: Path, tmp_path: Path) -> None:
    listed = run([installed], "-m", "qfzz_broken", cwd=tmp_path).stdout.splitlines()
    names = [line.split()[0] for line in listed]
    assert sorted(names) == sorted({*REPORTED, *HARMLESS, STORE, SLOW})
    assert len(names) >= 25


@pytest.mark.parametrize("way", [*REPORTED, *HARMLESS, STORE, SLOW])
def test_the_call_is_answered_as_if_the_plugin_were_not_there(way: str, answer: Answer, plain: dict[str, Any]) -> None:
    answered = answer(way)
    assert answered["tracks"] == plain["tracks"]
    assert answered["learned"] == plain["learned"]
    assert [name for name in answered["factors"] if name != "broken"] == DOCUMENTED
    assert answered["commands"] == []


@pytest.mark.parametrize("way", REPORTED)
def test_one_warning_names_plugin_distribution_and_version(way: str, answer: Answer) -> None:
    ((category, message),) = answer(way)["warnings"]
    assert category == "PluginWarning"
    assert CULPRIT in message
    assert REPORTED[way].component in message
    assert REPORTED[way].said in message


@pytest.mark.parametrize("way", REPORTED)
def test_a_strict_engine_raises_an_error_that_names_plugin_distribution_version_and_hook(
    way: str, answer: Answer
) -> None:
    kind, message = answer(way)["raised"]
    assert kind == "PluginError"
    assert CULPRIT in message
    assert REPORTED[way].component in message
    assert REPORTED[way].said in message


@pytest.mark.parametrize("way", REPORTED)
def test_the_explanation_says_what_was_left_out_of_the_request(way: str, answer: Answer) -> None:
    left_out = [[IN_THE_REQUEST[way].component, "qfzz-broken", "0.1.0"]] if way in IN_THE_REQUEST else []
    assert answer(way)["faults"] == left_out


@pytest.mark.parametrize("way", AT_THE_START)
def test_the_command_line_says_what_became_of_the_plugin_at_the_start(way: str, answer: Answer) -> None:
    found = record(answer(way))
    assert (found["name"], found["version"], found["status"]) == ("broken", "0.1.0", REPORTED[way].status)
    assert REPORTED[way].component in " ".join(found["problems"])
    assert REPORTED[way].said in " ".join(found["problems"])


@pytest.mark.parametrize("way", MET_BY_ANY_REQUEST)
def test_the_command_line_tries_a_request_and_says_what_failed_in_it(way: str, answer: Answer) -> None:
    found = record(answer(way))
    assert (found["name"], found["version"], found["status"]) == ("broken", "0.1.0", "failed at run time")
    assert any(problem.startswith(f"{REPORTED[way].component}: ") for problem in found["problems"])


@pytest.mark.parametrize("way", {**IN_THE_REQUEST, **BESIDE_THE_REQUEST})
def test_the_command_line_says_what_failed_in_the_process_whatever_it_is(way: str, answer: Answer) -> None:
    found = record(answer(way))
    assert found["status"] == "failed at run time"
    assert any(problem.startswith(f"{REPORTED[way].component}: ") for problem in found["problems"])


@pytest.mark.parametrize("way", {**IN_THE_REQUEST, **BESIDE_THE_REQUEST})
def test_the_engines_record_counts_what_failed_while_it_ran(way: str, answer: Answer) -> None:
    ((status, failures),) = answer(way)["record"]
    assert status == "failed at run time"
    assert list(failures) == [REPORTED[way].component]


@pytest.mark.parametrize("way", HARMLESS)
def test_a_plugin_that_changes_what_it_is_given_changes_copies(way: str, answer: Answer) -> None:
    assert (answer(way)["warnings"], answer(way)["raised"]) == ([], None)


def test_the_command_line_answers_and_names_what_it_left_out(installed: Path, tmp_path: Path) -> None:
    words = ["recommend", "ann", "--explain", "--store", "memory:"]
    code = f"from qfzz_core.cli.root import root; root.main({words!r})"
    done = run([installed], "-c", code, cwd=tmp_path, QFZZ_BROKEN="values-nan", HOME=str(tmp_path), COLUMNS="300")
    assert done.returncode == 0, done.stderr
    assert "left out: factor broken (plugin broken of qfzz-broken 0.1.0): values must lie in [0, 1]" in done.stdout


def test_a_slow_factor_is_reported_and_still_counts(answer: Answer) -> None:
    answered = answer(SLOW)
    ((category, message),) = answered["warnings"]
    assert category == "PluginWarning"
    assert f"factor broken of {CULPRIT} took " in message
    assert "more than the 0.1 that plugins.factor_seconds allows" in message
    assert answered["factors"] == [*DOCUMENTED, "broken"]
    assert answered["raised"] is None


def test_a_store_that_cannot_be_opened_fails_for_who_chose_it_and_names_the_plugin(answer: Answer) -> None:
    kind, message = answer(STORE)["raised"]
    assert kind == "StoreError"
    assert message == f'store "broken" of {CULPRIT} cannot be opened: BrokenError: it is broken'
