from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.built_in import built_in_readers

from qfzz_core.errors import InvalidInput
from qfzz_core.formats import ImportFileError, Row
from qfzz_core.formats.files import file_size
from qfzz_core.importing.headers import loose
from qfzz_core.importing.job import BadRow, Import, ImportRowError, ImportSummary
from qfzz_core.importing.mapping import FIELDS, FieldMapping
from qfzz_core.importing.presets import PRESETS, mapping_from_options
from qfzz_core.importing.several import SEVERAL
from qfzz_core.importing.values import decimal, mood_from, seconds_from_ms, shown, tempo_from_bpm, whole_number
from qfzz_core.model.tracks import MAY_BE_UNKNOWN, checked_track

SPOTIFY = Path(__file__).resolve().parents[2] / "shared" / "data" / "spotify_songs.csv.gz"

TRACK = {
    "track_id": "t1",
    "title": "Take Five",
    "artist": "Dave Brubeck Quartet",
    "genre": "jazz",
    "mood": "upbeat",
    "energy": 0.7,
    "tempo": "medium",
    "duration": 324,
}
SPOTIFY_ROW = {
    "track_id": "t1",
    "track_name": "Take Five",
    "track_artist": "Dave Brubeck Quartet",
    "track_album_name": "Time Out",
    "playlist_genre": "jazz",
    "energy": "0.26",
    "valence": "0.596",
    "tempo": "174.322",
    "duration_ms": "324500",
    "playlist_subgenre": "cool jazz",
    "track_popularity": "66",
    "track_album_release_date": "1959-12-14",
    "playlist_name": "Jazz Classics",
}

SHARE = "must be a number from 0.0 to 1.0"
PERCENT = "if the column goes from 0 to 100, add --scale {}=100"

# an example that writes a file takes as long as the disk does
law = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

text = st.text(max_size=6)
plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=3,
)
tracks = st.builds(
    lambda extras, fields: {**extras, **fields},
    st.dictionaries(
        text.filter(lambda name: loose(name) not in FIELDS) | st.sampled_from(sorted({*FIELDS} - {*SEVERAL.values()})),
        plain_values,
        max_size=3,
    ),
    st.fixed_dictionaries(
        {
            "track_id": text.filter(str.strip),
            **dict.fromkeys(("title", "artist", "genre", "mood"), text),
            "energy": st.floats(0, 1),
            "tempo": st.sampled_from(["slow", "medium", "fast"]),
            "duration": st.integers(0, 10**6),
        }
    ),
)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("importing")


def written(path: Path, content: str | bytes) -> Path:
    path.unlink(missing_ok=True)  # some file systems wait for the disk when a file is overwritten
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows_of(path: Path, content: str | bytes) -> list[Row]:
    return list(built_in_readers().rows(written(path, content)))


def csv_text(*rows: Mapping[str, Any]) -> str:
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def from_csv(**values: str) -> Row:
    return Row(2, {**{name: str(value) for name, value in TRACK.items()}, **values})


def from_json(**values: Any) -> Row:
    return Row(1, {**TRACK, **values}, typed=True)


def without(row: Row, *columns: str) -> Row:
    return Row(row.line, {name: value for name, value in row.values.items() if name not in columns}, row.typed)


def refusal(row: Row, mapping: FieldMapping | None = None) -> str:
    with pytest.raises(InvalidInput) as caught:
        (mapping or FieldMapping()).track(row)
    return str(caught.value)


