"""The benchmarks run, and the rivals that say they are exact rank as the engine does. No time is looked at."""

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.exhaustive  # the same on every Python

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))  # the benchmarks are no part of the installed packages

from benchmarks.ranking import measure, ours, report, rivals  # noqa: E402
from benchmarks.ranking.catalogue import Catalogue, from_dictionaries  # noqa: E402
from benchmarks.ranking.generator import GENRES, MOODS, generated  # noqa: E402
from benchmarks.ranking.listeners import DEVOTED_ARTISTS, listeners  # noqa: E402
from benchmarks.ranking.rivals import fused_ranking  # noqa: E402
from benchmarks.ranking.sections import batch, growth, unknown  # noqa: E402
from benchmarks.ranking.settings import Section, Settings  # noqa: E402
from qfzz_core.model.tracks import checked_tracks  # noqa: E402

WITHOUT_PACKAGES = ("fused", "one_pass", "sqlite", "pure_python")
SMALL = ("--tracks", "600", "--listeners", "20", "--calls", "8", "--rounds", "1")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.ranking", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def small_settings(directory: Path) -> Settings:
    return Settings(
        sizes=(600, 300),
        rivals_at=600,
        tracks=300,
        stored=(300,),
        limit=10,
        listeners=8,
        calls=20,
        rounds=1,
        rivals=(),
        directory=directory,
    )


def feedbacks(service: growth.Service) -> list[int]:
    """Return how many feedbacks each listener gave."""
    profiles = (service.engine.get_profile(one.user_id) for one in service.listeners)
    return [len(profile.interaction_history) for profile in profiles if profile]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return generated(3_000)


class TestTheGenerator:
    def test_makes_valid_tracks_that_say_what_the_columns_say(self, catalogue: Catalogue) -> None:
        tracks = list(checked_tracks(catalogue.tracks()))
        again = from_dictionaries(tracks)
        assert np.array_equal(again.energy, catalogue.energy)
        assert np.array_equal(again.tempo, catalogue.tempo)
        assert [again.artists[code] for code in again.artist] == [catalogue.artists[code] for code in catalogue.artist]

    def test_makes_the_same_catalogue_of_a_seed_and_another_of_another(self) -> None:
        assert np.array_equal(generated(500).energy, generated(500).energy)
        assert not np.array_equal(generated(500).energy, generated(500, seed=2).energy)

    def test_gives_energies_to_three_decimals_in_the_documented_range(self, catalogue: Catalogue) -> None:
        assert np.array_equal(np.round(catalogue.energy, 3), catalogue.energy)
        assert catalogue.energy.min() >= 0.0
        assert catalogue.energy.max() <= 1.0

    def test_has_the_genres_moods_and_artists_that_it_promises(self) -> None:
        large = generated(60_000)
        assert len(large.genres) == len(set(large.genres)) == GENRES == 120
        assert len(MOODS) == 20
        assert len(large.artists) == 5_000
        assert np.unique(large.mood).tolist() == list(range(20))

    def test_makes_fast_tracks_more_energetic_than_slow_ones(self, catalogue: Catalogue) -> None:
        slow, medium, fast = (catalogue.energy[catalogue.tempo == tempo].mean() for tempo in range(3))
        assert slow < medium < fast


class TestTheListeners:
    def test_a_fifth_of_them_is_cold_and_likes_no_artist(self, catalogue: Catalogue) -> None:
        people = listeners(catalogue, 200)
        cold = [one for one in people if one.kind == "cold"]
        assert len(cold) == 40
        assert all(not one.preferences["artists"] for one in cold)

    def test_some_like_two_thousand_artists_and_some_any_tempo(self) -> None:
        people = listeners(generated(60_000), 200)
        assert {len(one.preferences["artists"]) for one in people if one.kind == "devoted"} == {DEVOTED_ARTISTS}
        assert any(one.preferences["tempo_preference"] == "varied" for one in people)


