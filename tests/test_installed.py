"""Real distributions, installed by pip, are found without configuration, and kept apart when they are broken."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.installing import Distribution, install, probe, run

pytestmark = pytest.mark.installed

LOUD = """
from qfzz_core import factor, hookimpl


@factor("{factor}", weight=9.0, reason=lambda track, value: "it is loud")
def loud(track):
    return track["energy"]


@hookimpl
def qfzz_factors():
    return [loud]
"""

DISTRIBUTIONS = {
    made.name: made
    for made in [
        Distribution("qfzz-loud", "2.1", "loud", LOUD.format(factor="loudness")),
        Distribution("Louder", "0.3", "loud", LOUD.format(factor="volume")),
        Distribution("rival", "1.0", "rival", LOUD.format(factor="loudness")),
        Distribution("impostor", "6.6", "genre", LOUD.format(factor="loudness")),
        Distribution("broken", "1.2.3", "broken", "raise RuntimeError('it broke while it was imported')"),
        Distribution("quitter", "4.0", "quitter", "raise SystemExit(3)"),
        Distribution("absent", "5.0", "absent", "", value="absent:Plugin"),
        Distribution("again", "7.0", "again", "", value="qfzz_plugins.factors.genre"),
    ]
}

TRACKS: list[dict[str, Any]] = [
    {
        "track_id": f"t{n}",
        "title": f"Title {n}",
        "artist": "ABBA",
        "genre": "pop",
        "mood": "calm",
        "energy": 0.5 + n / 10,
        "tempo": "medium",
        "duration": 180,
    }
    for n in range(4)
]
QUIET_FIRST, LOUD_FIRST = ["t0", "t1", "t2", "t3"], ["t3", "t2", "t1", "t0"]
DOCUMENTED = ["genre", "artist", "energy", "tempo", "mood"]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Where a distribution is installed, which happens when it is first asked for."""
    places: dict[str, Path] = {}

    def place(name: str) -> Path:
        if name not in places:
            places[name] = install(DISTRIBUTIONS[name], tmp_path_factory.mktemp("distribution"))
        return places[name]

    return place


Answer = Callable[..., dict[str, Any]]


@pytest.fixture
def answer(installed: Callable[[str], Path], tmp_path: Path) -> Answer:
    """What a fresh DJ answers, in a process of its own, with these distributions installed."""

    def ask(*names: str, config: dict[str, Any] | None = None, **environment: str) -> dict[str, Any]:
        return probe([installed(name) for name in names], TRACKS, config, cwd=tmp_path, **environment)

    return ask


def of(answered: dict[str, Any], distribution: str) -> list[list[str]]:
    """The records of a distribution's plugins."""
    return [each for each in answered["plugins"] if each[2] == distribution]


def test_without_a_third_party_distribution_there_are_the_documented_factors(answer: Answer) -> None:
    answered = answer()
    assert (answered["order"], list(answered["factors"]), answered["warnings"]) == (QUIET_FIRST, DOCUMENTED, [])
    assert {(status, distribution) for _, status, distribution, _ in answered["plugins"]} == {("active", "qfzz")}


def test_an_installed_factor_is_in_the_explanation_and_in_the_order(answer: Answer) -> None:
    answered = answer("qfzz-loud")
    assert answered["order"] == LOUD_FIRST
    assert list(answered["factors"]) == [*DOCUMENTED, "loudness"]
    part = answered["factors"]["loudness"]
    assert [part[key] for key in ("plugin", "distribution", "version")] == ["loud", "qfzz-loud", "2.1"]
    assert [part[key] for key in ("value", "weight", "reason")] == [0.8, 0.9, "it is loud"]
    assert answered["factors"]["genre"]["distribution"] == "qfzz"
    assert of(answered, "qfzz-loud") == [["loud", "active", "qfzz-loud", "2.1"]]
    assert answered["warnings"] == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("broken", "RuntimeError: it broke while it was imported"),
        ("quitter", "SystemExit: 3"),
        ("absent", "AttributeError"),
    ],
)
def test_a_distribution_that_fails_to_import_is_left_out_and_named(answer: Answer, name: str, said: str) -> None:
    answered = answer(name, "qfzz-loud")
    assert answered["order"] == LOUD_FIRST
    version = DISTRIBUTIONS[name].version
    assert of(answered, name) == [[name, "failed to import", name, version]]
    (message,) = answered["warnings"]
    assert f'plugin "{name}" (distribution {name} {version})' in message
    assert said in message


