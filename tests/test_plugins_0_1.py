"""Plugins that were written for 0.1 work, unchanged and without a warning."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from qfzz_core.formats.reading import Readers
from qfzz_core.formats.writing import chosen_writer, playlist_bytes
from support.cli_runs import install, isolated
from support.third_party import ONLY_RANKED, dj_with, ids, tracks, values

from qfzz import PersonalizedDJ
from qfzz_core import Config, hookspecs
from qfzz_core.contracts import Play
from qfzz_core.formats import ImportFileError, Playlist
from qfzz_core.formats.histories import Histories
from qfzz_core.formats.playlists import PlaylistReaders
from qfzz_core.importing.analysis import Analysis

HOME = Path(__file__).parent / "plugins_0_1"

CHECKSUMS = {
    "analysers.py": "cb65857a41f830bf",
    "columns.py": "c53efd0d2a0a5637",
    "command.py": "25163022186e9491",
    "factor_by_class.py": "6181167a5e715d7b",
    "factor_by_decorator.py": "18801b5aee2d96a2",
    "filters.py": "a81f29c6a5976ff1",
    "formats.py": "33fb6c1ba42ad23b",
    "genre_aliases.py": "f89dcced1a33df7d",
    "histories.py": "aa57aeb2dab51da3",
    "interaction_type.py": "c9f5661e734de3c6",
    "learner.py": "901feb2dfa495bce",
    "observer.py": "a3fb6901d0947be0",
    "options.py": "4a8f66de6538b9ff",
    "playlists.py": "fb735d27a338552a",
    "similarity.py": "614176cd4e73c6ac",
    "store.py": "308518e35ad783da",
    "strategy.py": "dcff53526865995d",
}


def written_for_0_1(name: str) -> Any:
    """One of the plugins, imported again."""
    spec = importlib.util.spec_from_file_location(f"{name}_0_1", HOME / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def dj_of(name: str, **config: Any) -> PersonalizedDJ:
    content = [{**each, "genre": "jazz" if n % 2 else "pop"} for n, each in enumerate(tracks())]
    return dj_with(written_for_0_1(name), content=content, strict=True, **config)


def factor_by_decorator() -> None:
    with dj_of("factor_by_decorator") as dj:
        assert values(dj, "shortness")["t0"] == 0.7
        assert values(dj, "asked_for", context={"genre": "jazz"}) == {f"t{n}": n % 2 for n in range(6)}
        assert next(part.reason for part in dj.explain("u", "t0").factors if part.name == "shortness") == "180 seconds"


def factor_by_class() -> None:
    with dj_of("factor_by_class", factors={"table": {"genre": "pop", "weight": 0.5}}) as dj:
        assert values(dj, "table") == {f"t{n}": 0.25 if n % 2 else 1.0 for n in range(6)}
        assert values(dj, "distance")["t3"] == 1 - (0.75 - 0.5) / 2
        assert values(dj, "columns")["t3"] == 0.75
        assert values(dj, "track")["t0"] == 0.02
        explanation = dj.explain("u", "t3", context={"silent": True})
        assert explanation.abstained == ("track",)
        assert "calm enough: 0.75" in [part.reason for part in explanation.factors]


def columns() -> None:
    extra = {"labels": ["live", "studio"], "is_live": True, "embedding": [0.5, 1.0]}
    content = [{**each, **extra} if each["track_id"] == "t3" else each for each in tracks()]
    with dj_with(written_for_0_1("columns"), content=content, strict=True) as dj:
        assert ids(dj, where={"labels": "studio", "live": True}) == ["t3"]
        assert len(ids(dj, where={"decade": "1960s", "id_length": (2, 2)})) == 6
        assert not any(dj.engine.unusable_values().values())


def filters() -> None:
    with dj_of("filters") as dj:
        assert sorted(ids(dj, where={"only_jazz": True})) == ["t1", "t3", "t5"]
        assert sorted(ids(dj, where={"short": True, "not_the_first": True, "anything": True})) == [
            f"t{n}" for n in range(1, 6)
        ]
        assert sorted(ids(dj, where={"even_rows": True})) == ["t0", "t2", "t4"]
        with pytest.raises(ValueError, match="where: only_jazz: give True, got False"):
            ids(dj, where={"only_jazz": False})


def strategy() -> None:
    for name, ranks in (("stepping", [1, 4, 2, 5]), ("backwards", [4, 3, 2, 1])):
        step = {"step": 3} if name == "stepping" else {}
        with dj_of("strategy", discovery={"strategy": name, **step}) as dj:
            assert [each.rank for each in dj.engine.recommend("u", limit=4)] == ranks
    with dj_of("strategy", discovery={"strategy": "shuffled"}) as dj:
        assert sorted(each.rank for each in dj.engine.recommend("u", ONLY_RANKED, limit=4)) == [1, 2, 3, 4]


def interaction_type() -> None:
    with dj_of("interaction_type") as dj:
        dj.record_feedback("u", "t1", "share")
        dj.record_feedback("u", "t3", "repeat")
        profile = dj.get_profile("u")
        assert profile is not None
        assert profile.genres == {"jazz": 0.25}
        assert "t3" not in ids(dj, where={"heard_within_plays": 1})


def similarity() -> None:
    with dj_of("similarity") as dj:
        liking = {"genres": {"Bossa_Nova": 0.4}, **ONLY_RANKED}
        found = dj.engine.recommend("u", liking, limit=1)[0]
        assert found.explanation.factors[0].value == 0.5


def observer() -> None:
    plugin = written_for_0_1("observer")
    with dj_with(plugin, strict=True) as dj:
        dj.recommend("u", ONLY_RANKED, limit=2)
        dj.record_feedback("u", "t1", "like", 1.0, event_id="e1")
    assert plugin.told == [("u", ["t0", "t1"]), ("u", "t1", "like", 1.0, 0.1), "e1"]


def learner() -> None:
    with dj_of("learner") as dj:
        dj.record_feedback("u", "t1", "play")
        dj.record_feedback("u", "t2", "like")
        assert dj.engine.learned("plays", "u", "Artist 1") == 1.0
        fresh = values(dj, "fresh")
        assert (fresh["t1"], fresh["t2"]) == (0.5, 1.0)


def command() -> None:
    with dj_of("command") as dj:
        assert list(dj.engine.commands()) == ["count-users"]


def options() -> None:
    with dj_of("options", plugins={"options_0_1": {"minutes": 3}}) as dj:
        assert values(dj, "length")["t0"] == 1.0
    with pytest.raises(ValueError, match="minutes must be above 0, got 0"):
        dj_of("options", plugins={"options_0_1": {"minutes": 0}})


def store() -> None:
    config = Config.from_dict({"strict": True, "store": {"url": "preset:mine", "title": "Two"}})
    with PersonalizedDJ(plugins=[written_for_0_1("store")], config=config) as dj:
        track = dj.get_track("mine")
        assert track is not None
        assert track["title"] == "Two"


def formats(folder: Path) -> None:
    path = folder / "list.titles"
    with dj_of("formats") as dj:
        engine = dj.engine
        readers = Readers.of(engine.registry, engine.faults.report)
        path.write_text("One\n\nThree\n")
        rows = list(readers.rows(path))
        assert [(row.line, row.values.get("title"), row.problem) for row in rows] == [
            (1, "One", None),
            (2, None, "there is no title"),
            (3, "Three", None),
        ]
        path.write_text("!\n")
        with pytest.raises(ImportFileError, match=r"list\.titles: line 1: there is an exclamation mark"):
            list(readers.rows(path))
        writer = chosen_writer(engine.registry, path)
        text = playlist_bytes(writer, Playlist("Mine", tracks(1)), engine.faults.report)
        assert text == b"# Mine\nt0\n"


def playlists(folder: Path) -> None:
    path = folder / "mine.numbers"
    with dj_of("playlists") as dj:
        readers = PlaylistReaders.of(dj.engine.registry, dj.engine.faults.report)
        path.write_text("1\n\n3\n")
        found = readers.read(path)
        assert (found.title, [(each.line, each.description.track_id, each.problem) for each in found.entries]) == (
            "mine",
            [(1, "t1", None), (2, None, "there is no number"), (3, "t3", None)],
        )
        path.write_text("!\n")
        with pytest.raises(ImportFileError, match=r"mine\.numbers: line 1: there is an exclamation mark"):
            readers.read(path)


def histories(folder: Path) -> None:
    path = folder / "my.diary"
    path.write_text("dear diary\n2026-11-01T10:00:00+00:00 So What\nnothing\n")
    with dj_of("histories") as dj:
        entries = Histories.of(dj.engine.registry, dj.engine.faults.report).entries(path)
        found = [(each.line, each.heard.title if isinstance(each, Play) else each.reason) for _, each in entries]
    assert found == [(2, "So What"), (3, "there is no title")]


def genre_aliases() -> None:
    with dj_of("genre_aliases") as dj:
        assert dj.engine.registry.genre_aliases.genre("Jass") == "jazz"


def analysers(folder: Path) -> None:
    (folder / "a.mp3").write_bytes(b"")
    with dj_of("analysers") as dj:
        dj.add_content([{**tracks(1)[0], "energy": None, "location": str(folder / "a.mp3")}])
        engine = dj.engine
        analysis = Analysis(engine.registry.analysers["names"], engine.store, engine.faults.report)
        analysis.run(analysis.lacking([{**tracks(1)[0], "energy": None, "location": str(folder / "a.mp3")}]))
        track = dj.get_track("t0")
        assert track is not None
        assert track["energy"] == 0.25


WORKING: list[Callable[..., None]] = [
    factor_by_decorator,
    factor_by_class,
    columns,
    filters,
    strategy,
    interaction_type,
    similarity,
    observer,
    learner,
    command,
    options,
    store,
    formats,
    playlists,
    histories,
    genre_aliases,
    analysers,
]
IN_A_FOLDER = (formats, playlists, histories, analysers)


@pytest.mark.parametrize("works", WORKING, ids=lambda works: works.__name__)
def test_a_plugin_that_was_written_for_0_1_works_as_it_did(works: Callable[..., None], tmp_path: Path) -> None:
    works(tmp_path) if works in IN_A_FOLDER else works()


def test_a_command_that_was_written_for_0_1_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli = isolated(tmp_path, monkeypatch)
    install(tmp_path / "site", monkeypatch, "command", (HOME / "command.py").read_text())
    cli.ok("recommend", "alice")
    assert cli.ok("count-users") == "1\n"


def test_there_is_a_test_for_each_plugin_and_a_plugin_for_each_hook() -> None:
    files = {path.stem: path.read_text() for path in HOME.glob("*.py")}
    assert {works.__name__ for works in WORKING} == set(files)
    hooks = [name for name in vars(hookspecs) if name.startswith("qfzz_")]
    assert [hook for hook in hooks if not any(f"def {hook}(" in text for text in files.values())] == []


def test_nobody_has_edited_them() -> None:
    assert {path.name: checksum(path) for path in sorted(HOME.glob("*.py"))} == CHECKSUMS


def checksum(path: Path) -> str:
    """What a file holds, whatever ends its lines, in sixteen digits."""
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()[:16]
