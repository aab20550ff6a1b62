"""Names that mean one genre: they join at every import, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cli_runs import Cli, isolated, json_lines, track
from support.third_party import plugin

from qfzz_core import Engine
from qfzz_core.config import Config
from qfzz_core.model.genre_aliases import GenreAliases
from qfzz_core.model.names import normalise_genre
from qfzz_plugins.genre_aliases import OTHER_NAMES


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    return isolated(tmp_path, monkeypatch)


def genres(cli: Cli) -> list[str]:
    return [each["genre"] for _, each in cli.content()["tracks"]]


def test_an_import_reads_aliases_and_counts_them(cli: Cli) -> None:
    written = ["HipHop", "Hip_Hop", "R'n'B", "R\u2019n\u2019B", "Drum & Bass", "DnB", "polka"]
    path = cli.write("a.jsonl", json_lines(*(track(f"t{n}", genre=name) for n, name in enumerate(written))))
    assert cli.json("import", path)["aliases"] == 5
    assert genres(cli) == ["hip-hop", "Hip_Hop", "r&b", "r&b", "drum and bass", "drum and bass", "polka"]
    assert "5  genres that were written otherwise, read by an alias" in cli.ok("import", path)


def test_an_import_without_aliases_and_an_application_keep_what_is_written(cli: Cli) -> None:
    path = cli.write("a.jsonl", json_lines(track(genre="HipHop")))
    assert cli.json("import", "--no-aliases", path)["aliases"] == 0
    assert genres(cli) == ["HipHop"]
    with Engine(seed=1) as engine:
        engine.add_content([track(genre="HipHop")])
        assert (engine.get_track("t1") or {})["genre"] == "HipHop"


def test_the_configuration_adds_aliases_and_counts_before_all_others(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QFZZ_CONFIG", cli.write("qfzz.toml", '[genres.aliases]\nHipHop = "Rap"\nJass = "jazz"\n'))
    cli.ok("import", cli.write("a.jsonl", json_lines(track("a", genre="hiphop"), track("b", genre="JASS"))))
    assert genres(cli) == ["Rap", "jazz"]


def test_of_two_plugins_that_differ_neither_counts_and_a_built_in_one_stays() -> None:
    plugins = [
        plugin("a", qfzz_genre_aliases=lambda: {"x x": "one", "y": "two", "HipHop": "rap"}),
        plugin("b", qfzz_genre_aliases=lambda: {"X-X": "three", "y": "Two"}),
    ]
    for order in (plugins, plugins[::-1]):
        with Engine(plugins=order) as engine:
            aliases = engine.registry.genre_aliases
            assert [aliases.genre(name) for name in ("x_x", "HIPHOP")] == [None, "hip-hop"]
            assert normalise_genre(aliases.genre("y") or "") == "two"


def test_a_plugin_of_aliases_can_be_switched_off() -> None:
    with Engine(config=Config(disabled=frozenset({"genre-aliases"}))) as engine:
        assert engine.registry.genre_aliases.genre("hiphop") is None


def test_all_genres_of_a_track_are_read_each_once() -> None:
    found = {"genre": "HipHop", "genres": ["HipHop", "Hip Hop", "dnb", "polka"]}
    aliases = GenreAliases([{"HipHop": "Hip-Hop", "DnB": "drum and bass"}])
    assert aliases.apply(found) == 2
    assert found == {"genre": "Hip-Hop", "genres": ["Hip-Hop", "drum and bass", "polka"]}


def test_aliases_of_aliases_lead_on_and_circles_end() -> None:
    aliases = GenreAliases([{"a": "b", "b": "c", "x": "y", "y": "x", "same": "Same"}])
    assert [aliases.genre(name) for name in ("a", "b", "c", "same")] == ["c", "c", None, None]
    assert [aliases.genre(name) for name in ("x", "y")] == ["y", "x"]


@given(st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("abcdef")))
def test_aliases_end_whatever_leads_where(pairs: dict[str, str]) -> None:
    aliases = GenreAliases([pairs])
    assert all((aliases.genre(name) or name) in {*"abcdef"} for name in "abcdef")


def test_the_built_in_names_are_each_of_one_genre_and_need_their_line() -> None:
    names = [normalise_genre(name) for others in OTHER_NAMES.values() for name in others]
    assert len(names) == len(set(names))
    assert not {*names} & {normalise_genre(genre) for genre in OTHER_NAMES}
