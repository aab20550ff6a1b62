"""Tables as the world writes them: every delimiter, encoding and spelling of a header gives the same tracks."""

from __future__ import annotations

import csv
import gzip
import io
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.built_in import built_in_readers
from support.cli_runs import Cli, isolated, track
from support.third_party import plugin

import qfzz_core.importing.job
from qfzz_core import Engine
from qfzz_core.contracts import Column, Header
from qfzz_core.errors import InvalidInput
from qfzz_core.formats import ImportFileError, Row, TrackFile
from qfzz_core.formats.encodings import check_encoding
from qfzz_core.formats.files import Readers
from qfzz_core.importing.column_types import DECLARED, ColumnTypes, declared_kinds, is_usable
from qfzz_core.importing.headers import loose
from qfzz_core.importing.job import BadRow, Import
from qfzz_core.importing.mapping import FieldMapping, made_id
from qfzz_core.importing.presets import PRESETS, mapping_from_options, presets_like
from qfzz_core.importing.values import seconds, with_point
from qfzz_core.model.names import normalise
from qfzz_core.testing import engine_with

CASES = Path(__file__).resolve().parents[2] / "shared" / "cases" / "tables"

law = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)


def table(*rows: Sequence[Any], delimiter: str = ",") -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


def tracks_table(*tracks: Mapping[str, Any], delimiter: str = ",", spell: Callable[[str], str] = str) -> str:
    return table([spell(key) for key in tracks[0]], *(each.values() for each in tracks), delimiter=delimiter)


def job_of(path: Path, content: str | bytes, mapping: FieldMapping | None = None, **readers: Any) -> Import:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    job = Import([path], mapping or FieldMapping(), attrs.evolve(built_in_readers(), **readers))
    job.presets = presets_like(job.mapping)
    return job


def imported(path: Path, content: str | bytes, mapping: FieldMapping | None = None, **readers: Any) -> list[Any]:
    return list(job_of(path, content, mapping, **readers))


def refused(path: Path, content: str | bytes, mapping: FieldMapping | None = None, **readers: Any) -> str:
    """Return why nothing of a file can be imported, or why its one row is bad."""
    bad: list[BadRow] = []
    job = job_of(path, content, mapping, **readers)
    job.on_bad_row = bad.append
    try:
        assert list(job) == []
    except ImportFileError as error:
        return str(error).removeprefix(f"{path}: ")
    return bad[0].reason