class TestReading:
    def test_csv_rows_have_the_line_they_start_on_and_text_values(self, tmp_path: Path) -> None:
        rows = rows_of(tmp_path / "a.csv", 'id, name\r\n1,"two\r\nlines"\r\n\r\n2,x')
        assert rows == [Row(2, {"id": "1", "name": "two\r\nlines"}), Row(5, {"id": "2", "name": "x"})]

    def test_json_lines_have_their_line_and_typed_values(self, tmp_path: Path) -> None:
        expected = [Row(1, {"id": 1}, typed=True), Row(3, {"id": None}, typed=True)]
        assert rows_of(tmp_path / "a.jsonl", '{"id": 1}\n\n{"id": null}\n') == expected
        assert rows_of(tmp_path / "a.ndjson", '{"id": 1}\r\n\r\n{"id": null}') == expected

    @pytest.mark.parametrize("document", ['[{"id": 1}, 7]', '{"name": "mine", "tracks": [{"id": 1},\n7]}'])
    def test_json_is_a_list_or_holds_one_under_tracks(self, tmp_path: Path, document: str) -> None:
        rows = rows_of(tmp_path / "a.json", document)
        assert rows == [Row(1, {"id": 1}, typed=True), Row(2, problem="expected an object, got 7")]

    @pytest.mark.parametrize(("suffix", "content"), [(".csv", "id\nä"), (".jsonl", '{"id": "ä"}'), (".JSON", "[]")])
    def test_gzip_and_a_byte_order_mark_change_nothing(self, tmp_path: Path, suffix: str, content: str) -> None:
        plain = rows_of(tmp_path / f"a{suffix}", content)
        assert rows_of(tmp_path / f"b{suffix}", "\ufeff" + content) == plain
        assert rows_of(tmp_path / f"a{suffix}.GZ", gzip.compress(content.encode())) == plain

    @law
    @given(st.lists(st.tuples(text, text), max_size=8), st.sampled_from(["\n", "\r\n"]))
    def test_csv_gives_what_was_written(self, folder: Path, table: list[tuple[str, str]], ending: str) -> None:
        buffer = io.StringIO(newline="")
        csv.writer(buffer, lineterminator=ending, quoting=csv.QUOTE_ALL).writerows([("a", "b"), *table])
        rows = rows_of(folder / "table.csv", buffer.getvalue())
        assert [(row.values["a"], row.values["b"]) for row in rows] == table

    @pytest.mark.parametrize(
        ("bad", "problem"),
        [
            ("1", "has 1 field where the header has 2"),
            ("1,2,3", "has 3 fields where the header has 2"),
            ('"1\n",2,3', "has 3 fields where the header has 2 (lines 2 to 3)"),
            ('"1"x,2', "not valid CSV: ',' expected after '\"'"),
        ],
    )
    def test_a_bad_csv_row_does_not_end_the_file(self, tmp_path: Path, bad: str, problem: str) -> None:
        rows = rows_of(tmp_path / "a.csv", f"a,b\n{bad}\n3,4\n")
        assert [row.problem for row in rows] == [problem, None]
        assert rows[0].values == {}
        assert rows[1].values == {"a": "3", "b": "4"}

    def test_a_quote_that_is_never_closed_says_which_lines_it_took(self, tmp_path: Path) -> None:
        [row] = rows_of(tmp_path / "a.csv", 'a,b\n1,"x\n3,4\n')
        assert row == Row(2, problem="not valid CSV: unexpected end of data (lines 2 to 3)")

    @pytest.mark.parametrize(
        ("bad", "problem"),
        [
            ('{"id": }', "not valid JSON: Expecting value at column 8"),
            ("[" * 100_000, "not valid JSON: nested too deeply"),
            ("9" * 5_000, "not valid JSON: a number has too many digits"),
            ('"text"', 'expected an object, got "text"'),
        ],
    )
    def test_a_bad_json_line_does_not_end_the_file(self, tmp_path: Path, bad: str, problem: str) -> None:
        rows = rows_of(tmp_path / "a.jsonl", bad + '\n{"id": 1}')
        assert rows == [Row(1, problem=problem), Row(2, {"id": 1}, typed=True)]

    def test_progress_counts_the_bytes_of_the_file_up_to_its_size(self, tmp_path: Path) -> None:
        lines = "".join(f'{{"id": {number * 7919 % 10007}}}\n' for number in range(2_000))
        path = written(tmp_path / "a.jsonl.gz", gzip.compress(lines.encode()))
        seen: list[int] = []
        assert len(list(built_in_readers().rows(path, seen.append))) == 2_000
        assert len(seen) > 2
        assert seen == sorted(seen)
        assert seen[-1] == file_size(path) == path.stat().st_size

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("a.csv", "", "line 1: there is no header row"),
            ("a.csv", "\nid\n", "line 1: there is no header row"),
            ("a.csv", ",,\n1,2,3\n", "line 1: there is no header row"),
            ("a.csv", '"a"b,c\n', "line 1: the header is not valid CSV"),
            ("a.csv", b"a\n1\n\xe4\n", "line 3: not UTF-8 text"),
            ("a.jsonl", b'{"a": "\xff"}', "line 1: not UTF-8 text"),
            ("a.json", '[{"a": 1},\n{"a" 1}]', "line 2: not valid JSON: Expecting ':' delimiter at column 6"),
            ("a.json", "[" * 100_000, "not valid JSON: nested too deeply"),
            ("a.json", '{"songs": []}', 'expected a list of objects, or an object that holds one under "tracks"'),
            ("a.csv.gz", "a\n1\n", "not a valid gzip file"),
            ("a.csv.gz", gzip.compress(b"a\n1\n", mtime=0)[:-6], "not a valid gzip file"),
            ("a.csv.gz", gzip.compress(b"a\n1\n", mtime=0)[:12] + b"\xff" * 20, "not a valid gzip file"),
            ("a.unknown", "", "the name must end in one of ."),
            ("csv", "", "the name must end in one of"),
        ],
    )
    def test_an_unusable_file_is_one_sentence(self, tmp_path: Path, name: str, content: Any, message: str) -> None:
        with pytest.raises(ImportFileError) as caught:
            rows_of(tmp_path / name, content)
        assert str(caught.value).startswith(f"{tmp_path / name}: {message}")
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("read", [file_size, lambda path: list(built_in_readers().rows(path))])
    def test_a_file_that_is_not_there_is_named(self, tmp_path: Path, read: Any) -> None:
        with pytest.raises(ImportFileError, match=r"gone\.csv: cannot be read: No such file"):
            read(tmp_path / "gone.csv")