def test_a_distribution_that_registers_a_built_in_again_takes_nothing_away(answer: Answer) -> None:
    answered = answer("again")
    assert list(answered["factors"]) == DOCUMENTED
    assert len(answered["warnings"]) == 1
    assert 'plugin "again" (distribution again 7.0)' in answered["warnings"][0]


def test_of_two_distributions_that_register_one_name_neither_is_active_and_both_are_named(answer: Answer) -> None:
    answered = answer("qfzz-loud", "Louder")
    assert (answered["order"], list(answered["factors"])) == (QUIET_FIRST, DOCUMENTED)
    assert of(answered, "qfzz-loud") == [["loud", "clash", "qfzz-loud", "2.1"]]
    assert of(answered, "Louder") == [["loud", "clash", "Louder", "0.3"]]
    for message in answered["warnings"]:
        assert "distribution qfzz-loud 2.1" in message
        assert "distribution Louder 0.3" in message
    assert not {"qfzz_loud", "louder"} & set(answered["imported"])


def test_of_two_distributions_whose_factors_have_one_name_neither_scores_and_both_are_named(answer: Answer) -> None:
    answered = answer("qfzz-loud", "rival")
    assert (answered["order"], list(answered["factors"])) == (QUIET_FIRST, DOCUMENTED)
    assert [status for _, status, *_ in (*of(answered, "qfzz-loud"), *of(answered, "rival"))] == ["active", "active"]
    assert len(answered["warnings"]) == 2
    for message in answered["warnings"]:
        assert 'factor "loudness"' in message
        assert "distribution qfzz-loud 2.1" in message
        assert "distribution rival 1.0" in message


def test_a_distribution_cannot_take_the_name_of_a_built_in(answer: Answer) -> None:
    answered = answer("impostor")
    assert (answered["order"], list(answered["factors"])) == (QUIET_FIRST, DOCUMENTED)
    assert answered["factors"]["genre"]["distribution"] == "qfzz"
    assert of(answered, "impostor") == [["genre", "clash", "impostor", "6.6"]]
    assert "impostor" not in answered["imported"]


def test_the_order_of_installation_never_changes_a_result(answer: Answer) -> None:
    names = ["qfzz-loud", "Louder", "rival", "broken"]
    one, other = answer(*names), answer(*reversed(names))
    assert one == other


def test_what_is_switched_off_is_not_imported_and_clashes_with_nobody(answer: Answer) -> None:
    for answered in (
        answer("broken", "qfzz-loud", config={"plugins": {"disable": ["broken"]}}),
        answer("broken", "qfzz-loud", QFZZ_DISABLE_PLUGINS="broken"),
        answer("qfzz-loud", "rival", QFZZ_DISABLE_PLUGINS="rival"),
    ):
        assert answered["order"] == LOUD_FIRST
        assert answered["warnings"] == []
        assert "disabled" in [status for _, status, *_ in answered["plugins"]]
        assert not {"broken", "rival"} & set(answered["imported"])


def test_a_strict_engine_raises_what_an_installed_plugin_does_wrong(
    installed: Callable[[str], Path], tmp_path: Path
) -> None:
    code = "from qfzz_core import Config, Engine; Engine(config=Config.from_dict({'strict': True}))"
    done = run([installed("broken")], "-c", code, cwd=tmp_path)
    assert done.returncode == 1
    assert "PluginError" in done.stderr
    assert 'plugin "broken" (distribution broken 1.2.3)' in done.stderr
