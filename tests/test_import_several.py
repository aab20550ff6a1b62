"""Several genres and artists of one row: lists, cells that hold a list, and cells that are split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.built_in import built_in_readers
from support.cli_runs import Cli, isolated, track

from qfzz_core.contracts.formats import Playlist
from qfzz_core.errors import InvalidInput
from qfzz_core.formats import Row
from qfzz_core.importing.job import Import
from qfzz_core.importing.mapping import Counts, FieldMapping
from qfzz_core.importing.presets import mapping_from_options
from qfzz_core.importing.several import SEPARATORS, Split, listed, looks_several, unique
from qfzz_core.model.names import normalise, normalise_genre
from qfzz_plugins.formats.csv_files import CsvWriter
from qfzz_plugins.formats.json_files import JsonFormat, JsonLinesFormat

law = settings(deadline=None, max_examples=80)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
names = texts.filter(lambda name: normalise_genre(name) and not set(name) & {*SEPARATORS, "[", "(", ")"})


def of(values: dict[str, Any], *splits: str, typed: bool = False) -> dict[str, Any]:
    return mapping_from_options(splits=splits).track(Row(1, track("t1", **values), typed=typed))


class TestLists:
    @law
    @given(st.lists(texts))
    def test_a_list_that_python_or_json_wrote_is_read(self, items: list[str]) -> None:
        for text in (repr(items), json.dumps(items), json.dumps(items, ensure_ascii=False), repr(items).upper()):
            assert listed(text) is not None
        assert listed(repr(items)) == listed(json.dumps(items)) == items

    @pytest.mark.parametrize(
        ("text", "items"),
        [
            ("['rock' 'pop']", ["rock", "pop"]),
            (" [ 'rock', \"R'n'B\", ] ", ["rock", "R'n'B"]),
            (r"['a\'b\x41\n\\']", ["a'bA\n\\"]),
            ("[]", []),
            ("[rock]", None),
            ("[1]", None),
            ("['rock'", None),
            ("['a' + 'b']", None),
            ("[" * 100_000, None),
            ("['a'," * 50_000, None),
            ("['" + " " * 100_000, None),
            ("rock", None),
        ],
    )
    def test_any_other_text_is_no_list(self, text: str, items: list[str] | None) -> None:
        assert listed(text) == items

    def test_a_list_of_json_is_several_names_without_being_asked(self) -> None:
        counts = Counts()
        found = FieldMapping().track(Row(1, track("t1", genre=["rock", "pop"], artist=["B"]), typed=True), counts)
        assert (found["genre"], found["genres"]) == ("rock", ["rock", "pop"])
        assert (found["artist"], "artists" in found) == ("B", False)
        assert counts.split == {"genre": 1}

    def test_the_first_of_several_is_the_one(self) -> None:
        row = {key: value for key, value in track("t1").items() if key not in ("genre", "artist")}
        more = {"genres": ["rock", "ROCK", "pop"], "artists": [{"name": "A", "id": 1}, {"name": "B"}]}
        found = FieldMapping().track(Row(1, {**row, **more}, typed=True))
        assert (found["genre"], found["genres"]) == ("rock", ["rock", "pop"])
        assert (found["artist"], found["artists"]) == ("A", ["A", "B"])

    @pytest.mark.parametrize("value", [[1], 7, {"a": 1}])
    def test_what_are_no_names_is_left_to_the_check_of_tracks(self, value: Any) -> None:
        assert of({"genre": value}, typed=True)["genre"] == value


class TestSplitting:
    @law
    @given(st.lists(names, min_size=1), st.sampled_from(SEPARATORS), st.sampled_from(["", " "]))
    def test_names_that_were_joined_come_apart(self, several: list[str], separator: str, blank: str) -> None:
        found = of({"genre": f"{blank}{separator}{blank}".join(several)}, "genre")
        expected = unique(several, normalise_genre)
        assert found["genre"] == expected[0]
        assert found.get("genres", [found["genre"]]) == expected

    @law
    @given(texts, st.sampled_from(["genre", "artist"]))
    def test_no_name_is_blank_or_there_twice(self, text: str, field: str) -> None:
        try:
            found = of({field: text}, field)
        except InvalidInput:
            assert field == "artist", "a genre may be unknown"
            return
        normal = normalise_genre if field == "genre" else normalise
        several = found.get(f"{field}s", [])
        assert len({normal(name) for name in several}) == len(several) != 1
        assert found[field] is None or [found[field]] == (several or [found[field]])[:1]

    @pytest.mark.parametrize(
        ("cell", "artists"),
        [
            ("Jay-Z feat. Alicia Keys", ["Jay-Z", "Alicia Keys"]),
            ("Jay-Z (feat. Alicia Keys)", ["Jay-Z", "Alicia Keys"]),
            ("Jay-Z [ft Alicia Keys]", ["Jay-Z", "Alicia Keys"]),
            ("Jay-Z Featuring Rihanna, Kanye West", ["Jay-Z", "Rihanna", "Kanye West"]),
            ("Jay-Z ft.Rihanna", ["Jay-Z", "Rihanna"]),
            ("Jay-Z; JAY-Z", ["Jay-Z"]),
            ("Little Feat", ["Little Feat"]),
            ("Little Feat & Friends", ["Little Feat & Friends"]),
            ("Simon & Garfunkel", ["Simon & Garfunkel"]),
            ("Prince (band)", ["Prince (band)"]),
            ("Lil Nas X", ["Lil Nas X"]),
            ("Daft Punk", ["Daft Punk"]),
            ("['Tyler, The Creator', 'AC/DC']", ["Tyler, The Creator", "AC/DC"]),
        ],
    )
    def test_artists_are_split_at_guests_too(self, cell: str, artists: list[str]) -> None:
        found = of({"artist": cell}, "artist")
        assert (found["artist"], found.get("artists", [found["artist"]])) == (artists[0], artists)

    def test_characters_that_are_named_are_the_only_ones(self) -> None:
        assert of({"genre": "a;b/c"}, "genre=;")["genres"] == ["a", "b/c"]
        assert of({"artist": "A; B feat. C"}, "artist=;")["artists"] == ["A", "B feat. C"]
        assert of({"genre": "a]b^c"}, "genre=]^")["genres"] == ["a", "b", "c"]

    def test_a_column_of_further_names_joins_those_of_the_first(self) -> None:
        found = of({"genre": "rock;pop", "genres": "Pop;indie"}, "genre")
        assert (found["genre"], found["genres"]) == ("rock", ["rock", "pop", "indie"])

    def test_a_cell_of_nothing_but_separators_is_unknown(self) -> None:
        assert of({"genre": " ; "}, "genre")["genre"] is None

    @pytest.mark.parametrize(
        ("split", "sentence"),
        [
            ("mood", '"mood": cannot split "mood"; known: genre, artist'),
            ("genre=", '"genre=" must be FIELD or FIELD=CHARACTERS'),
        ],
    )
    def test_an_option_that_makes_no_sense_is_named(self, split: str, sentence: str) -> None:
        with pytest.raises(InvalidInput) as caught:
            mapping_from_options(splits=[split])
        assert str(caught.value).startswith(sentence)

    def test_a_field_is_split_in_one_way(self) -> None:
        with pytest.raises(InvalidInput, match="what separates each genre is already given"):
            mapping_from_options(splits=["genre", "genre=;"])


class TestNotSplitting:
    def test_a_cell_is_one_name_and_those_that_look_like_several_are_noted(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        rows = [
            track("t1", genre="rock;pop"),
            track("t2", genre="a;b", artist="AC/DC"),
            track("t3", artist="A feat. B"),
        ]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        job = Import([path], FieldMapping(), built_in_readers())
        assert list(job) == rows
        assert job.summary.notes == [
            "2 genre cells look like several names: --split genre=';'",
            "1 artist cell looks like several names: --split artist",
        ]

    @pytest.mark.parametrize(
        ("field", "text", "separator"),
        [
            ("genre", "['a', 'b']", "["),
            ("genre", "['a']", "["),
            ("genre", "Rock & Roll", ""),
            ("artist", "Earth, Wind & Fire", ""),
            ("artist", "A|B", "|"),
        ],
    )
    def test_what_separates_names_is_what_no_name_holds(self, field: str, text: str, separator: str) -> None:
        assert looks_several(field, text) == separator


class TestRoundTrips:
    @law
    @given(
        st.lists(names, min_size=1, max_size=3, unique_by=normalise_genre),
        st.lists(names, min_size=1, max_size=3, unique_by=normalise),
        st.sets(st.sampled_from(["genre", "mood", "energy", "tempo", "duration"])),
        st.sampled_from(["csv", "json", "jsonl"]),
    )
    def test_what_is_written_comes_back_with_its_unknown_values_and_several_names(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        genres: list[str],
        artists: list[str],
        unknown: set[str],
        suffix: str,
    ) -> None:
        row = {**track("t1", artist=artists[-1].strip(), artists=artists), **dict.fromkeys(unknown)}
        if "genre" not in unknown:
            row = {**row, "genre": genres[0].strip(), "genres": genres}
        path = tmp_path_factory.getbasetemp() / f"round.{suffix}"
        writer = {"csv": CsvWriter(), "json": JsonFormat(), "jsonl": JsonLinesFormat()}[suffix]
        path.write_text("".join(writer.write(Playlist("a", [row]))), encoding="utf-8", newline="")
        assert list(Import([path], FieldMapping(), built_in_readers())) == [row]


def test_the_summary_counts_rows_that_were_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli: Cli = isolated(tmp_path, monkeypatch)
    row = {key: value for key, value in track("t1", genre="a;b").items() if key != "energy"}
    path = cli.write("a.jsonl", json.dumps(row))
    summary = cli.json("import", path, "--split", "genre=;")
    assert (summary["split"], summary["unknown"], summary["look_several"]) == ({"genre": 1}, {"energy": 1}, {})
    text = cli.ok("import", path)
    assert "        1  tracks of unknown energy" in text
    assert "        1  rows with several genres" in cli.ok("import", path, "--split", "genre")
    assert cli.json("import", path)["look_several"] == {"genre": 1}


def test_a_split_says_what_it_separates_by() -> None:
    assert Split(";").names("a;b,c") == ["a", "b,c"]
    assert Split("", pattern=r"\+").names("a+b;c") == ["a", "b;c"]