class TestDeriving:
    @pytest.mark.parametrize(
        ("bpm", "tempo"), [(0, "slow"), (99.999, "slow"), (100, "medium"), (129.9, "medium"), (130, "fast")]
    )
    def test_tempo_is_slow_below_100_and_fast_from_130(self, bpm: float, tempo: str) -> None:
        assert tempo_from_bpm(bpm) == tempo

    @law
    @given(st.floats(0, 400), st.floats(0, 400), st.lists(st.floats(0, 400), min_size=2, max_size=2).map(sorted))
    def test_more_beats_are_never_slower(self, one: float, other: float, thresholds: list[float]) -> None:
        order = ["slow", "medium", "fast"]
        slower, faster = (order.index(tempo_from_bpm(bpm, *thresholds)) for bpm in sorted((one, other)))
        assert slower <= faster

    @pytest.mark.parametrize(
        ("valence", "energy", "mood"),
        [(0.5, 0.5, "upbeat"), (0.49, 0.5, "energetic"), (0.5, 0.49, "calm"), (0.49, 0.49, "mellow")],
    )
    def test_mood_is_the_quadrant_of_valence_and_energy(self, valence: float, energy: float, mood: str) -> None:
        assert mood_from(valence, energy) == mood

    @pytest.mark.parametrize(("milliseconds", "seconds"), [(0, 0), (499, 0), (500, 1), (1499.9, 1), (10**400, 10**397)])
    def test_milliseconds_become_the_nearest_second(self, milliseconds: float, seconds: int) -> None:
        assert seconds_from_ms(milliseconds) == seconds

    @pytest.mark.parametrize("bad", [-0.1, float("nan"), float("inf"), True, None, "0.5"])
    def test_what_is_no_such_number_is_refused(self, bad: Any) -> None:
        for call in (
            lambda: tempo_from_bpm(bad),
            lambda: mood_from(bad, 0.5),
            lambda: mood_from(0.5, bad),
            lambda: seconds_from_ms(bad),
        ):
            with pytest.raises(InvalidInput, match="must be a number"):
                call()

    @pytest.mark.parametrize("thresholds", [(130.0, 100.0), (-1.0, 100.0), (float("nan"), 100.0), (1.0, float("inf"))])
    def test_thresholds_that_overlap_are_refused(self, thresholds: tuple[float, float]) -> None:
        with pytest.raises(InvalidInput, match="slow_below not above fast_from"):
            tempo_from_bpm(120, *thresholds)
        with pytest.raises(InvalidInput, match="slow_below not above fast_from"):
            mapping_from_options(slow_below=thresholds[0], fast_from=thresholds[1])


class TestValues:
    @pytest.mark.parametrize(
        ("said", "whole", "number"),
        [
            ("480", 480, 480.0),
            (" 480.0 ", 480, 480.0),
            ("4.5", "4.5", 4.5),
            ("loud", "loud", "loud"),
            ("nan", "nan", "nan"),
            ("9" * 5_000, "9" * 5_000, "9" * 5_000),
        ],
    )
    def test_text_that_says_no_finite_number_stays_text(self, said: str, whole: object, number: object) -> None:
        assert (whole_number(said), decimal(said)) == (whole, number)

    @pytest.mark.parametrize(
        ("value", "as_shown"),
        [
            ("NA", '"NA"'),
            ("a\n\x1b[31m\udc80", r'"a\n\x1b[31m\udc80"'),
            ("x" * 100, '"' + "x" * 60 + '..."'),
            (None, "null"),
            (True, "true"),
            (1.5, "1.5"),
            ([1], "a list"),
            ({}, "an object"),
        ],
    )
    def test_a_value_is_shown_short_and_printable(self, value: object, as_shown: str) -> None:
        assert shown(value) == as_shown


