"""Files of tracks are read, and playlists written, by readers and writers that plugins register."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import stat
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.cli_runs import Cli, install, isolated, json_lines, track
from support.third_party import plugin

from qfzz_core import Engine, PluginWarning
from qfzz_core.errors import PluginError
from qfzz_core.formats import ImportFileError, Playlist, PlaylistError, Row, TrackFile
from qfzz_core.formats.files import Readers, chosen_writer, playlist_bytes
from qfzz_core.importing.job import Import
from qfzz_core.importing.mapping import FieldMapping
from qfzz_core.model.tracks import REQUIRED_FIELDS, TEMPOS
from qfzz_core.testing import catalogues, engine_with, tracks


@attrs.frozen
class Reading:
    """A reader whose `read` is given."""

    name: str
    read: Callable[[TrackFile], Any]
    suffixes: Any = (".mine",)


@attrs.frozen
class Writing:
    """A writer whose `write` is given."""

    name: str
    write: Callable[[Playlist], Any]
    suffixes: Any = (".mine",)


def reads(name: str, read: Callable[[TrackFile], Any], suffixes: Any = (".mine",), plugin_name: str = "") -> Any:
    return plugin(plugin_name or name, qfzz_readers=lambda: [Reading(name, read, suffixes)])


def writes(name: str, write: Callable[[Playlist], Any], suffixes: Any = (".mine",), plugin_name: str = "") -> Any:
    return plugin(plugin_name or name, qfzz_writers=lambda: [Writing(name, write, suffixes)])


def lines(file: TrackFile) -> Iterator[Row]:
    """Read tracks of which each line says title and artist."""
    for number, line in enumerate(file.lines(), start=1):
        title, _, artist = line.strip().partition(" by ")
        problem = None if artist else "there is no artist"
        yield Row(number, problem=problem) if problem else Row(number, track(str(number), title=title, artist=artist))


def imported(engine: Engine, path: Path, format_: str | None = None) -> list[Any]:
    return list(Import([path], FieldMapping(), Readers.of(engine.registry, engine.faults.report, format_), strict=True))


def written(engine: Engine, tracks: list[dict[str, Any]], name: str, format_: str | None = None) -> str:
    writer = chosen_writer(engine.registry, Path(name), format_)
    return playlist_bytes(writer, Playlist("Mine", tracks), engine.faults.report).decode()


class TestReading:
    @pytest.mark.parametrize("name", ["list.mine", "list.MINE.gz"])
    def test_a_plugins_reader_is_chosen_by_the_suffix(self, tmp_path: Path, name: str) -> None:
        text = b"So What by Miles Davis\nNaima by John Coltrane\n"
        path = tmp_path / name
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
        with engine_with(reads("mine", lines)) as engine:
            assert [each["title"] for each in imported(engine, path)] == ["So What", "Naima"]

    def test_a_format_that_is_named_counts_more_than_the_suffix(self, tmp_path: Path) -> None:
        path = tmp_path / "list.csv"
        path.write_text("So What by Miles Davis\n")
        with engine_with(reads("mine", lines)) as engine:
            assert imported(engine, path, "mine")[0]["artist"] == "Miles Davis"

    def test_bytes_are_read_as_they_are(self, tmp_path: Path) -> None:
        path = tmp_path / "list.mine.gz"
        path.write_bytes(gzip.compress(b"\xff\x00"))
        seen: list[bytes] = []

        def read(file: TrackFile) -> list[Row]:
            seen.append(file.content.read())
            return []

        with engine_with(reads("mine", read)) as engine:
            assert imported(engine, path) == []
        assert seen == [b"\xff\x00"]

    def test_a_bad_row_and_an_unusable_file_name_file_and_line(self, tmp_path: Path) -> None:
        path = tmp_path / "list.mine"
        path.write_text("So What by Miles Davis\nNaima\n")
        with (
            engine_with(reads("mine", lines)) as engine,
            pytest.raises(ValueError, match="there is no artist") as caught,
        ):
            imported(engine, path)
        assert str(caught.value) == f"{path}:2: there is no artist"

        def refuse(file: TrackFile) -> Iterator[Row]:
            raise file.unusable("there is no beginning", 7)

        with engine_with(reads("mine", refuse)) as engine, pytest.raises(ImportFileError) as unusable:
            imported(engine, path)
        assert str(unusable.value) == f"{path}: line 7: there is no beginning"

    def test_values_of_untyped_rows_that_are_no_text_are_taken_as_they_are(self, tmp_path: Path) -> None:
        path = tmp_path / "list.mine"
        path.write_text("")
        with engine_with(reads("mine", lambda file: [Row(1, track("a", energy=0.25))])) as engine:
            assert imported(engine, path)[0]["energy"] == 0.25

    @pytest.mark.parametrize(
        ("values", "reason"),
        [
            ({7: 1}, "the key 7 is not text"),
            ({"labels": {"live"}}, "labels is of type set, which JSON cannot say"),
            ({"energy": {1}}, 'energy must be a number from 0.0 to 1.0, got "{1}"'),
            ({"bpm": [1], "tempo": None}, "bpm must be a number of at least 0, got a list"),
        ],
    )
    def test_whatever_a_row_says_it_is_a_track_or_a_bad_row(
        self, tmp_path: Path, values: dict[Any, Any], reason: str
    ) -> None:
        path = tmp_path / "list.mine"
        path.write_text("")
        mine = reads("mine", lambda file: [Row(1, {**track("a"), **values}, typed=True)])
        with engine_with(mine) as engine, pytest.raises(ValueError, match="list") as caught:
            imported(engine, path)
        assert str(caught.value) == f"{path}:1: {reason}"

    def test_a_suffix_stays_with_the_built_in_reader(self, tmp_path: Path) -> None:
        path = tmp_path / "list.jsonl"
        path.write_text(json_lines(track("a")))
        with engine_with(reads("mine", lines, (".jsonl",))) as engine:
            assert imported(engine, path) == [track("a")]

    def test_a_suffix_that_two_plugins_claim_needs_a_format(self, tmp_path: Path) -> None:
        path = tmp_path / "list.mine"
        path.write_text("So What by Miles Davis\n")
        with engine_with(reads("mine", lines), reads("other", lines)) as engine:
            with pytest.raises(ImportFileError, match=r'by "mine" of .* and "other" of .*; choose one with --format'):
                imported(engine, path)
            assert len(imported(engine, path, "other")) == 1

    def test_an_unknown_format_is_a_sentence_with_the_nearest_one(self) -> None:
        with engine_with() as engine:
            with pytest.raises(ImportFileError, match=r'no format "jsn" for this, did you mean "json"\?'):
                Readers.of(engine.registry, engine.faults.report, "jsn")
            with pytest.raises(PlaylistError, match="there are csv, json, jsonl, jspf, m3u, pls, xspf"):
                chosen_writer(engine.registry, Path("x"), "?")


def raising(given: Any) -> Any:
    raise RuntimeError("it broke")


def breaking(given: Any) -> Iterator[Any]:
    yield Row(1, track("a")) if isinstance(given, TrackFile) else "piece"
    raise RuntimeError("it broke")


def leaving(given: Any) -> Iterator[Any]:
    yield from ()
    raise SystemExit(3)


async def later(given: Any) -> Any:
    """A coroutine, which nobody awaits."""


BROKEN: list[tuple[Callable[[Any], Any], str]] = [
    (raising, "RuntimeError: it broke"),
    (breaking, "RuntimeError: it broke"),
    (leaving, "raised SystemExit(3); a plugin must not end the program"),
    (later, "got a coroutine"),
    (lambda given: None, "expected several things"),
    (lambda given: "text", "expected several things"),
    (lambda given: [7], "got 7"),
]
BROKEN_ROWS: list[tuple[Callable[[Any], Any], str]] = [
    (lambda file: [Row(1, [])], "a Row has a line number and a dict of values"),  # type: ignore[arg-type]
    (lambda file: [Row("1", {})], "a Row has a line number and a dict of values"),  # type: ignore[arg-type]
]


class TestFaults:
    @pytest.mark.parametrize(("read", "said"), [*BROKEN, *BROKEN_ROWS])
    def test_a_broken_reader_is_reported_and_ends_the_import(
        self, tmp_path: Path, read: Callable[[Any], Any], said: str
    ) -> None:
        path = tmp_path / "list.mine"
        path.write_text("")
        with engine_with(reads("mine", read), config={"strict": False}) as engine:
            with (
                pytest.warns(PluginWarning, match='^reader mine of plugin "mine" '),
                pytest.raises(ImportFileError) as e,
            ):
                imported(engine, path)
            assert engine.faults.of("mine") == {"reader mine": 1}
        assert str(e.value).startswith(f'{path}: reader mine of plugin "mine" (passed in code) failed: ')
        assert said in str(e.value)

    @pytest.mark.parametrize(("write", "said"), [*BROKEN, (lambda given: ["\ud800"], "UnicodeEncodeError")])
    def test_a_broken_writer_is_reported_and_writes_nothing(self, write: Callable[[Any], Any], said: str) -> None:
        with engine_with(writes("mine", write), config={"strict": False}) as engine:
            with pytest.warns(PluginWarning, match='^writer mine of plugin "mine" '), pytest.raises(PlaylistError) as e:
                written(engine, [], "list.mine")
            assert engine.faults.of("mine") == {"writer mine": 1}
        assert said in str(e.value)

    def test_a_strict_engine_raises_what_a_reader_or_writer_does_wrong(self, tmp_path: Path) -> None:
        path = tmp_path / "list.mine"
        path.write_text("")
        with engine_with(reads("mine", raising), writes("out", raising)) as engine:
            with pytest.raises(PluginError, match=r'reader mine of plugin "mine" .*it broke'):
                imported(engine, path)
            with pytest.raises(PluginError, match=r'writer out of plugin "out" .*it broke'):
                written(engine, [], "list.mine")

    @pytest.mark.parametrize("suffixes", [None, ".mine", ["mine"], [".Mine"], [7]])
    @pytest.mark.parametrize("registers", [reads, writes])
    def test_suffixes_that_are_none_are_refused_at_the_start(self, registers: Any, suffixes: Any) -> None:
        with pytest.raises(PluginError, match=r'"mine": suffixes must be a tuple of strings in lower case'):
            engine_with(registers("mine", lines, suffixes))

    @pytest.mark.parametrize(("registers", "kind"), [(reads, "reader"), (writes, "writer")])
    def test_of_two_formats_of_one_name_neither_is_active_and_a_built_in_one_stays(
        self, registers: Any, kind: str
    ) -> None:
        twice = [registers(name, lines, plugin_name=f"{name} {n}") for name in ("mine", "csv") for n in (1, 2)]
        with pytest.warns(PluginWarning, match=f'{kind} "(mine|csv)"'):
            engine = engine_with(*twice, config={"strict": False})
        found = getattr(engine.registry, f"{kind}s")
        assert "mine" not in found
        assert found["csv"].built_in


# an example that makes an engine takes as long as the machine does
law = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=40)
strings = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
known_tracks = tracks(
    genre=st.sampled_from(["jazz", "hip-hop", "ä"]) | strings,
    mood=st.sampled_from(["calm", "Calm"]) | strings,
    energy=st.floats(0.0, 1.0) | st.sampled_from([0, 1]),
    tempo=st.sampled_from(TEMPOS),
    duration=st.integers(0, 100_000),
)


class TestWriting:
    @law
    @given(catalogues(known_tracks, max_size=4))
    def test_json_lines_and_json_are_read_as_they_were_written(
        self, tmp_path_factory: pytest.TempPathFactory, content: list[dict[str, Any]]
    ) -> None:
        folder = tmp_path_factory.mktemp("written")
        with engine_with(tracks=[]) as engine:
            for suffix in ("jsonl", "json"):
                path = folder / f"list.{suffix}"
                path.write_bytes(written(engine, content, path.name).encode())
                assert repr(sorted_items(imported(engine, path))) == repr(sorted_items(content))

    def test_csv_is_read_as_it_was_written_but_for_lists_in_extra_keys(self, tmp_path: Path) -> None:
        content = [track("a,b", title='say "so"\nwhat', album=None, tags=["x", "ü"]), track("c", plays=7)]
        with engine_with() as engine:
            text = written(engine, content, "list.csv")
            (tmp_path / "list.csv").write_bytes(text.encode())
            back = imported(engine, tmp_path / "list.csv")
        assert text.startswith("track_id,title,artist,genre,mood,energy,tempo,duration,album,tags,plays\n")
        assert back == [
            track("a,b", title='say "so"\nwhat', tags='["x", "ü"]'),
            track("c", plays=7),
        ]

    def test_m3u_says_length_name_and_place_of_each_track(self) -> None:
        content = [
            track("t1", location="/music/a  b.flac", path="other"),
            track("t2", location=" ", url="https://example.org/b.mp3", title="Two\nlines"),
            track("t3", location="#3.mp3", duration=None),
            track("t4", location="/music/#4\n.mp3", artist="Simon - Garfunkel", album="Bookends"),
        ]
        with engine_with() as engine:
            text = written(engine, content, "list.m3u8")
            assert text == written(engine, content, "list.m3u") == written(engine, content, "-", "m3u")
        assert text.splitlines() == [
            "#EXTM3U",
            "#PLAYLIST:Mine",
            '#QFZZ:{"track_id": "t1"}',
            "#EXTINF:180,Ada - Title t1",
            "/music/a  b.flac",
            '#QFZZ:{"track_id": "t2", "title": "Two\\nlines"}',
            "#EXTINF:180,Ada - Two lines",
            "https://example.org/b.mp3",
            '#QFZZ:{"track_id": "t3"}',
            "#EXTINF:-1,Ada - Title t3",
            "./#3.mp3",
            '#QFZZ:{"track_id": "t4", "title": "Title t4", "artist": "Simon - Garfunkel"}',
            "#EXTALB:Bookends",
            "#EXTINF:180,Simon - Garfunkel - Title t4",
            "file:///music/%234%0A.mp3",
        ]

    @pytest.mark.parametrize(
        ("place", "uri"),
        [
            ("/music/a b.flac", "file:///music/a%20b.flac"),
            ("C:\\music\\ä.flac", "file:///C:/music/%C3%A4.flac"),
            ("sub/a?b.flac", "sub/a%3Fb.flac"),
            ("https://example.org/a b?c=1%20", "https://example.org/a%20b?c=1%20"),
        ],
    )
    def test_xspf_has_places_as_uris(self, place: str, uri: str) -> None:
        with engine_with() as engine:
            (found,) = xspf(written(engine, [track("t1", path=place)], "list.xspf"))
        assert found["location"] == uri

    def test_xspf_has_the_fields_of_each_track_in_their_order(self) -> None:
        content = [track("t 1", album="A & <B>"), track("spotify:track:7")]
        with engine_with() as engine:
            first, second = xspf(written(engine, content, "list.xspf"))
        assert list(first.items()) == [
            ("identifier", "urn:qfzz:t%201"),
            ("title", "Title t 1"),
            ("creator", "Ada"),
            ("album", "A & <B>"),
            ("duration", "180000"),
        ]
        assert second["identifier"] == "spotify:track:7"

    @law
    @given(strings.filter(str.strip), strings, strings)
    def test_whatever_a_track_says_xspf_is_xml_and_m3u_has_three_lines_for_it(
        self, track_id: str, title: str, location: str
    ) -> None:
        content = [track(track_id, title=title, location=location)]
        with engine_with(tracks=[]) as engine:
            assert len(xspf(written(engine, content, "list.xspf"))) == 1
            if location.strip():
                assert written(engine, content, "list.m3u8").count("\n") == 5

    @law
    @given(catalogues(known_tracks, max_size=3), st.lists(strings, max_size=3), st.booleans())
    def test_whatever_a_track_says_csv_gives_its_fields_back_or_is_refused(
        self, tmp_path_factory: pytest.TempPathFactory, content: list[dict[str, Any]], odd: list[str], more: bool
    ) -> None:
        path = tmp_path_factory.mktemp("written") / "list.csv"
        for each, text in zip(content, odd, strict=False):
            each["title"] = text
            if more:
                each.setdefault(text, text)
        with engine_with(tracks=[]) as engine:
            try:
                path.write_bytes(written(engine, content, path.name).encode())
            except PlaylistError as error:
                assert str(error).startswith("a CSV file cannot hold ")  # noqa: PT017 - or it is read back
                return
            back = imported(engine, path)
        fields = [{name: each[name] for name in REQUIRED_FIELDS} for each in content]
        assert [{name: each[name] for name in REQUIRED_FIELDS} for each in back] == fields

    @pytest.mark.parametrize(
        "title", ["a\rb", "\r", "a\nb", " x ", '"', ",", "\0", "nan", "None", "'", "1e5", "\ufeffx", "a\u2028b"]
    )
    def test_odd_titles_come_back_from_every_format_that_can_be_imported(self, tmp_path: Path, title: str) -> None:
        content = [track("a", title=f"x{title}"), track("b", title=f"{title}y")]
        with engine_with() as engine:
            for suffix in ("csv", "json", "jsonl"):
                path = tmp_path / f"list.{suffix}"
                path.write_bytes(written(engine, content, path.name).encode())
                assert imported(engine, path) == content

    @pytest.mark.parametrize(
        ("values", "what"),
        [
            ({"title": " "}, 'the blank title of track "a", which would be a missing one'),
            ({"artist": ""}, 'the blank artist of track "a", which would be a missing one'),
            ({" note": "x"}, 'a column " note", whose name begins or ends with a blank'),
            ({"": "x"}, 'a column "", whose name begins or ends with a blank'),
            ({"note": "x" * 4_000_001}, 'a note of 4,000,001 characters, of track "a"'),
        ],
    )
    def test_what_an_import_of_csv_would_refuse_is_not_written(self, values: dict[str, Any], what: str) -> None:
        content = [{**track("a"), **values}]
        with engine_with() as engine:
            with pytest.raises(PlaylistError) as caught:
                written(engine, content, "list.csv")
            assert not engine.faults.of("csv")
            assert written(engine, content, "list.json")
        assert str(caught.value) == f"a CSV file cannot hold {what}; write json or jsonl instead"

    @pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
    def test_safe_csv_holds_no_formula_and_leaves_numbers_alone(self, first: str) -> None:
        content = [track("a", title=f"{first}1+1", plays=-5, **{f"{first}key": "x"} if first.strip() else {})]
        with engine_with() as engine:
            writer = chosen_writer(engine.registry, Path("list.csv"))
            files = [
                playlist_bytes(writer, Playlist("Mine", content, safe), engine.faults.report).decode()
                for safe in (True, False)
            ]
        safe, plain = [list(csv.reader(io.StringIO(text, newline=""))) for text in files]
        assert not any(cell.startswith(tuple("=+@\t\r")) for row in safe for cell in row)
        assert (safe[1][1], plain[1][1]) == (f"'{first}1+1", f"{first}1+1")
        assert safe[1][safe[0].index("plays")] == "-5"


def sorted_items(tracks: Iterable[dict[str, Any]]) -> list[Any]:
    return [sorted(each.items()) for each in tracks]


def xspf(text: str) -> list[dict[str, str | None]]:
    space = "{http://xspf.org/ns/0/}"
    playlist = ET.fromstring(text)
    assert (playlist.tag, playlist.get("version")) == (f"{space}playlist", "1")
    tracks = playlist.iterfind(f"{space}trackList/{space}track")
    return [{each.tag.removeprefix(space): each.text for each in found} for found in tracks]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    return isolated(tmp_path, monkeypatch)


BACKWARDS = """
from qfzz_core import hookimpl
from qfzz_core.formats import Row