class TestTheExactRivals:
    @pytest.mark.parametrize("limit", [1, 50, 5_000])
    def test_rank_as_the_engine_does_after_feedback_too(self, catalogue: Catalogue, limit: int) -> None:
        people = listeners(catalogue, 20)
        there, missing = rivals.installed(WITHOUT_PACKAGES)
        assert missing == []
        with ours.engine_of(catalogue) as engine:
            ours.introduce(engine, people)
            for rival in there:
                rival.prepare(catalogue)
            for listener in people:
                row = int(ours.best(engine, listener.user_id, 1)[0])
                engine.record_feedback(listener.user_id, catalogue.track_id(row), "like")
                listener.likes(catalogue, row)
                wanted = ours.best(engine, listener.user_id, limit).tolist()
                for rival in there:
                    assert rival.answer(listener.preferences, limit).tolist() == wanted, rival.name

    def test_the_fused_scan_ranks_the_same_in_chunks_of_any_size(
        self, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole, chunked = rivals.made("fused"), rivals.made("fused")
        people = listeners(catalogue, 20)
        whole.prepare(catalogue)
        wanted = [whole.answer(one.preferences, 50).tolist() for one in people]
        monkeypatch.setattr(fused_ranking, "CHUNK", 64)
        chunked.prepare(catalogue)
        assert [chunked.answer(one.preferences, 50).tolist() for one in people] == wanted


class TestTheMeasurement:
    def test_stops_when_an_exact_contestant_gives_another_answer(self, catalogue: Catalogue) -> None:
        answers = {"one": lambda one: np.array([1, 2]), "other": lambda one: np.array([2, 1])}
        with pytest.raises(measure.DisagreementError, match="other and one differ for user-0000"):
            measure.check(answers, listeners(catalogue, 1))

    def test_contestants_take_turns_with_the_same_listeners_of_whom_every_fourth_gave_feedback(
        self, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(measure, "TURN", 4)
        people = listeners(catalogue, 3)
        called: list[str] = []
        calls = {name: (lambda one, name=name: called.append(name)) for name in ("a", "b")}
        measured = measure.alternated(calls, people, 8, lambda one: called.append("feedback"))
        assert [times.calls for times in measured.values()] == [list(range(8))] * 2
        rounds = called[6:]  # after three calls of each that warm up
        assert "".join(word[0] for word in rounds) == "f" + "aaaabbbb" + "f" + "bbbbaaaa"


class TestTheGrowth:
    def test_is_measured_with_the_same_listeners_and_feedbacks_for_every_size(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        made: list[growth.Service] = []
        real = growth.Service.of
        monkeypatch.setattr(growth.Service, "of", lambda *given: made.append(real(*given)) or made[-1])
        section = growth.measured(small_settings(tmp_path))
        assert [len(one.catalogue) for one in made] == [300, 600]
        assert [[each.user_id for each in one.listeners] for one in made] == [[f"user-{n:04d}" for n in range(8)]] * 2
        assert feedbacks(made[0]) == feedbacks(made[1])
        assert sum(feedbacks(made[0])) == 3 * 5  # before every fourth of twenty calls, in three ways
        assert [row[:2] for row in section.rows] == [
            ("300", "QFZZ"),
            ("600", "QFZZ"),
            ("300", "QFZZ, nothing cached"),
            ("600", "QFZZ, nothing cached"),
            ("300", "QFZZ, discovery 0.3"),
            ("600", "QFZZ, discovery 0.3"),
        ]

    def test_is_called_against_the_smallest_size(self, tmp_path: Path) -> None:
        section = growth.measured(small_settings(tmp_path))
        small, large = (section.figures["QFZZ"][size] for size in ("300", "600"))
        assert section.rows[0][4:] == ("1.00", "1.00")
        assert section.rows[1][4] == f"{large['median_ms'] / small['median_ms']:,.2f}"
        assert section.rows[1][5] == f"{large['p99_ms'] / small['p99_ms']:,.2f}"


class TestUnknownValues:
    def test_are_compared_with_known_ones_of_the_same_tracks_for_the_same_listeners(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        made: list[growth.Service] = []
        real = growth.Service.of
        monkeypatch.setattr(growth.Service, "of", lambda *given: made.append(real(*given)) or made[-1])
        section = unknown.measured(small_settings(tmp_path))
        known, half = (list(one.catalogue.tracks()) for one in made)
        assert made[0].listeners is made[1].listeners
        for field in ("genre", "mood", "tempo", "energy"):
            assert all(old[field] == new[field] for old, new in zip(known, half, strict=True) if new[field] is not None)
            assert 0.4 < [track[field] for track in half].count(None) / len(half) < 0.6
        assert [row[1] for row in section.rows] == [unknown.KNOWN, unknown.UNKNOWN] * 3


class TestManyUsers:
    def test_are_compared_with_one_call_for_all_of_them_and_with_one_call_for_each(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        users: list[Any] = []

        class Model:
            def __init__(self, factors: int, num_threads: int) -> None:
                assert (factors, num_threads) == (64, 1)

            def recommend(self, userid: Any, user_items: None, **keywords: Any) -> None:
                users.append(userid if isinstance(userid, int) else list(userid))

        module = ModuleType("implicit.cpu.als")
        monkeypatch.setattr(module, "AlternatingLeastSquares", Model, raising=False)
        for name in ("implicit", "implicit.cpu"):
            monkeypatch.setitem(sys.modules, name, ModuleType(name))
        monkeypatch.setitem(sys.modules, module.__name__, module)
        section = batch.measured(small_settings(tmp_path))
        assert users == [list(range(8)), *range(8)] * 2  # once to warm up
        assert [row[0] for row in section.rows] == [ours.NAME, ours.COLD, batch.AT_ONCE, batch.SINGLY]
        assert all(figure > 0 for figure in section.figures.values())

    def test_name_implicit_if_it_is_not_installed(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setitem(sys.modules, "implicit.cpu.als", None)
        rows = batch.measured(small_settings(tmp_path)).rows
        assert [row[-1] for row in rows] == ["", "", "not installed", "not installed"]


class TestTheCommand:
    def test_runs_the_sections_that_are_asked_for_and_writes_figures(self, tmp_path: Path) -> None:
        file = tmp_path / "figures.json"
        sections = ("scaling", "growth", "everything", "process", "filters")
        sizes = ("--sizes", "300", "600", "--rivals-at", "600", "--rivals", *WITHOUT_PACKAGES)
        done = run("--only", *sections, *sizes, *SMALL, "--json", str(file))
        assert done.returncode == 0, done.stderr
        document = json.loads(file.read_text(encoding="utf-8"))
        assert tuple(document["sections"]) == sections
        assert "pure Python" in document["sections"]["scaling"]["figures"]["600"]["contestants"]
        assert "pure Python" not in document["sections"]["scaling"]["figures"]["300"]["contestants"]
        assert document["sections"]["scaling"]["rows"][-1][:2] == [
            "300 to 600",
            "QFZZ, nothing cached: between the scans grows, times",
        ]
        assert list(document["sections"]["growth"]["figures"]["QFZZ"]) == ["300", "600"]
        assert document["sections"]["process"]["figures"]["600"]["writer"]["imports"] > 0

    def test_names_a_rival_that_is_not_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "faiss", None)
        there, missing = rivals.installed(("faiss", "one_pass"))
        assert [rival.name for rival in there] == ["one-pass NumPy"]
        assert missing == ["faiss"]

    def test_puts_the_tables_between_the_markers_of_the_page_and_again(self, tmp_path: Path) -> None:
        page = tmp_path / report.PAGE
        page.write_text(f"before\n\n{report.BEGIN}\n\nold\n\n{report.END}\n\nafter\n", encoding="utf-8")
        section = {"title": "Filters", "pattern": "so it was", "head": ["", "ms"], "rows": [["a range", "1.0"]]}
        machine = {"python": "3.13", "machine": "x", "cores": 2}
        settings = {"listeners": 200, "calls": 800}
        for _ in range(2):
            report.written({"machine": machine, "settings": settings, "sections": {"filters": section}}, tmp_path)
        text = page.read_text(encoding="utf-8")
        assert text.count("| a range | 1.0 |") == 1
        assert text.startswith("before\n")
        assert text.endswith("after\n")
        assert "old" not in text

    def test_refuses_a_page_without_markers(self, tmp_path: Path) -> None:
        (tmp_path / report.PAGE).write_text("nothing\n", encoding="utf-8")
        with pytest.raises(ValueError, match=r"benchmarks\.md needs the lines"):
            report.written({}, tmp_path)

    def test_prints_columns_under_their_heads(self) -> None:
        section = Section("Title", "pattern", ("name", "ms"), [("a", "1.5"), ("longer", "10.5")], {})
        assert report.printed(section).splitlines()[-3:] == ["name    ms", "a        1.5", "longer  10.5"]