class TestMapping:
    def test_columns_named_like_fields_are_taken_as_they_are(self) -> None:
        track = FieldMapping().track(from_csv(album="Time Out", label="Columbia", year="1959"))
        assert track == {**TRACK, "album": "Time Out", "label": "Columbia", "year": 1959}

    def test_stand_ins_give_tempo_mood_and_duration(self) -> None:
        row = without(
            from_csv(bpm="172", valence="0.6", duration_ms="324499", energy="0.4"), "mood", "tempo", "duration"
        )
        derived = {"energy": 0.4, "tempo": "fast", "mood": "calm", "duration": 324}
        assert FieldMapping().track(row) == {**TRACK, **derived, "bpm": 172.0, "valence": 0.6}

    def test_what_a_row_says_itself_goes_before_what_could_be_derived(self) -> None:
        track = FieldMapping().track(from_csv(bpm="172", valence="unknown", duration_ms="1"))
        assert track == {**TRACK, "bpm": 172.0, "valence": "unknown", "duration_ms": 1.0}

    def test_an_empty_cell_is_derived_too(self) -> None:
        assert FieldMapping().track(from_csv(tempo=" ", bpm="90"))["tempo"] == "slow"
        assert FieldMapping().track(from_json(tempo=None, bpm=90))["tempo"] == "slow"

    def test_missing_values_leave_optional_keys_out(self) -> None:
        assert FieldMapping(missing=frozenset({"?"})).track(from_csv(album="?", label=" ? ", note="")) == {
            **TRACK,
            "note": "",
        }

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            (from_csv(title=" "), 'title is missing (" ")'),
            (without(from_csv(), "title"), 'title is missing (no column "title")'),
            (from_json(artist=None), "artist is missing (null)"),
            (from_csv(energy="loud"), 'energy must be a number from 0.0 to 1.0, got "loud"'),
            (from_csv(energy="1.5"), f"energy must be a number from 0.0 to 1.0, got 1.5; {PERCENT.format('energy')}"),
            (from_json(energy="0.5"), 'energy must be a number from 0.0 to 1.0, got "0.5"'),
            (from_csv(duration="3:75"), 'duration must be a number of seconds or a time such as 3:45, got "3:75"'),
            (without(from_csv(bpm="-1"), "tempo"), "bpm must be a number of at least 0, got -1.0"),
            (
                without(from_csv(valence="7"), "mood"),
                f"valence must be a number from 0.0 to 1.0, got 7.0; {PERCENT.format('valence')}",
            ),
        ],
    )
    def test_a_row_that_gives_no_track_has_a_reason(self, row: Row, reason: str) -> None:
        assert refusal(row) == reason

    def test_a_field_that_no_column_gives_is_said_to_be_missing(self) -> None:
        mapping = FieldMapping(columns={name: name for name in TRACK if name != "artist"})
        assert refusal(without(from_csv(), "artist"), mapping) == "artist is missing (no column is mapped to it)"

    @pytest.mark.parametrize(
        ("row", "unknown"),
        [
            (without(from_csv(), "genre"), {"genre"}),
            (from_csv(genre="", mood=" ", energy="", tempo="", duration=""), {*MAY_BE_UNKNOWN}),
            (from_json(genre=None, mood=None, energy=None, tempo=None, duration=None), {*MAY_BE_UNKNOWN}),
            (without(from_csv(bpm=""), "tempo"), {"tempo"}),
            (without(from_csv(valence="0.5", energy=""), "mood"), {"energy", "mood"}),
            (from_csv(energy="nan", duration="N/A", tempo="NULL"), {"energy", "duration", "tempo"}),
        ],
    )
    def test_what_a_row_does_not_say_is_unknown(self, row: Row, unknown: set[str]) -> None:
        track = checked_track(FieldMapping().track(row))
        assert {name for name, value in track.items() if value is None} == unknown

    def test_an_unknown_field_is_refused(self) -> None:
        with pytest.raises(InvalidInput, match='unknown field "titel", did you mean "title"'):
            FieldMapping(columns={"titel": "Name"})

    def test_the_spotify_preset_keeps_typed_extras_and_nothing_else(self) -> None:
        track = PRESETS["spotify"].track(Row(2, SPOTIFY_ROW))
        fields = {"album": "Time Out", "energy": 0.26, "mood": "calm", "tempo": "fast", "duration": 325}
        extras = {"bpm": 174.322, "valence": 0.596, "subgenre": "cool jazz", "popularity": 66, "year": 1959}
        assert track == {**TRACK, **fields, **extras, "release_date": "1959-12-14"}
        assert type(track["popularity"]) is int

    def test_na_means_missing_to_the_spotify_preset(self) -> None:
        assert refusal(Row(2, {**SPOTIFY_ROW, "track_name": "NA"}), PRESETS["spotify"]) == 'title is missing ("NA")'
        assert "album" not in PRESETS["spotify"].track(Row(2, {**SPOTIFY_ROW, "track_album_name": "NA"}))

    def test_an_extra_never_takes_the_place_of_a_field(self) -> None:
        mapping = FieldMapping(extras={"title": "note", "remark": "note"})
        assert mapping.track(from_csv(note="x")) == {**TRACK, "remark": "x"}

    def test_pairs_go_over_the_default(self) -> None:
        mapping = mapping_from_options(pairs=["title=Name", "creator_id = artist"], slow_below=60, fast_from=90)
        track = mapping.track(from_csv(Name="So What", title="ignored", tempo="", bpm="80"))
        expected = {"title": "So What", "creator_id": TRACK["artist"], "tempo": "medium", "bpm": 80.0}
        assert track == {**TRACK, **expected}

    def test_pairs_go_over_fields_and_extras_of_a_preset(self) -> None:
        mapping = mapping_from_options("spotify", ["genre=style", "popularity=hits"])
        track = mapping.track(Row(2, {**SPOTIFY_ROW, "style": "cool", "hits": "many"}))
        assert (track["genre"], track["popularity"], track["subgenre"]) == ("cool", "many", "cool jazz")

    @pytest.mark.parametrize(
        ("pair", "cells", "derived"),
        [
            ("bpm=tempo", {"tempo": "172"}, {"tempo": "fast", "bpm": 172.0}),
            ("duration_ms=duration", {"duration": "324000"}, {}),
            ("valence=mood", {"mood": "0.1"}, {"mood": "energetic", "valence": 0.1}),
        ],
    )
    def test_a_stand_in_takes_over_the_column_of_its_field(
        self, pair: str, cells: dict[str, str], derived: dict[str, Any]
    ) -> None:
        assert mapping_from_options(pairs=[pair]).track(from_csv(**cells)) == {**TRACK, **derived}

    @pytest.mark.parametrize(
        ("preset", "pairs", "message"),
        [
            ("spotfy", [], 'unknown preset "spotfy", did you mean "spotify"?'),
            (None, ["titel=Name"], '"titel=Name": unknown field "titel", did you mean "title"?'),
            (None, ["xyz=Name"], '"xyz=Name": unknown field "xyz"; known: track_id, title, '),
            (None, ["title"], '"title" must be FIELD=COLUMN, such as title=track_name'),
            (None, ["=Name"], '"=Name" must be FIELD=COLUMN'),
            (None, ["title=a", "title=b"], '"title=b": title is already given by column "a"'),
        ],
    )
    def test_an_option_that_makes_no_sense_is_named(self, preset: str | None, pairs: list[str], message: str) -> None:
        with pytest.raises(InvalidInput) as caught:
            mapping_from_options(preset, pairs)
        assert str(caught.value).startswith(message)