def extras(path: Path, *values: str, **settings: Any) -> list[Any]:
    """Return what the cells of an extra column become."""
    rows = [track(f"t{number}", x=value) for number, value in enumerate(values)]
    return [each.get("x") for each in imported(path, tracks_table(*rows), **settings)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.csv"


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    return isolated(tmp_path, monkeypatch)


words = st.text(st.characters(codec="cp1252", exclude_categories=["Cc"]), min_size=1, max_size=8).filter(str.strip)
catalogues = st.lists(
    st.builds(
        lambda title, artist, energy, duration, year: track(
            title=title, artist=artist, energy=energy, duration=duration, year=year, note=f"n{title}"
        ),
        *(words, words, st.floats(0, 1), st.integers(0, 9_999), st.integers(0, 2_100)),
    ),
    min_size=1,
    max_size=5,
).map(lambda made: [{**each, "track_id": f"t{number}"} for number, each in enumerate(made)])
spellings: list[Callable[[str], str]] = [
    str,
    str.upper,
    lambda name: name.replace("_", " ").title() if "_" in name or name == "title" else name,
    lambda name: name.replace("_", "-"),
]


class TestReading:
    @law
    @given(
        catalogues,
        st.sampled_from(",;\t|"),
        st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"]),
        st.sampled_from(spellings),
    )
    def test_however_a_table_is_written_it_reads_back_the_same(
        self,
        folder: Path,
        content: list[dict[str, Any]],
        delimiter: str,
        encoding: str,
        spell: Callable[[str], str],
    ) -> None:
        text = tracks_table(*content, delimiter=delimiter, spell=spell)
        data = text.encode(encoding)
        if encoding == "utf-16-be":
            data = b"\xfe\xff" + data
        asked = "cp1252" if encoding == "cp1252" else None
        found = imported(folder / "a.csv", data, encoding=asked)
        assert [{key.lower(): value for key, value in each.items()} for each in found] == content
        assert imported(folder / "a.tsv.gz", gzip.compress(data), encoding=asked) == found

    @pytest.mark.parametrize(
        ("text", "delimiter"),
        [
            ("a;b\n1,5;2,5\n", ";"),
            ("a,b\nx;y,z\n", ","),
            ("a\tb, c\n1\t2\n", "\t"),
            ("'a|b'|c\n1|2|3\n", "|"),
            ('"a;b;c",d\n"1;2;3",4\n', ","),
            ("a;b;\n1;2\n", ";"),
            ("a\n1,2\n", ","),
            ("a, b;c;d\n1;2;3\n", ";"),
            ("a;b\n\n1;2\n", ";"),
        ],
    )
    def test_the_delimiter_is_found_outside_of_quotes(self, path: Path, text: str, delimiter: str) -> None:
        path.write_text(text)
        header = next(iter(built_in_readers().rows(path))).header
        assert header is not None
        fields = next(csv.reader(io.StringIO(text), delimiter=delimiter))
        assert list(header.columns) == [field for field in fields if field]

    @pytest.mark.parametrize("said", ["sep=;", '"sep=;"', "SEP=;"])
    def test_a_line_that_names_the_delimiter_is_no_header(self, path: Path, said: str) -> None:
        content = tracks_table(track("t1"), delimiter=";")
        assert imported(path, f"{said}\r\n{content}x\n") == [track("t1")]
        assert refused(path, f"{said}\nx;track_id\n1\n") == "has 1 field where the header has 2"
        bad: list[BadRow] = []
        job = job_of(path, f"{said}\n{content}x\n")
        job.on_bad_row = bad.append
        list(job)
        assert [each.line for each in bad] == [4]

    def test_what_the_user_says_goes_before_what_is_found(self, path: Path) -> None:
        content = tracks_table(track("t1", title="a;b;c"), delimiter="~")
        assert imported(path, content, delimiter="~") == [track("t1", title="a;b;c")]

    @pytest.mark.parametrize(
        ("text", "values"),
        [
            ("a,b,\n1,2,\n", {"a": "1", "b": "2"}),
            ("a,b,\n1,2\n", {"a": "1", "b": "2"}),
            ("a,b\n1,2,\n", {"a": "1", "b": "2"}),
            ("a,b\n1,2, ,,\n", {"a": "1", "b": "2"}),
            (",a\n0,1\n", {"a": "1"}),
            ("a,b,a\n1,2,3\n", {"b": "2"}),
            ("a,b\n1,2,3\n", None),
            ("a,b\n1\n", None),
            ("a,,b\n1,2\n", None),
        ],
    )
    def test_empty_fields_at_the_end_of_a_row_do_no_harm(
        self, path: Path, text: str, values: dict[str, str] | None
    ) -> None:
        path.write_text(text)
        [row] = built_in_readers().rows(path)
        assert (row.values or None) == values
        assert bool(row.problem) == (values is None)

    def test_a_field_is_as_long_as_a_line_may_be(self, path: Path) -> None:
        before = csv.field_size_limit(1_000)
        try:
            [found] = imported(path, tracks_table(track("t1", note="x" * 3_000_000)))
        finally:
            csv.field_size_limit(before)
        assert len(found["note"]) == 3_000_000

    @pytest.mark.parametrize(
        ("data", "encoding", "sentence"),
        [
            (b"a\nG\xf6tt\n", None, "line 2: not UTF-8 text: byte 0xf6 at character 2; with --encoding cp1252 it"),
            (b"a\n\x8d\n", None, "line 2: not UTF-8 text: byte 0x8d at character 1; name the encoding with --encoding"),
            (b"a\nG\xf6tt\n", "ascii", "line 2: not ASCII text: byte 0xf6 at character 2; name the encoding"),
            (
                b"a\0,\0b\0\n\0",
                None,
                "line 1: the header holds NUL characters; if this is UTF-16, add --encoding utf-16",
            ),
            (b"\xff\xfea\0\n\0\0\xd8a\0\n\0", None, "line 2: not UTF-16 text: byte 0x00 at character 1; name the"),
        ],
    )
    def test_bytes_that_are_no_text_name_line_byte_and_option(
        self, path: Path, data: bytes, encoding: str | None, sentence: str
    ) -> None:
        assert refused(path, data, encoding=encoding).startswith(sentence)

    @pytest.mark.parametrize("name", ["klingon", "rot13", "base64", "undefined", "a\0b", ""])
    def test_an_encoding_that_there_is_not_is_a_sentence(self, name: str) -> None:
        with pytest.raises(ImportFileError, match="there are utf-8, utf-16, cp1252"):
            check_encoding(name)

    def test_encodings_of_text_are_known(self) -> None:
        for name in ("utf-8", "utf-16", "UTF_32", "cp1252", "shift_jis", "gb18030"):
            check_encoding(name)

    def test_a_byte_order_mark_goes_before_what_the_user_says(self, path: Path) -> None:
        content = tracks_table(track("t1", title="Göttingen")).encode("utf-16")
        assert imported(path, content, encoding="cp1252") == [track("t1", title="Göttingen")]

    @pytest.mark.parametrize("name", ["utf-16", "UTF_32"])
    def test_an_encoding_that_needs_a_mark_is_read_without_one(self, path: Path, name: str) -> None:
        content = tracks_table(track("t1")).encode(name + "-le")
        assert imported(path, content, encoding=name) == [track("t1")]

    def test_a_header_that_a_reader_does_not_keep_is_a_fault(self, tmp_path: Path) -> None:
        header = Header(("a", "b"))

        @attrs.frozen
        class Broken:
            values: Any
            name: str = "mine"
            suffixes: tuple[str, ...] = (".mine",)

            def read(self, file: TrackFile) -> list[Row]:
                return [Row(1, self.values, header=header)]

        (tmp_path / "a.mine").write_text("")
        for values in ({"a": "1"}, {"b": "1", "a": "2"}, {"a": "1", "b": 2}):
            mine = plugin("mine", qfzz_readers=lambda values=values: [Broken(values)])
            with engine_with(mine, config={"strict": False}) as engine:
                readers = Readers.of(engine.registry, engine.faults.report, encoding="utf-8")
                with pytest.warns(UserWarning, match="mine"), pytest.raises(ImportFileError, match="by the columns of"):
                    list(readers.rows(tmp_path / "a.mine"))


class TestHeaders:
    @pytest.mark.parametrize("name", ["Track ID", "track-id", "TRACK_ID", " track  id ", "Track_Id"])
    def test_case_spaces_underscores_and_hyphens_do_not_matter(self, path: Path, name: str) -> None:
        content = tracks_table(track("t1"), spell=lambda each: name if each == "track_id" else each)
        assert imported(path, content) == [track("t1")]
        assert loose(name) == "track_id"

    def test_an_exact_name_goes_before_others_and_those_are_extras(self, path: Path) -> None:
        assert imported(path, tracks_table(track("t1", Title="other"))) == [track("t1", Title="other")]

    def test_the_column_of_an_option_is_found_however_it_is_spelled(self, path: Path) -> None:
        content = tracks_table(track("t1"), spell=lambda each: "Track Name" if each == "title" else each)
        assert imported(path, content, mapping_from_options(pairs=["title=track_name"])) == [track("t1")]

    def test_a_stand_in_takes_over_the_column_of_its_field_however_it_is_spelled(self, path: Path) -> None:
        content = tracks_table(track("t1", duration=225_400), spell=str.title)
        [found] = imported(path, content, mapping_from_options(pairs=["duration_ms=Duration"]))
        assert found["duration"] == 225

    def test_two_columns_that_could_be_one_field_are_refused(self, path: Path) -> None:
        content = tracks_table({**track("t1"), "TITLE": "b"}, spell=lambda each: "Title" if each == "title" else each)
        sentence = 'the columns "Title" and "TITLE" could each be title: choose with --map title=COLUMN'
        assert refused(path, content) == sentence
        assert imported(path, content, mapping_from_options(pairs=["title=TITLE"]))[0]["title"] == "b"
        json = '[{"Title": "a", "TITLE": "b"}]'
        assert refused(path.with_suffix(".json"), json) == sentence

    @pytest.mark.parametrize("twin", ["title", "Title"])
    def test_a_column_that_is_there_twice_is_ignored_unless_a_field_needs_it(self, path: Path, twin: str) -> None:
        row = track("t1")
        content = table([*row, "x", "x", "", ""], [*row.values(), "1", "2", "3", "4"])
        job = job_of(path, content)
        assert list(job) == [row]
        assert job.summary.ignored_columns == 3
        assert job.summary.notes == [
            f"{path}: columns 11, 12 of the header have no name and are ignored",
            f'{path}: the column "x" is there more than once and is ignored',
        ]
        names = [twin if name == "title" else name for name in row]
        assert refused(path, table([*names, twin], [*row.values(), "b"])) == (
            f'the header names the column "{twin}" twice, and title is taken from it: '
            "rename one of them, or choose another column with --map title=COLUMN"
        )

    def test_notes_stay_short_for_many_ignored_columns(self, path: Path) -> None:
        row = track("t1")
        job = job_of(path, table([*row, *[""] * 9], [*row.values(), *[""] * 9]))
        list(job)
        [note] = job.summary.notes
        assert note.endswith("columns 9, 10, 11, 12, 13 and others of the header have no name and are ignored")

    @pytest.mark.parametrize(
        ("column", "key"),
        [
            ("MUSICBRAINZ_TRACKID", "recording_mbid"),
            ("MusicBrainz Track Id", "recording_mbid"),
            ("mb_albumid", "release_mbid"),
            ("mb_albumartistid", "musicbrainz_albumartistid"),
            ("MusicBrainz Release Group Id", "musicbrainz_releasegroupid"),
        ],
    )
    def test_columns_of_musicbrainz_have_one_name(self, path: Path, column: str, key: str) -> None:
        assert imported(path, tracks_table(track("t1", **{column: "u-1"}))) == [track("t1", **{key: "u-1"})]
        if column != "mb_albumartistid":
            return
        both = track("t1", **{column: "u-1", key: "u-2"})
        assert imported(path, tracks_table(both)) == [both]

    def test_a_key_that_is_no_text_is_refused_by_the_check_of_tracks(self) -> None:
        assert FieldMapping().track(Row(1, {**track("t1"), 7: 1}, typed=True))[7] == 1  # type: ignore[index, dict-item]

    def test_many_key_sets_do_not_pile_up(self) -> None:
        mapping = FieldMapping()
        for number in range(500):
            mapping.track(Row(1, track("t1", **{f"k{number}": 1}), typed=True))
        assert len(mapping._bindings) <= 64


class TestPresets:
    def test_a_preset_is_chosen_by_an_unmistakable_header(self, path: Path) -> None:
        names = [*PRESETS["spotify-features"].columns.values(), "popularity", "explicit"]
        job = job_of(path, table(names, ["t1", "A", "B", "C", "rock", "0.5", "0.6", "128", "1000", "7", "True"]))
        [found] = job
        assert (found["title"], found["tempo"], found["popularity"], found["explicit"]) == ("A", "medium", 7, True)
        assert job.summary.notes == [f"{path}: read by the preset spotify-features, which its header shows"]

    def test_a_header_that_names_the_fields_needs_no_preset(self, path: Path) -> None:
        row = {**dict.fromkeys(PRESETS["spotify"].columns.values(), "0.5"), **track("t1")}
        job = job_of(path, tracks_table(row))
        [found] = job
        assert (found["title"], found["track_name"], job.summary.notes) == ("Title t1", 0.5, [])

    def test_exportify_splits_artists_as_it_joins_them(self, path: Path) -> None:
        for header, cell, artists in (
            ("Track Duration (ms)", r"Tyler\, The Creator, Frank Ocean", ["Tyler, The Creator", "Frank Ocean"]),
            ("Duration (ms)", "Tyler, The Creator,Frank Ocean", ["Tyler, The Creator", "Frank Ocean"]),
            ("Duration (ms)", "KAROL G;Nicki Minaj", ["KAROL G", "Nicki Minaj"]),
        ):
            names = ["Track URI", "Track Name", "Artist Name(s)", header, "Release Date"]
            [found] = imported(path, table(names, ["spotify:track:7x", "A", cell, "225400", "1959-08"]))
            assert (found["track_id"], found["artists"], found["duration"]) == ("7x", artists, 225)

    @pytest.mark.parametrize(
        ("preset", "cells", "wanted"),
        [
            (
                "spotify-tracks",
                {
                    "id": "7x",
                    "name": "A",
                    "artists": "['B', 'C']",
                    "tempo": "90",
                    "release_date": "1959-08",
                    "key": "3",
                },
                {"track_id": "7x", "title": "A", "artist": "B", "artists": ["B", "C"], "tempo": "slow", "year": 1959},
            ),
            (
                "spotify-features",
                {"track_id": "7x", "track_name": "A", "artist_name": "B", "genre": "Movie", "tempo": "90", "key": "C#"},
                {"title": "A", "artist": "B", "genre": "Movie", "tempo": "slow", "key": "C#"},
            ),
        ],
    )
    def test_relatives_of_the_features_sets_are_known(
        self, path: Path, preset: str, cells: dict[str, str], wanted: dict[str, Any]
    ) -> None:
        job = job_of(path, tracks_table({**cells, "energy": "0.5", "valence": "0.5", "duration_ms": "1000"}))
        [found] = job
        assert job.summary.notes == [f"{path}: read by the preset {preset}, which its header shows"]
        assert {key: found[key] for key in wanted} == wanted

    def test_a_music_library_as_text_is_known(self, path: Path) -> None:
        row = {"Name": "A", "Artist": "B", "Genre": "", "Time": "225", "Track Number": "3", "Year": "1959", "BPM": "90"}
        [found] = imported(path, tracks_table({**row, "Bit Rate": "320", "Size": "1"}, delimiter="\t"))
        wanted = {"title": "A", "duration": 225, "track_number": 3, "year": 1959, "tempo": "slow", "bit_rate": 320}
        assert {**found, **wanted, "genre": None} == found

    def test_a_list_of_tagged_files_is_known_by_its_identifiers(self, path: Path) -> None:
        one, other = "b10bbbfc-cf9e-42e0-be17-e2c3e1d2600d", "65f4f0c5-ef9e-490c-aee3-909e7ae6b2ab"
        row = {"Title": "A", "Artist": "B", "Track": "03/12", "Date": "1959-08-17", "Length": "3:45", "ISRC": "US1"}
        tags = {"MusicBrainz Track Id": one, "MUSICBRAINZ_ALBUMID": other, "mb_artistid": f"{one}; {other}"}
        job = job_of(path, tracks_table({**row, **tags}))
        [found] = job
        assert job.summary.notes[0] == f"{path}: read by the preset musicbrainz, which its header shows"
        wanted = {"year": 1959, "track_number": 3, "duration": 225, "isrc": "US1", "recording_mbid": one}
        more = {"release_mbid": other, "artist_mbids": [one, other], "Date": "1959-08-17", "energy": None}
        assert {key: found[key] for key in (*wanted, *more)} == {**wanted, **more}

    def test_a_date_of_which_no_year_can_be_read_gives_none(self, path: Path) -> None:
        rows = [track("t1", release_date="17 Aug"), track("t2", release_date="1959-08")]
        assert [each.get("year") for each in imported(path, tracks_table(*rows))] == [None, 1959]
        assert imported(path, tracks_table(track("t1", year="late")))[0]["year"] == "late"

    def test_options_hold_for_presets_too(self) -> None:
        mapping = mapping_from_options(scales=["energy=100"], defaults=["mood=calm"], slow_below=50, fast_from=60)
        for preset in presets_like(mapping).values():
            assert (preset.scales, preset.defaults, preset.fast_from) == ({"energy": 100}, {"mood": "calm"}, 60)


class TestValues:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("3:45", 225),
            ("1:02:03", 3723),
            (" 0:03:45 ", 225),
            ("90:00", 5400),
            ("3:45.5", 226),
            ("225.4", 225),
            ("225.5", 226),
            ("480", 480),
            ("3:75", "3:75"),
            ("1:75:00", "1:75:00"),
            (":45", ":45"),
            ("inf", "inf"),
            ("-1:00", "-1:00"),
            ("long", "long"),
            ("3m45s", 225),
            ("PT1H3M45.5S", 3826),
            ("3 min", 180),
            ("45 sec", 45),
            ("PT", "PT"),
            ("", ""),
        ],
    )
    def test_durations_are_times_or_seconds(self, text: str, value: object) -> None:
        assert seconds(text) == value

    @pytest.mark.parametrize("column", ["duration_ms", "Duration (ms)", "DURATION-MS"])
    def test_milliseconds_are_those_of_a_column_that_says_so(self, path: Path, column: str) -> None:
        row = {key: value for key, value in track("t1").items() if key != "duration"}
        assert imported(path, tracks_table({**row, column: 225_400})) == [track("t1", duration=225)]

    @pytest.mark.parametrize(("cell", "tempo"), [("Medium", "medium"), (" FAST ", "fast"), ("128.3", "medium")])
    def test_a_tempo_is_a_word_in_any_case_or_beats_per_minute(self, path: Path, cell: str, tempo: str) -> None:
        [found] = imported(path, tracks_table(track("t1", tempo=cell)))
        assert (found["tempo"], found.get("bpm")) == (tempo, 128.3 if cell == "128.3" else None)

    @pytest.mark.parametrize("value", ["presto", [1], True])
    def test_any_other_tempo_is_refused(self, value: Any) -> None:
        found = FieldMapping().track(Row(1, track("t1", tempo=value), typed=True))
        assert found["tempo"] is value or found["tempo"] == value

    def test_beats_per_minute_of_a_tempo_may_be_typed(self) -> None:
        found = FieldMapping().track(Row(1, track("t1", tempo=90), typed=True))
        assert (found["tempo"], found["bpm"]) == ("slow", 90)

    @pytest.mark.parametrize(
        ("text", "made"), [("0,53", "0.53"), ("-1,5e3", "-1.5e3"), ("1,2,3", "1,2,3"), ("a,b", "a,b")]
    )
    def test_a_decimal_comma_is_one_between_digits(self, text: str, made: str) -> None:
        assert with_point(text) == made

    def test_decimal_commas_are_numbers_where_commas_separate_nothing(self, path: Path) -> None:
        row = track("t1", energy="0,53", title="1,5", note="1,5", duration="225,4", bpm="128,5")
        [found] = imported(path, tracks_table(row, delimiter=";"))
        assert found == {**row, "energy": 0.53, "duration": 225, "bpm": 128.5}
        assert refused(path, tracks_table(row)).startswith('energy must be a number from 0.0 to 1.0, got "0,53"')

    def test_a_scale_divides_numbers_and_nothing_else(self, path: Path) -> None:
        mapping = mapping_from_options(scales=["energy=100", "x=10", "y=10"])
        content = tracks_table(track("t1", energy=53, x=5, y="a"), track("t2", energy=1, x=7, y="b"))
        assert [(each["energy"], each["x"], each["y"]) for each in imported(path, content, mapping)] == [
            (0.53, 0.5, "a"),
            (0.01, 0.7, "b"),
        ]
        assert mapping.track(Row(1, track("t1", x=True), typed=True))["x"] is True

    def test_nan_in_a_column_of_numbers_is_no_value(self, path: Path) -> None:
        rows = [track("t1", loudness="NaN", bpm="nan", plays="3"), track("t2", loudness=-7.5, bpm=90, plays="nan")]
        first, second = imported(path, tracks_table(*rows))
        assert first == track("t1", plays=3)
        assert second == track("t2", loudness=-7.5, bpm=90)

    def test_an_integer_id_is_text(self) -> None:
        found = FieldMapping().track(Row(1, {**track(), "track_id": 17}, typed=True))
        assert found["track_id"] == "17"

    def test_a_default_is_for_rows_that_have_no_value_and_is_counted(self, path: Path) -> None:
        mapping = mapping_from_options(defaults=["mood=calm", "tempo=FAST", "duration=3:00", "energy=0.25"])
        rows = [{**track("t1"), "mood": "", "energy": ""}, track("t2", mood="dark")]
        content = tracks_table(*({key: row[key] for key in row if key not in ("tempo", "duration")} for row in rows))
        job = job_of(path, content, mapping)
        assert [(each["mood"], each["energy"], each["tempo"], each["duration"]) for each in job] == [
            ("calm", 0.25, "fast", 180),
            ("dark", 0.5, "fast", 180),
        ]
        assert job.summary.counts.defaults == {"mood": 1, "energy": 1, "tempo": 2, "duration": 2}

    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            ({"defaults": ["energy=2"]}, "the default of energy must be a number from 0.0 to 1.0, got 2.0"),
            ({"defaults": ["tempo=presto"]}, "as a default, tempo must be one of slow, medium, fast"),
            ({"defaults": ["duration=long"]}, "as a default, duration must be a whole number"),
            ({"defaults": ["track_id=x"]}, '"track_id=x": unknown field "track_id"'),
            ({"defaults": ["mood"]}, '"mood" must be FIELD=VALUE, such as mood=calm'),
            ({"scales": ["energy"]}, '"energy" must be FIELD=NUMBER, such as energy=100'),
            ({"scales": ["energy=0"]}, 'the scale of energy must be a number above 0, got "0"'),
            ({"scales": ["energy=x"]}, 'the scale of energy must be a number above 0, got "x"'),
        ],
    )
    def test_an_option_that_makes_no_sense_is_named(self, options: dict[str, list[str]], sentence: str) -> None:
        with pytest.raises(InvalidInput) as caught:
            mapping_from_options(**options)
        assert sentence in str(caught.value)

    @pytest.mark.parametrize("nothing", ["N/A", "null", "NA", "\\N", "NaN", ""])
    def test_what_programs_write_for_no_value_is_unknown(self, path: Path, nothing: str) -> None:
        row = {**track("t1"), **dict.fromkeys(("genre", "mood", "energy", "tempo", "duration"), nothing)}
        [found] = imported(path, tracks_table(row))
        assert found == {**row, **dict.fromkeys(("genre", "mood", "energy", "tempo", "duration"))}
        assert imported(path, tracks_table(track("t1", genre="-", title="NA"))) == [track("t1", genre="-", title="NA")]

    @pytest.mark.parametrize(("field", "value"), [("energy", "?"), ("duration", "long"), ("tempo", "presto")])
    def test_a_value_that_is_there_and_is_none_makes_a_bad_row(self, path: Path, field: str, value: str) -> None:
        assert refused(path, tracks_table(track("t1", **{field: value}))).startswith(f"{field} must be")


