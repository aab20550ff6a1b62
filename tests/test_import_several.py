"""Several genres and artists of one row: lists, cells that hold a list, and cells that are split."""

from __future__ import annotations

import json
from itertools import chain
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
from qfzz_core.importing.presets import mapping_from_options, presets_like
from qfzz_core.importing.several import SEPARATORS, Split, listed, looks_several, unique
from qfzz_core.importing.values import names_nothing, seconds
from qfzz_core.model.names import normalise, normalise_genre
from qfzz_plugins.formats.csv_files import CsvWriter
from qfzz_plugins.formats.json_files import JsonFormat, JsonLinesFormat

law = settings(deadline=None, max_examples=80)
any_text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
names = any_text.filter(lambda name: normalise_genre(name) and not set(name) & {*SEPARATORS, "[", "(", ")"})


def of(values: dict[str, Any], *splits: str, typed: bool = False) -> dict[str, Any]:
    return mapping_from_options(splits=splits).track(Row(1, track("t1", **values), typed=typed))


class TestLists:
    @law
    @given(st.lists(any_text))
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
    @given(any_text, st.sampled_from(["genre", "artist"]))
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
        # a genre called NULL is unknown in a table
        st.lists(names.filter(lambda n: not names_nothing(n)), min_size=1, max_size=3, unique_by=normalise_genre),
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


def joined(path: Path, rows: list[dict[str, Any]], *fields: str) -> tuple[list[dict[str, Any]], Import]:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    job = Import([path], mapping_from_options(joins=fields), built_in_readers())
    return list(job), job


class TestJoining:
    @law
    @given(
        st.lists(st.tuples(st.sampled_from("abc"), st.lists(st.sampled_from(["pop", "Pop", "rock", "folk"])))),
        st.booleans(),
    )
    def test_a_track_has_the_genres_of_all_its_rows_in_their_order(
        self, tmp_path_factory: pytest.TempPathFactory, given_rows: list[tuple[str, list[str]]], joins: bool
    ) -> None:
        rows = [track(id_, genre=genres or None) for id_, genres in given_rows]
        found, job = joined(tmp_path_factory.getbasetemp() / "a.jsonl", rows, *["genre"] * joins)
        assert [each["track_id"] for each in found] == [*dict.fromkeys(id_ for id_, _ in given_rows)]
        for each in found:
            of_rows = [genres for id_, genres in given_rows if id_ == each["track_id"]]
            expected = unique(chain.from_iterable(of_rows if joins else of_rows[:1]), normalise_genre)
            assert each["genre"] == (expected or [None])[0]
            assert each.get("genres", expected[:1]) == expected
        summary = job.summary
        assert summary.rows == summary.tracks + summary.joined + summary.repeated
        assert joins or not summary.joined

    def test_a_row_of_another_title_or_artist_is_no_row_of_the_track(self, tmp_path: Path) -> None:
        rows = [track("t1"), track("t1", genre="pop", title="Other"), track("t1", genre="folk", artist="Other")]
        found, job = joined(tmp_path / "a.jsonl", rows, "genre")
        assert (found, job.summary.repeated, job.summary.joined) == ([track("t1")], 2, 0)

    def test_artists_join_too(self, tmp_path: Path) -> None:
        rows = [track("t1"), track("t2"), track("t1", artist="Bob", genre="pop"), track("t1", artist="ADA")]
        found, job = joined(tmp_path / "a.jsonl", rows, "artist")
        assert found == [track("t1", artists=["Ada", "Bob"]), track("t2")]
        assert (job.summary.joined, job.summary.repeated) == (1, 1)

    def test_order_and_counts_hold_over_files_that_join_and_files_that_do_not(self, tmp_path: Path) -> None:
        header = "track_id,artists,album_name,track_name,duration_ms,energy,valence,tempo,track_genre\n"
        pairs = [("x", "pop"), ("y", "pop"), ("y", "folk")]
        songs = [f"{id_},A,B,{id_},1000,0.5,0.5,90,{genre}\n" for id_, genre in pairs]
        plain, features = tmp_path / "a.jsonl", tmp_path / "b.csv"
        plain.write_text(json.dumps(track("x")) + "\n")
        features.write_text(header + "".join(songs))
        last = tmp_path / "c.jsonl"
        last.write_text(json.dumps(track("z")) + "\n" + json.dumps(track("y")) + "\n")
        job = Import([plain, features, last], FieldMapping(), built_in_readers())
        job.presets = presets_like(job.mapping)
        assert [(each["track_id"], each.get("genres")) for each in job] == [
            ("x", None),
            ("y", ["pop", "folk"]),
            ("z", None),
        ]
        summary = job.summary
        assert (summary.rows, summary.tracks, summary.joined, summary.repeated) == (6, 3, 1, 2)

    def test_a_later_row_says_an_unknown_genre(self, tmp_path: Path) -> None:
        found, job = joined(tmp_path / "a.jsonl", [track("t1", genre=None), track("t1", genre="pop")], "genre")
        assert (found, job.summary.joined, job.summary.unknown) == ([track("t1", genre="pop")], 1, {})

    def test_tracks_that_wait_go_through_a_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("qfzz_core.importing.spool._IN_MEMORY", 1_000)
        rows = [track(f"t{number}", energy=None, extra={"a": [1, None]}) for number in range(100)]
        assert joined(tmp_path / "a.jsonl", rows + rows, "genre")[0] == rows


@pytest.mark.parametrize(
    "text", ["[" + "'a' " * 300_000, " " * 300_000 + "x", " feat. " + " " * 300_000 + "&", "(feat." * 300_000]
)
def test_a_long_cell_takes_no_longer_than_reading_it(text: str) -> None:
    assert listed(text) is None
    assert looks_several("artist", text) in ("", " ", "(")
    assert Split(featuring=True).names(text)
    assert seconds(text) == text
