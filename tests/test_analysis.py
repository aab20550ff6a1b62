"""Analysers: what they hear completes tracks, in batches, and nothing that they do wrong stops the others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.cli_runs import Cli, install, isolated, json_lines, track
from support.third_party import plugin

from qfzz_core import Engine
from qfzz_core.contracts import Analyser, AnalysisError
from qfzz_core.errors import PluginWarning
from qfzz_core.importing.analysis import BATCH, Analysis

EAR = """
from pathlib import Path
from qfzz_core import hookimpl
from qfzz_core.contracts import AnalysisError

class Ear:
    name = "ear"
    version = "2"
    fields = ("bpm", "energy", "timbre")

    def analyse(self, path):
        if path.stem.startswith("bad"):
            raise AnalysisError("it is silent")
        if path.stem.startswith("boom"):
            raise RuntimeError("it broke")
        return {"bpm": 128.5, "energy": 0.25, "timbre": [1, 2.5], "other": 3}

@hookimpl
def qfzz_analysers():
    return [Ear()]
"""


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    made = isolated(tmp_path, monkeypatch)
    install(tmp_path / "site", monkeypatch, "ear", EAR)
    return made


def with_files(cli: Cli, *names: str, **fields: Any) -> None:
    """Import a track for each name, of which little is known, at a file of that name."""
    tracks = []
    for name in names:
        path = cli.directory / f"{name}.mp3"
        path.write_bytes(b"x")
        unknown = {"energy": None, "tempo": None, "mood": None, "location": str(path)}
        tracks.append(track(name, **{**unknown, **fields}))
    with Engine(store=cli.store) as engine:
        engine.add_content(tracks)


def catalogue(cli: Cli) -> dict[str, dict[str, Any]]:
    return {each["track_id"]: each for _, each in cli.content()["tracks"]}


class Hearing:
    """An analyser in code."""

    name = "hearing"

    def __init__(self, *fields: str, **values: Any) -> None:
        self.fields = fields or ("bpm", "energy")
        self.values = values
        self.heard: list[str] = []

    def analyse(self, path: Path) -> Mapping[str, Any] | None:
        self.heard.append(path.stem)
        return self.values or None


def analysed(store: str, analyser: Any, *, retry: bool = False) -> tuple[Analysis, list[str]]:
    """The analysis of a store, and what is said of files that failed."""
    said: list[str] = []
    with Engine(store=store, plugins=[plugin("mine", qfzz_analysers=lambda: [analyser])]) as engine:
        analysis = Analysis(engine.registry.analysers[analyser.name], engine.store, engine.faults.report, retry)
        analysis.on_failure = lambda path, reason: said.append(f"{path.stem}: {reason}")
        analysis.run(analysis.lacking(each for _, each in engine.store.catalogue_since(None).written))
    return analysis, said


class TestTheCommand:
    def test_gives_tracks_what_they_lack_and_says_who_did(self, cli: Cli) -> None:
        with_files(cli, "a", energy=0.9)
        assert cli.json("analyse")["analyses"] == [{"analyser": "ear 2", "analysed": 1, "failed": 0, "without_file": 0}]
        found = catalogue(cli)["a"]
        heard = {"energy": 0.9, "bpm": 128.5, "tempo": "medium", "timbre": [1, 2.5], "mood": None}
        assert {key: found[key] for key in heard} == heard
        assert found["analysed_by"] == dict.fromkeys(("bpm", "tempo", "timbre"), "ear 2")
        assert "other" not in found
        assert cli.json("analyse")["analyses"][0]["analysed"] == 0

    def test_a_file_that_fails_is_reported_skipped_and_tried_again_when_asked(self, cli: Cli) -> None:
        with_files(cli, "a", "bad", "boom", "boomer")
        result = cli("analyse")
        assert f"{cli.directory}/bad.mp3: it is silent" in result.stderr
        assert f"{cli.directory}/boomer.mp3: RuntimeError: it broke" in result.stderr
        assert result.stderr.count("warning: analyser ear") == 1
        assert "3  files that could not be analysed" in result.stdout
        assert catalogue(cli)["bad"]["analysis_failed"] == {"ear 2": "it is silent"}
        assert cli.json("analyse")["analyses"][0]["failed"] == 0
        again = cli("analyse", "--retry-failed", "--json")
        assert again.exit_code == 1
        assert '"failed": 3' in again.stdout

    def test_a_limit_and_places_that_are_no_files(self, cli: Cli) -> None:
        with_files(cli, *"abc")
        cli.ok("import", cli.write("x.jsonl", json_lines(track("x", location="https://x/y.mp3"))))
        assert cli.json("analyse", "--limit", "2")["analyses"][0]["analysed"] == 2
        assert "analysed 1 files" in (said := cli.ok("analyse", "--with", "ear"))
        assert "1  tracks whose location is no file of this computer" in said

    def test_an_analyser_that_is_not_there_is_named(self, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
        with_files(cli, "a")
        assert 'there is no analyser "eer", did you mean "ear"' in cli.fails("analyse", "--with", "eer")
        monkeypatch.setenv("QFZZ_DISABLE_PLUGINS", "ear")
        assert "no analyser is installed" in cli.fails("analyse")


class TestAnalysis:
    def test_an_end_in_the_middle_keeps_what_was_heard_and_a_second_run_goes_on(self, cli: Cli) -> None:
        names = [f"t{number:02}" for number in range(BATCH + 5)]
        with_files(cli, *names)
        ends = Hearing(bpm=90)

        def interrupted(path: Path) -> Any:
            if path.stem == names[BATCH + 2]:
                raise KeyboardInterrupt
            return {"bpm": 90}

        ends.analyse = interrupted  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            analysed(cli.store, ends)
        assert [name for name, each in catalogue(cli).items() if "bpm" in each] == names[: BATCH + 2]
        goes_on = Hearing("bpm", bpm=90)
        analysed(cli.store, goes_on)
        assert goes_on.heard == names[BATCH + 2 :]

    def test_arrays_and_numbers_of_numpy_become_plain_values(self, cli: Cli) -> None:
        with_files(cli, "a")
        analysed(cli.store, Hearing("bpm", "v", bpm=np.float32(90), v=np.array([0.5, 1])))
        found = catalogue(cli)["a"]
        assert (found["bpm"], found["v"], found["tempo"]) == (90.0, [0.5, 1.0], "slow")

    @pytest.mark.parametrize(
        ("values", "reason"),
        [
            ({"bpm": "fast"}, "bpm must be a number above 0"),
            ({"bpm": float("nan")}, "bpm must be a number above 0"),
            ({"energy": 2}, "energy must be from 0.0 to 1.0"),
            ({"energy": object()}, "what no track can have"),
        ],
    )
    def test_a_value_that_no_track_can_have_is_a_fault(self, cli: Cli, values: Any, reason: str) -> None:
        with_files(cli, "a", "b")
        with pytest.warns(PluginWarning, match="analyser hearing") as warned:
            analysis, said = analysed(cli.store, Hearing(**values))
        assert (analysis.failed, len(warned)) == (2, 1)
        assert reason in said[0]
        assert catalogue(cli)["a"]["energy"] is None

    def test_what_says_nothing_failed_and_no_mapping_is_a_fault(self, cli: Cli) -> None:
        with_files(cli, "a")
        assert analysed(cli.store, Hearing())[1] == ["a: nothing can be said of it"]
        assert analysed(cli.store, Hearing(other=3), retry=True)[1] == ["a: nothing can be said of it"]
        odd = Hearing()
        odd.analyse = lambda path: 3  # type: ignore[assignment,method-assign,return-value]
        with pytest.warns(PluginWarning, match="must give a mapping"):
            analysed(cli.store, odd, retry=True)

    def test_what_another_process_wrote_or_removed_meanwhile_stays_so(self, cli: Cli) -> None:
        with_files(cli, "a", "b")

        def others_write(path: Path) -> Any:
            if path.stem == "a":
                with Engine(store=cli.store) as engine:
                    engine.add_content([{**(engine.get_track("a") or {}), "bpm": 200, "more": 1}])
                    engine.remove_content(["b"])
            return {"bpm": 90}

        hearing = Hearing()
        hearing.analyse = others_write  # type: ignore[method-assign]
        analysed(cli.store, hearing)
        found = catalogue(cli)
        assert found.keys() == {"a"}
        assert (found["a"]["bpm"], found["a"]["more"]) == (200, 1)

    def test_a_newer_version_hears_what_an_older_one_failed_at(self, cli: Cli) -> None:
        with_files(cli, "a")
        older, newer = Hearing(), Hearing(bpm=90)
        older.version, newer.version = "1", "2"  # type: ignore[attr-defined]
        analysed(cli.store, older)
        analysed(cli.store, newer)
        assert newer.heard == ["a"]
        assert catalogue(cli)["a"]["analysis_failed"] == {"hearing 1": "nothing can be said of it"}
        assert not analysed(cli.store, newer)[0].analysed

    @pytest.mark.parametrize("fields", [(), ("tempo",), ("track_id",), ("",), (1,), "bpm"])
    def test_an_analyser_of_no_fields_is_left_out(self, fields: Any) -> None:
        hearing = Hearing()
        hearing.fields = fields
        with (
            pytest.warns(PluginWarning, match="fields must be a tuple"),
            Engine(plugins=[plugin("mine", qfzz_analysers=lambda: [hearing])]) as engine,
        ):
            assert not engine.registry.analysers

    def test_an_analyser_is_what_the_protocol_says(self) -> None:
        assert isinstance(Hearing(), Analyser)
        assert issubclass(AnalysisError, ValueError)