class TestImport:
    @law
    @given(st.lists(tracks, max_size=4, unique_by=lambda track: track["track_id"]))
    def test_tracks_written_as_json_lines_import_as_they_were(self, folder: Path, catalogue: list[Any]) -> None:
        path = written(folder / "all.jsonl", "\n".join(json.dumps(track) for track in catalogue))
        job = Import([path], FieldMapping(), built_in_readers())
        assert repr([dict(sorted(track.items())) for track in job]) == repr(
            [dict(sorted(t.items())) for t in catalogue]
        )
        assert (job.summary.rows, job.summary.tracks) == (len(catalogue), len(catalogue))

    def test_the_first_good_row_of_an_id_is_kept_and_every_row_counted(self, tmp_path: Path) -> None:
        bad, first, later = {**TRACK, "title": ""}, {**TRACK, "genre": "first"}, {**TRACK, "genre": "later"}
        one = written(tmp_path / "one.csv", csv_text(bad, first, later, bad))
        two = written(tmp_path / "two.jsonl", json.dumps(later) + "\n7\n" + json.dumps({**TRACK, "track_id": "t2"}))
        reported: list[BadRow] = []
        job = Import([one, two], FieldMapping(), built_in_readers(), on_bad_row=reported.append)
        assert list(job) == [first, {**TRACK, "track_id": "t2"}]
        assert job.summary == ImportSummary(rows=7, tracks=2, bad_rows=3, repeated=2)
        assert [str(bad_row) for bad_row in reported] == [
            f'{one}:2: title is missing ("")',
            f'{one}:5: title is missing ("")',
            f"{two}:2: expected an object, got 7",
        ]

    def test_a_second_iteration_counts_afresh(self, tmp_path: Path) -> None:
        job = Import(
            [written(tmp_path / "a.csv", csv_text(TRACK, TRACK, {**TRACK, "energy": "?"}))],
            FieldMapping(),
            built_in_readers(),
        )
        assert list(job) == list(job) == [TRACK]
        assert job.summary == ImportSummary(rows=3, tracks=1, bad_rows=1, repeated=1)

    def test_strict_stops_at_the_first_bad_row(self, tmp_path: Path) -> None:
        path = written(tmp_path / "a.csv", csv_text(TRACK, {**TRACK, "energy": "loud"}, TRACK))
        taken = iter(Import([path], FieldMapping(), built_in_readers(), strict=True))
        assert next(taken) == TRACK
        with pytest.raises(ImportRowError) as caught:
            next(taken)
        reason = 'energy must be a number from 0.0 to 1.0, got "loud"'
        assert str(caught.value) == f"{path}:3: {reason}"
        assert caught.value.bad_row == BadRow(path, 3, reason)

    @pytest.mark.parametrize(
        ("values", "reason"),
        [
            ({"tempo": "presto"}, "tempo must be one of slow, medium, fast, got 'presto'"),
            ({"title": 5}, "title must be text, got 5"),
            ({"track_id": 5.5}, "track_id must be text, got 5.5"),
            ({"track_id": True}, "track_id must be text, got True"),
            ({"note": "\ud800"}, "note holds a lone surrogate, which is no character"),
        ],
    )
    def test_whatever_else_a_track_must_be_is_checked(self, tmp_path: Path, values: Any, reason: str) -> None:
        reported: list[BadRow] = []
        path = written(tmp_path / "a.json", json.dumps([{**TRACK, **values}]))
        assert list(Import([path], FieldMapping(), built_in_readers(), on_bad_row=reported.append)) == []
        assert reported == [BadRow(path, 1, reason)]

    def test_progress_goes_through_all_files_to_their_total_size(self, tmp_path: Path) -> None:
        paths = [written(tmp_path / f"{name}.jsonl", json.dumps(TRACK)) for name in "abc"]
        seen: list[int] = []
        job = Import(paths, FieldMapping(), built_in_readers(), on_progress=seen.append)
        list(job)
        size = paths[0].stat().st_size
        assert seen == [size, 2 * size, 3 * size]
        assert sum(map(file_size, paths)) == 3 * size

    def test_a_file_that_is_not_there_has_no_tracks(self, tmp_path: Path) -> None:
        with pytest.raises(ImportFileError, match=r"gone\.csv: cannot be read"):
            list(Import([tmp_path / "gone.csv"], FieldMapping(), built_in_readers()))

    @pytest.mark.skipif(not SPOTIFY.exists(), reason="the data set is not here")
    def test_the_spotify_data_set_gives_its_28352_tracks(self) -> None:
        reported: list[BadRow] = []
        job = Import([SPOTIFY], mapping_from_options("spotify"), built_in_readers(), on_bad_row=reported.append)
        found = {track["track_id"]: track for track in job}
        assert len(found) == 28_352
        assert sum("genres" in track for track in found.values()) == 1_686
        summary = job.summary
        assert (summary.rows, summary.tracks, summary.bad_rows) == (32_833, 28_352, 5)
        assert (summary.repeated, summary.joined) == (2_448, 2_028)
        assert [bad_row.line for bad_row in reported] == [8_153, 9_284, 9_285, 19_570, 19_813]
        assert {bad_row.reason for bad_row in reported} == {'title is missing ("NA")'}