class TestMadeIds:
    def test_an_id_is_the_same_in_every_file(self, path: Path) -> None:
        rows = [{"title": "A", "artist": "B"}, {"title": "C", "artist": "B"}, {"title": "a ", "artist": "b"}]
        full = [{**{key: value for key, value in track().items() if key != "track_id"}, **row} for row in rows]
        job = job_of(path, tracks_table(*full))
        first, second = job
        assert first["track_id"] == made_id("B", "A") == "made-397c5716bfd1b6d60c89561958a0a977"
        assert (second["track_id"], job.summary.repeated) == (made_id("B", "C"), 1)
        assert job.summary.notes == [f"{path}: 3 ids were made from artist and title"]
        assert imported(path.with_suffix(".tsv"), tracks_table(*full[::-1], delimiter="\t"))[-1]["track_id"] == made_id(
            "B", "C"
        )

    def test_artist_and_title_do_not_run_into_each_other(self) -> None:
        assert made_id("ab", "c") != made_id("a", "bc")

    def test_an_empty_cell_of_an_id_column_is_no_reason_to_make_one(self, path: Path) -> None:
        assert refused(path, tracks_table(track(""))) == 'track_id is missing ("")'

    def test_nothing_is_made_of_half_a_name(self, path: Path) -> None:
        row = {key: value for key, value in track().items() if key not in ("track_id", "artist")}
        assert refused(path, tracks_table(row)).startswith('artist is missing (no column "artist"')