class Backwards:
    name = "backwards"
    suffixes = (".txt",)

    def read(self, file):
        raise RuntimeError("it broke while reading")

    def write(self, playlist):
        for track in reversed(playlist.tracks):
            yield track["title"] + chr(10)
        playlist.tracks.clear()


@hookimpl
def qfzz_readers():
    return [Backwards()]


@hookimpl
def qfzz_writers():
    return [Backwards()]
"""


class TestTheCommandLine:
    def test_recommend_writes_a_playlist_that_import_reads(self, cli: Cli) -> None:
        cli.ok("import", cli.write("a.jsonl", json_lines(track("a"), track("b"))))
        path = cli.directory / "list.jsonl"
        result = cli("recommend", "alice", "--output", str(path), "--discovery", "0")
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr == f"{path}: 2 tracks, format jsonl.\n"
        assert [json.loads(line)["track_id"] for line in path.read_text().splitlines()] == ["a", "b"]
        assert cli.json("import", str(path))["replaced"] == 2

    def test_a_playlist_goes_to_stdout_in_the_format_that_is_named(self, cli: Cli) -> None:
        cli.ok("import", cli.write("a.jsonl", json_lines(track("a", path="a.flac"))))
        text = cli.ok("recommend", "alice", "--output", "-", "--format", "m3u")
        assert text.splitlines()[2:] == ['#QFZZ:{"track_id": "a"}', "#EXTINF:180,Ada - Title a", "a.flac"]

    def test_a_spreadsheet_can_open_safe_csv(self, cli: Cli) -> None:
        cli.ok("import", cli.write("a.jsonl", json_lines(track("a", title="=1+1"))))
        assert "a,'=1+1,Ada" in cli.ok("recommend", "alice", "--output", "-", "--format", "csv", "--safe-csv")

    @pytest.mark.parametrize(
        ("arguments", "code", "sentence"),
        [
            (["--safe-csv"], 2, "--safe-csv is about a file of CSV: say with --output"),
            (["--allow-unplayable"], 2, "--allow-unplayable is about a playlist: say with --output"),
            (["--output", "list.mp3"], 1, "list.mp3: the name must end in one of .csv, .json, .jsonl, .jspf, .m3u"),
            (["--output", "list.pls"], 1, "20 of 20 tracks have no location, so no player could open them: 'sample_"),
            (["--output", "x", "--format", "m3"], 1, 'there is no format "m3" for this, did you mean "m3u"?'),
            (["--format", "m3u"], 2, "say with --output where it goes"),
            (["--output", "no/such/directory.xspf"], 1, "cannot be written"),
        ],
    )
    def test_a_playlist_that_cannot_be_written_is_a_sentence(
        self, cli: Cli, arguments: list[str], code: int, sentence: str
    ) -> None:
        cli.ok("recommend", "alice")
        assert sentence in cli.fails("recommend", "alice", *arguments, code=code)

    @pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
    def test_a_playlist_can_be_read_by_its_owner_alone_unless_it_replaces_one_that_others_can_read(
        self, cli: Cli
    ) -> None:
        target = cli.directory / "list.xspf"
        mask = os.umask(0)
        try:
            cli.ok("recommend", "alice", "--output", str(target))
            made = stat.S_IMODE(target.stat().st_mode)
            target.chmod(0o644)
            cli.ok("recommend", "alice", "--output", str(target))
        finally:
            os.umask(mask)
        assert (made, stat.S_IMODE(target.stat().st_mode)) == (0o600, 0o644)

    def test_a_failing_reader_of_an_installed_plugin_is_named_and_nothing_is_imported(
        self, cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        install(cli.directory / "site", monkeypatch, "backwards", BACKWARDS)
        said = cli.fails("import", cli.write("a.jsonl", json_lines(track("a"))), cli.write("list.txt", "x"))
        named = 'reader backwards of plugin "backwards" (distribution backwards-distribution 1.0)'
        assert said.startswith(f"warning: {named}: RuntimeError: it broke while reading")
        assert f"Error: {cli.directory / 'list.txt'}: {named} failed" in said

    def test_an_installed_writer_writes_and_cannot_change_what_it_was_given(
        self, cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        install(cli.directory / "site", monkeypatch, "backwards", BACKWARDS)
        cli.ok("import", cli.write("a.jsonl", json_lines(track("a"), track("b"))))
        path = cli.directory / "list.txt"
        cli.ok("recommend", "alice", "--output", str(path), "--discovery", "0")
        assert path.read_text() == "Title b\nTitle a\n"
        listed = {record["name"]: record for record in cli.json("plugins")}
        assert listed["backwards"]["registered"] == ["reader backwards", "writer backwards"]

    def test_the_plugins_that_bring_formats_can_be_switched_off(
        self, cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = cli.write("a.csv", "track_id\n")
        monkeypatch.setenv("QFZZ_DISABLE_PLUGINS", "csv")
        said = cli.fails("import", path)
        assert "the name must end in one of" in said
        assert ".csv," not in said
