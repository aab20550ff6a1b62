"""However it is broken, an application gets its recommendations; what fails on the way is what was asked for."""

import runpy
from collections.abc import Callable
from typing import Any

import pytest
from qfzz_core import Engine, PluginWarning

import qfzz_broken
from qfzz_broken.ways import WAYS

HARMLESS = ("prepare-slow", "mutate-tracks", "mutate-sources", "mutate-result")
ANSWERED = [name for name in WAYS if not name.startswith("import") and name not in HARMLESS]


def plugin(monkeypatch: pytest.MonkeyPatch, way: str) -> Any:
    monkeypatch.setenv(qfzz_broken.VARIABLE, way)
    return qfzz_broken.plugin


def found(engine: Engine, way: str) -> list[str]:
    where = {"broken": True} if WAYS[way].when == "where" else None
    recommended = engine.recommend("ann", {"discovery_factor": 0.0}, limit=5, where=where)
    engine.record_feedback("ann", recommended[0].track["track_id"], "like")
    engine.commands()
    return [each.track["track_id"] for each in recommended if each.explanation.factors]


@pytest.fixture
def answers_of(qfzz: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """What an application gets while the plugin is broken in a way."""

    def answers(way: str) -> list[str]:
        config: dict[str, Any] = {"strict": False}
        if WAYS[way].when == "strategy":
            config["discovery"] = {"strategy": "broken"}
        return found(qfzz(plugin(monkeypatch, way), config=config), way)

    return answers


@pytest.mark.parametrize("way", [way for way in ANSWERED if WAYS[way].when != "store"])
def test_an_application_gets_its_recommendations_and_a_warning(
    way: str, answers_of: Callable[[str], list[str]], qfzz: Callable[..., Engine]
) -> None:
    with pytest.warns(PluginWarning):
        answered = answers_of(way)
    assert answered == [each.track["track_id"] for each in qfzz().recommend("ann", {"discovery_factor": 0.0}, limit=5)]


@pytest.mark.parametrize("way", HARMLESS)
def test_ways_that_are_no_fault_still_answer(way: str, answers_of: Callable[[str], list[str]]) -> None:
    assert len(answers_of(way)) == 5


@pytest.mark.parametrize("way", [way for way in WAYS if way.startswith("import")])
def test_it_cannot_be_imported(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BaseException) as raised:  # noqa: PT011 - the ways raise what they like
        plugin(monkeypatch, way)
    assert not isinstance(raised.value, KeyError)


def test_a_way_that_there_is_not_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyError, match="spectacularly"):
        plugin(monkeypatch, "spectacularly")


def test_the_ways_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_module("qfzz_broken", run_name="__main__")
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(WAYS)