class TestTypes:
    @pytest.mark.parametrize(
        ("cells", "values"),
        [
            (["1959", "2001"], [1959, 2001]),
            (["1", "2.5", ""], [1.0, 2.5, None]),
            (["2.5", "1"], [2.5, 1.0]),
            (["-1e-5", "0.0"], [-1e-5, 0.0]),
            (["True", "false"], [True, False]),
            (["007", "8"], ["007", "8"]),
            (["+1", "2"], ["+1", "2"]),
            (["-0", "2"], ["-0", "2"]),
            (["1", "x"], ["1", "x"]),
            (["1", "true"], ["1", "true"]),
            (["true", "1"], ["true", "1"]),
            (["true", "nan"], ["true", "nan"]),
            (["nan", "1"], [None, 1]),
            (["nan", "x"], ["nan", "x"]),
            (["1", "NULL", "N/A", "-", "\\N"], [1, None, None, None, None]),
            (["NULL", "1.5"], [None, 1.5]),
            (["-", "x"], ["-", "x"]),
            (["NA", "NA"], ["NA", "NA"]),
            (["true", "NULL"], ["true", "NULL"]),
            ([str(2**53), " -3 "], [2**53, -3]),
            ([str(2**53 + 1), "3"], [str(2**53 + 1), "3"]),
            (["9" * 400, "3"], ["9" * 400, "3"]),
            (["1." + "3" * 400, "3"], [1 + 1 / 3, 3.0]),
            (["1e400", "3"], ["1e400", "3"]),
            (["1.5", "9007199254740993"], ["1.5", "9007199254740993"]),
            (["", ""], [None, None]),
            (["2020-01-01", "1"], ["2020-01-01", "1"]),
        ],
    )
    def test_a_column_is_what_all_its_values_are(self, path: Path, cells: list[str], values: list[Any]) -> None:
        assert repr(extras(path, *cells)) == repr(values)

    def test_the_last_row_decides_too_and_rows_keep_order_and_lines(self, path: Path) -> None:
        many = [track(f"t{number}", x=number) for number in range(2_000)]
        text = tracks_table(*many, track("last", x="?"))
        text = text.replace("\n", "\nbad\n", 1)
        bad: list[BadRow] = []
        job = job_of(path, text)
        job.on_bad_row = bad.append
        found = list(job)
        assert [each["x"] for each in found] == [*map(str, range(2_000)), "?"]
        assert [each.line for each in bad] == [2]

    def test_large_tables_go_through_a_file(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("qfzz_core.importing.spool._IN_MEMORY", 1_000)
        many = [track(f"t{number}", x=number, y="a\nb") for number in range(300)]
        assert imported(path, tracks_table(*many)) == many

    def test_a_full_disk_is_a_sentence(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(qfzz_core.importing.job.Spool, "add", full)
        sentence = "no room for its rows in a temporary file: No space left on device"
        assert refused(path, tracks_table(track("t1", x=1))) == sentence

    @pytest.mark.skipif(sys.platform == "win32", reason="named pipes are POSIX")
    def test_a_pipe_has_types_too(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        os.mkfifo(path)
        writer = threading.Thread(target=path.write_text, args=[tracks_table(track("t1", year=1959))])
        writer.start()
        assert list(Import([path], FieldMapping(), built_in_readers())) == [track("t1", year=1959)]
        writer.join()

    def test_no_further_row_is_kept_once_all_columns_are_text(self) -> None:
        types = ColumnTypes(["a", "b"], frozenset({""}))
        types.add({"a": "x", "b": "1"})
        assert not types.is_settled()
        types.add({"a": "x", "b": "y"})
        assert types.is_settled()
        assert types.converters() == {}

    @pytest.mark.parametrize(
        ("kind", "text", "value", "usable"),
        [
            ("number", "007", 7.0, True),
            ("number", "x", "x", False),
            ("flag", "Yes", True, True),
            ("flag", "0", False, True),
            ("flag", "maybe", "maybe", False),
            ("category", "7", "7", True),
            ("tags", '["a", "b"]', ["a", "b"], True),
            ("tags", "[1]", [1], False),
            ("tags", "live ", ["live"], True),
            ("vector", "[1, 2.5]", [1, 2.5], True),
            ("vector", "1", "1", False),
            ("vector", "[", "[", False),
        ],
    )
    def test_a_declared_column_is_of_its_kind_and_what_it_cannot_use_is_counted(
        self, path: Path, kind: str, text: str, value: Any, usable: bool
    ) -> None:
        job = job_of(path, tracks_table(track("t1", x=text)), FieldMapping(declared={"x": kind}))
        [found] = job
        assert (found["x"], type(found["x"])) == (value, type(value))
        assert job.summary.counts.unusable == ({} if usable else {"x": 1})
        assert is_usable(DECLARED[kind](text), kind) == usable

    def test_kinds_are_those_of_columns_with_a_key_for_source(self) -> None:
        columns = [
            Column(name="a", kind="number"),
            Column(name="b", kind="flag", source="c"),
            Column(name="d", kind="flag", source=lambda track: True),
            Column(name="e", kind="number", provider=lambda ids: [None for _ in ids]),
        ]
        assert declared_kinds(columns) == {"a": "number", "c": "flag"}


class TestTheCommandLine:
    def test_options_reach_the_reader_and_the_mapping(self, cli: Cli) -> None:
        path = cli.directory / "a.csv"
        row = {**track("t1", title="Göttingen", energy=53), "mood": ""}
        path.write_bytes(tracks_table(row, delimiter="~").encode("cp1252"))
        options = ["--delimiter", "~", "--encoding", "cp1252", "--scale", "energy=100", "--default", "mood=dark"]
        text = cli.ok("import", str(path), *options)
        assert "        1  rows without mood, which got the default" in text
        assert cli.json("tracks", "show", "t1") == track("t1", title="Göttingen", energy=0.53, mood="dark")

    @pytest.mark.parametrize(("said", "delimiter"), [("tab", "\t"), ("\\t", "\t"), ("semicolon", ";"), ("bar", "|")])
    def test_delimiters_have_names(self, cli: Cli, said: str, delimiter: str) -> None:
        path = cli.write("a.csv", tracks_table(track("t1"), delimiter=delimiter))
        assert cli.json("import", path, "--delimiter", said)["added"] == 1

    @pytest.mark.parametrize("said", ["", "::", '"', "\n"])
    def test_a_delimiter_that_is_none_is_refused(self, cli: Cli, said: str) -> None:
        assert "is no delimiter such as ; or tab" in cli.fails("import", "a.csv", "--delimiter", said, code=2)

    def test_an_unknown_encoding_is_a_sentence(self, cli: Cli) -> None:
        path = cli.write("a.csv", tracks_table(track("t1")))
        assert 'there is no encoding "klingon"' in cli.fails("import", path, "--encoding", "klingon")

    def test_an_import_without_a_usable_row_has_exit_code_1_and_says_its_counts(self, cli: Cli) -> None:
        path = cli.write("a.csv", tracks_table(track("t1", energy=53)))
        result = cli("import", path, "--json")
        assert result.exit_code == 1
        assert '"bad": 1' in result.stdout
        assert "--scale energy=100" in result.stderr
        assert result.stderr.endswith("No row could be used: nothing was imported.\n")
        assert cli("import", cli.write("b.csv", table([*track("t1")]))).exit_code == 0

    def test_conditions_match_extras_of_a_table(self, cli: Cli) -> None:
        config = cli.write("c.toml", '[columns.year]\nkind = "number"\n[columns.hits]\nkind = "number"\n')
        path = cli.write("a.csv", tracks_table(track("t1", year=1959, hits="many"), track("t2", year=2001, hits="3")))
        text = cli.ok("import", path, "--config", config)
        assert "        1  values of hits that its column cannot use" in text
        found = cli.json("recommend", "alice", "--where", "year=1950..1960", "--config", config)
        assert [each["track"]["track_id"] for each in found] == ["t1"]

    def test_notes_go_to_stderr_and_into_the_document(self, cli: Cli) -> None:
        row = {key: value for key, value in track().items() if key != "track_id"}
        path = cli.write("a.csv", table(["", *row], ["0", *row.values()]))
        result = cli("import", path, "--json")
        for note in ("column 1 of the header has no name and is ignored", "1 ids were made from artist and title"):
            assert f"{path}: {note}\n" in result.stderr
            assert f"{path}: {note}" in result.stdout


CASES_WITH_TWO = ["pandas-index", "semicolon", "case-headers", "trailing-comma", "trailing-comma-rows", "utf16"]


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not here")
class TestCases:
    def found(self, cli: Cli, name: str, *options: str) -> dict[str, Any]:
        cli.ok("import", str(CASES / name), *options)
        with Engine(store=cli.store) as engine:
            return {each["track_id"]: each for _, each in engine.store.catalogue_since(None).written}

    @pytest.mark.parametrize("name", [*(f"{name}.csv" for name in CASES_WITH_TWO), "tab.tsv"])
    def test_two_tracks(self, cli: Cli, name: str) -> None:
        assert [each["title"] for each in self.found(cli, name).values()] == ["Göttingen", "99 Luftballons"]

    def test_cp1252(self, cli: Cli) -> None:
        assert "--encoding cp1252" in cli.fails("import", str(CASES / "cp1252.csv"))
        assert self.found(cli, "cp1252.csv", "--encoding", "cp1252")["t1"]["title"] == "Göttingen"

    def test_values(self, cli: Cli) -> None:
        assert self.found(cli, "decimal-comma.csv")["t1"]["energy"] == 0.53
        assert [each["duration"] for each in self.found(cli, "mmss.csv").values()] == [225, 3723, 225]
        assert [each["tempo"] for each in self.found(cli, "tempo-bpm.csv").values()] == ["medium", "medium", "fast"]
        assert "--scale energy=100" in cli("import", str(CASES / "energy100.csv")).stderr
        assert self.found(cli, "energy100.csv", "--scale", "energy=100")["t1"]["energy"] == 0.53

    def test_ids_and_numbers(self, cli: Cli) -> None:
        assert [*self.found(cli, "typed-int-id.json")] == ["17"]
        assert ["loudness" in each for each in self.found(cli, "nan.json").values()] == [False, False, True]
        before = {*self.found(cli, "no-id.csv")}
        assert {*self.found(cli, "no-id.csv")} == before

    def test_the_features_set_is_found_by_its_header(self, cli: Cli) -> None:
        found = self.found(cli, "kaggle114k.csv")
        first = found["id1"]
        assert [first[name] for name in ("title", "artist", "album", "genre", "tempo")] == [
            *("Comedy", "Gen Hoshino", "Comedy", "acoustic", "slow")
        ]
        assert first["genres"] == ["acoustic", "j-pop"]
        assert found["id2"]["artists"] == ["Ingrid Michaelson", "ZAYN"]

    def test_names(self, cli: Cli) -> None:
        genres = self.found(cli, "multi-genre.csv", "--split", "genre")
        assert [each.get("genres") for each in genres.values()][:7] == [
            *(["rock", "indie"], ["rock", "pop"], ["Rock", "Pop"], ["rock", "metal"], ["rock", "jazz"], None, None)
        ]
        assert "5 genre cells look like several names" in cli("import", str(CASES / "multi-genre.csv")).stderr
        artists = self.found(cli, "multi-artist.csv", "--split", "artist")
        assert {normalise(artists[f"t{number}"]["artist"]) for number in (1, 2, 3, 4, 6)} == {"jay-z"}

    def test_exportify(self, cli: Cli) -> None:
        found = self.found(cli, "exportify-pk.csv")
        assert found["id1"]["genres"] == ["blues rock", "indie rock", "neo-psychedelic"]
        assert (found["id2"]["artists"], found["id2"]["energy"]) == (["KAROL G", "Nicki Minaj"], None)
        assert self.found(cli, "exportify-wb.csv")["1"]["genre"] is None
