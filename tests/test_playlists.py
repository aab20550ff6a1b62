"""Playlists: what is written is what is read, whatever it says; what others write is read; nothing else breaks it."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.built_in import built_in_registry
from support.cli_runs import track
from support.third_party import plugin

from qfzz_core import PluginWarning
from qfzz_core.contracts import Description, Limits, PlaylistEntry, PlaylistFile, PlaylistTitle, TrackFile
from qfzz_core.errors import PluginError
from qfzz_core.formats import ImportFileError, Playlist, PlaylistError, playlists
from qfzz_core.formats.files import chosen_writer, playlist_bytes
from qfzz_core.formats.playlists import PlaylistReaders
from qfzz_core.testing import engine_with

FORMATS = ("m3u8", "m3u", "pls", "xspf", "jspf")
MBID = "11111111-2222-3333-4444-555555555555"


def refuse(*problem: Any) -> None:
    raise AssertionError(problem)


def read(path: Path, content: str | bytes, **settings: Any) -> PlaylistFile:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return PlaylistReaders.of(built_in_registry(), refuse, **settings).read(path)


def said(path: Path, content: str | bytes, **settings: Any) -> list[dict[str, Any]]:
    """What each entry says, without what it does not say."""
    entries = read(path, content, **settings).entries
    return [{name: value for name, value in attrs.asdict(entry.description).items() if value} for entry in entries]


def written(tracks: list[dict[str, Any]], suffix: str, title: str = "Mine", **more: Any) -> str:
    writer = chosen_writer(built_in_registry(), Path(f"list.{suffix}"))
    return playlist_bytes(writer, Playlist(title, tracks, **more), refuse).decode()


# ---- the round trip -------------------------------------------------------------------------------------------------

ODD = ("#", " - ", ",", "\n", "\r\n", "%", "%41", " ", "\\", '"', "<", "&amp;", "]]>", "\x00", "\u2028", "\ufeff", "é")
STARTS = (
    "/",
    "//",
    "/music/#",
    "C:\\",
    "C:/",
    "\\\\host\\",
    "https://x.org/",
    "file:///",
    "file://host/",
    "urn:",
)
strings = st.lists(st.sampled_from(ODD) | st.text(st.characters(exclude_categories=["Cs"]), max_size=4), max_size=4)
strings = strings.map("".join)
locations = st.tuples(st.sampled_from(STARTS), strings).map("".join)
of_others = ("spotify:track:7", f"https://musicbrainz.org/recording/{MBID}", "urn:qfzz:x", "#4", "C:x")
tracks = st.fixed_dictionaries(
    {
        "track_id": strings.filter(str.strip) | st.sampled_from(of_others),
        "title": strings,
        "artist": strings,
        "duration": st.none() | st.integers(1, 10**6),
        "location": locations,
    },
    optional={
        "album": strings | st.none(),
        "recording_mbid": st.just(MBID) | strings,
        "isrc": st.just("USABC1234567") | strings,
    },
)
lists = given(st.lists(tracks, max_size=4), strings)
quick = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)


def check_round_trip(folder: Path, content: list[dict[str, Any]], title: str) -> None:
    for suffix in FORMATS:
        found = read(folder / f"list.{suffix}", written(content, suffix, title))
        assert (found.title or "") == title
        for entry, expected in zip(found.entries, content, strict=True):
            heard = attrs.asdict(entry.description)
            places = {} if expected["location"].startswith("file:") else {"location": expected["location"]}
            wanted = {**expected, **places} if places else {k: v for k, v in expected.items() if k != "location"}
            assert {name: heard[name] or None for name in wanted} == {n: v or None for n, v in wanted.items()}
            assert entry.problem is None


@quick
@lists
def test_what_is_written_is_read_back_equal(tmp_path: Path, content: list[dict[str, Any]], title: str) -> None:
    check_round_trip(tmp_path, content, title)


@pytest.mark.exhaustive
@settings(quick, max_examples=300)
@lists
def test_hundreds_of_lists_are_read_back_equal(tmp_path: Path, content: list[dict[str, Any]], title: str) -> None:
    check_round_trip(tmp_path, content, title)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_relative_place_is_below_the_directory_of_the_list(tmp_path: Path, suffix: str) -> None:
    places = ["sub/a b.mp3", "#1.mp3", " x\n.mp3", "../y%20.mp3", "Live: 1.mp3"]
    text = written([track(str(n), location=place) for n, place in enumerate(places)], suffix)
    base, above = tmp_path, tmp_path.parent
    expected = [f"{base}/sub/a b.mp3", f"{base}/#1.mp3", f"{base}/ x\n.mp3", f"{above}/y%20.mp3", f"{base}/Live: 1.mp3"]
    assert [each["location"] for each in said(tmp_path / f"list.{suffix}", text)] == expected


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_players_read_is_in_the_words_of_the_format(suffix: str) -> None:
    plain = track("t1", title="So What", artist="Miles Davis", duration=None, location="/music/so what.flac")
    text = written([plain], suffix)
    for word in ("So What", "Miles Davis"):
        assert word in text
    assert ("/music/so what.flac" in text) != ("file:///music/so%20what.flac" in text)
    assert ("-1" in text) == (suffix not in ("xspf", "jspf"))


@pytest.mark.parametrize("suffix", FORMATS)
def test_tracks_without_a_location_are_only_written_where_ids_are_or_when_that_is_allowed(
    tmp_path: Path, suffix: str
) -> None:
    content = [track("a", location="/a.mp3"), *(track(name) for name in "bcde")]
    if suffix in ("xspf", "jspf"):
        assert [each.get("location") for each in said(tmp_path / f"x.{suffix}", written(content, suffix))][1:] == [
            None
        ] * 4
        return
    with pytest.raises(PlaylistError) as caught:
        written(content, suffix)
    assert str(caught.value).startswith(
        "4 of 5 tracks have no location, so no player could open them: 'b', 'c', 'd', ...;"
    )
    assert "--allow-unplayable" in str(caught.value)
    allowed = said(tmp_path / f"x.{suffix}", written(content, suffix, allow_unplayable=True))
    assert [(each["track_id"], each.get("location")) for each in allowed][:2] == [("a", "/a.mp3"), ("b", None)]


# ---- what others write ----------------------------------------------------------------------------------------------


def entry(**fields: Any) -> dict[str, Any]:
    return fields


DAMAGED = ('{"title": 7, "duration": -1, "other": "x"}', f'{{"duration": 1{"0" * 400}}}')


class TestM3u:
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_lines_end_as_on_any_system(self, tmp_path: Path, end: str) -> None:
        text = end.join(["#EXTM3U", "", "#EXTINF:123,A - B", "# a comment", "/b.mp3", "/c.mp3"])
        found = read(tmp_path / "list.m3u", text)
        assert [each.line for each in found.entries] == [5, 6]
        expected = [entry(title="B", artist="A", duration=123.0, location="/b.mp3"), entry(location="/c.mp3")]
        assert said(tmp_path / "list.m3u", text) == expected

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("123,A - B", entry(duration=123.0, artist="A", title="B")),
            ("-1,Radio", entry(title="Radio")),
            ("0,Radio", entry(title="Radio")),
            ("12.5, A - B - C ", entry(duration=12.5, artist="A", title="B - C")),
            ('-1 tvg-id="x, y" tvg-logo=http://z/a group-title="g",A, B', entry(title="A, B")),
            (" 7 ,A -", entry(duration=7.0, title="A -")),
            ("nonsense", entry()),
            (",A - B", entry(artist="A", title="B")),
            ("9" * 400 + ",B", entry(title="B")),
        ],
    )
    def test_what_stands_before_a_place(self, tmp_path: Path, line: str, expected: dict[str, Any]) -> None:
        assert said(tmp_path / "list.m3u8", f"#EXTINF:{line}\n/a.mp3\n") == [{**expected, "location": "/a.mp3"}]

    def test_directives_are_of_the_next_entry(self, tmp_path: Path) -> None:
        text = "#PLAYLIST: Mine \n#EXTART:A - B\n#EXTALB:C\n#EXTINF:1,A - B - D\n/a\n#EXTINF:1,E\n/b\n"
        assert read(tmp_path / "list.m3u8", text).title == "Mine"
        first, second = said(tmp_path / "list.m3u8", text)
        assert first == entry(artist="A - B", album="C", title="D", duration=1.0, location="/a")
        assert second == entry(title="E", duration=1.0, location="/b")

    @pytest.mark.parametrize(
        ("line", "place"),
        [
            ("a b.mp3", "{0}/a b.mp3"),
            ("../x/./a.mp3", "{1}/x/a.mp3"),
            ("Music\\a.mp3", "{0}/Music/a.mp3"),
            ("Live: 1.mp3", "{0}/Live: 1.mp3"),
            ("C:\\Music\\a.mp3", "C:\\Music\\a.mp3"),
            ("\\\\host\\a.mp3", "\\\\host\\a.mp3"),
            ("file:///m/a%20b.mp3", "/m/a b.mp3"),
            ("file://localhost/m/a.mp3", "/m/a.mp3"),
            ("file:/m/a.mp3", "/m/a.mp3"),
            ("file:///C:/m/a.mp3", "C:\\m\\a.mp3"),
            ("file://host/m/a.mp3", "//host/m/a.mp3"),
            ("file:///m/%E4.mp3", "/m/%E4.mp3"),
            ("file:", "file:"),
            ("https://x.org/a%20b?c=1", "https://x.org/a%20b?c=1"),
        ],
    )
    def test_places_are_absolute_paths_or_uris(self, tmp_path: Path, line: str, place: str) -> None:
        (found,) = said(tmp_path / "list.m3u8", f"{line}\n")
        assert found == entry(location=place.format(tmp_path, tmp_path.parent))

    @pytest.mark.parametrize(
        ("name", "content", "title"),
        [
            ("list.m3u8", "\ufeff#EXTINF:1,Göttingen\n/a\n".encode(), "Göttingen"),
            ("list.m3u", "#EXTINF:1,Göttingen\n/a\n".encode(), "Göttingen"),
            ("list.m3u", "#EXTINF:1,Göttingen €\n/a\n".encode("cp1252"), "Göttingen €"),
            ("list.m3u", b"#EXTINF:1,\x81\xe9\n/a\n", "\x81é"),
            ("list.m3u", "#EXTENC: iso-8859-2\n#EXTINF:1,Łódź\n/a\n".encode("latin2"), "Łódź"),
            ("list.m3u8", "#EXTM3U\n#EXTINF:1,Göttingen\n/a\n".encode("utf-16"), "Göttingen"),
        ],
    )
    def test_encodings(self, tmp_path: Path, name: str, content: bytes, title: str) -> None:
        assert said(tmp_path / name, content)[0]["title"] == title
        assert said(tmp_path / f"{name}.gz", gzip.compress(content))[0]["title"] == title

    def test_what_is_no_utf8_is_refused_by_line_and_read_as_the_user_says(self, tmp_path: Path) -> None:
        path = tmp_path / "list.m3u8"
        content = "#EXTM3U\n#EXTINF:1,Göttingen\n/a\n".encode("cp1252")
        with pytest.raises(ImportFileError) as caught:
            read(path, content)
        assert str(caught.value).startswith(
            f"{path}: line 2: not UTF-8 text: byte 0xf6 at character 12; with --encoding"
        )
        assert said(path, content, encoding="cp1252")[0]["title"] == "Göttingen"

    @pytest.mark.parametrize("name", ["?", "utf-16", "unicode_escape", "idna", "cp037", "hex", "\0"])
    def test_an_encoding_in_which_there_are_no_lines_is_refused(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(ImportFileError, match=r"line 1: there is no encoding .*--encoding"):
            read(tmp_path / "list.m3u", f"#EXTENC:{name}\n/a\n")

    @pytest.mark.parametrize("line", ["", "[]", "7", "{", "[" * 5_000, *DAMAGED])
    def test_a_line_of_ours_that_was_damaged_is_passed_over(self, tmp_path: Path, line: str) -> None:
        text = f"#QFZZ-PLAYLIST:{line}\n#QFZZ:{line}\n#EXTINF:1,A\n/a\n"
        assert said(tmp_path / "list.m3u8", text) == [entry(title="A", duration=1.0, location="/a")]
        assert read(tmp_path / "list.m3u8", text).title is None

    def test_half_a_character_is_a_problem_of_its_entry(self, tmp_path: Path) -> None:
        found = read(tmp_path / "list.m3u8", '#QFZZ-PLAYLIST:"\\ud800"\n#QFZZ:{"title": "\\ud800"}\n/a\n/b\n')
        assert found.title is None
        assert [each.problem for each in found.entries] == ["holds a lone surrogate, which is no character", None]

    def test_a_line_that_is_too_long_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ImportFileError, match=r"line 2: the line has more than 4,000,000 characters"):
            read(tmp_path / "list.m3u8", "/a\n" + "b" * 4_000_001)


class TestPls:
    def test_keys_come_in_any_order_and_case(self, tmp_path: Path) -> None:
        text = "[Playlist]\nLength2=-1\ntitle2=Radio\nFile10=/c\nFILE2 = http://x.org/s\nTitle1=A - B\nLength1=7\n"
        text += "NumberOfEntries=3\nFile1=a.mp3\nVersion=2\nX-GNOME-Title=Mine\nFile=x\n"
        found = read(tmp_path / "list.pls", text)
        assert (found.title, [each.line for each in found.entries]) == ("Mine", [6, 2, 4])
        assert said(tmp_path / "list.pls", text) == [
            entry(artist="A", title="B", duration=7.0, location=f"{tmp_path}/a.mp3"),
            entry(title="Radio", location="http://x.org/s"),
            entry(location="/c"),
        ]

    def test_what_is_no_pls_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ImportFileError, match=r"there is no line \[playlist\]"):
            read(tmp_path / "list.pls", "/a.mp3\n")
        assert read(tmp_path / "list.pls", "[playlist]\n").entries == ()


XSPF = """<?xml version="1.0" encoding="{encoding}"?>
<playlist version="1" xmlns="http://xspf.org/ns/0/">
  <title> Mine </title>
  <creator>Somebody</creator>
  <trackList>
    <track>
      <location>music/a%20b.mp3</location><location>http://x.org/</location>
      <identifier>https://musicbrainz.org/recording/{mbid}</identifier>
      <identifier>isrc:us-abc-12-34567</identifier>
      <title>G&#246;ttingen</title><creator>A</creator><album>B</album><duration>1500</duration>
      <extension application="x"><title>no</title></extension>
    </track>
    <track/>
    <track><link rel="x">http://musicbrainz.org/recording/{mbid}</link><location>C:\\m\\a.mp3</location></track>
    <track><identifier>urn:qfzz:a%20b</identifier></track>
  </trackList>
</playlist>
"""
RICH = entry(
    title="Göttingen", artist="A", album="B", duration=1.5, recording_mbid=MBID, isrc="USABC1234567", location="a b.mp3"
)


class TestXspf:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-2"])
    def test_elements_are_read(self, tmp_path: Path, encoding: str) -> None:
        content = XSPF.format(encoding=encoding, mbid=MBID).encode(encoding)
        found = read(tmp_path / "list.xspf", content)
        assert (found.title, [each.line for each in found.entries]) == ("Mine", [6, 13, 14, 15])
        assert said(tmp_path / "list.xspf", content) == [
            {**RICH, "location": f"{tmp_path}/music/a b.mp3"},
            {},
            entry(recording_mbid=MBID, location="C:\\m\\a.mp3"),
            entry(track_id="a b"),
        ]

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ("", "not valid XML: no element found"),
            ("<playlist>", "not valid XML: no element found"),
            ("<html/>", "line 1: expected an element playlist, got 'html'"),
            ('<!DOCTYPE x [<!ENTITY a "b">]><playlist>&a;</playlist>', "line 1: this declares a document type (DTD)"),
            ('<!DOCTYPE x SYSTEM "http://x.org/x.dtd"><playlist/>', "this declares a document type (DTD)"),
            ("<playlist>&a;</playlist>", "not valid XML: undefined entity"),
            ("<playlist>" + "<a>" * 200, "line 1: is nested deeper than 100 levels"),
            ('<?xml version="1.0" encoding="unicode_escape"?><playlist/>', "not valid XML"),
            ('<?xml version="1.0" encoding="nothing"?><playlist/>', "not valid XML"),
            ("<playlist>" + "x" * 4_100_000, "a track has more than 4,000,000 characters"),
        ],
    )
    def test_what_is_no_xspf_or_attacks_is_refused(self, tmp_path: Path, content: str, reason: str) -> None:
        path = tmp_path / "list.xspf"
        with pytest.raises(ImportFileError) as caught:
            read(path, content)
        assert str(caught.value).startswith(f"{path}: ")
        assert reason in str(caught.value)


class TestJspf:
    def test_lists_of_listenbrainz_are_read(self, tmp_path: Path) -> None:
        rich = {"title": "Göttingen", "creator": "A", "album": "B", "duration": 1500, "location": ["a%20b.mp3"]}
        rich["identifier"] = [f"https://musicbrainz.org/recording/{MBID}", "urn:isrc:USABC1234567"]
        items = [
            rich,
            {"identifier": f"https://musicbrainz.org/recording/{MBID}/"},
            7,
            {"title": None, "extension": []},
        ]
        document = {"playlist": {"creator": "x", "title": "Mine", "track": items, "date": None}, "more": []}
        found = read(tmp_path / "list.json", json.dumps(document))
        assert found.title == "Mine"
        assert [(each.line, each.problem) for each in found.entries][1:3] == [
            (2, None),
            (3, "expected an object, got 7"),
        ]
        assert said(tmp_path / "list.jspf", json.dumps(document)) == [
            {**RICH, "location": f"{tmp_path}/a b.mp3"},
            entry(recording_mbid=MBID),
            {},
            {},
        ]

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ("", "expected an object that holds one under"),
            ("[]", "expected an object that holds one under"),
            ('{"playlist": []}', "expected an object that holds one under"),
            ('{"playlist": {"track": [{]}}', "not valid JSON"),
            ('{"playlist": {}} x', "not valid JSON: Extra data"),
            ('{"playlist": {"track": [' + "[" * 100_000, "not valid JSON: nested too deeply"),
        ],
    )
    def test_what_is_no_jspf_is_refused(self, tmp_path: Path, content: str, reason: str) -> None:
        with pytest.raises(ImportFileError, match=r"list\.jspf: ") as caught:
            read(tmp_path / "list.jspf", content)
        assert reason in str(caught.value)


# ---- what breaks nothing --------------------------------------------------------------------------------------------

TOKENS = (
    *(b"\xff\xfe", b"\xef\xbb\xbf", b"\x00", b"\r", b"\x80", b'"', b"1e999", b"NaN", b"null", b"9" * 5000),
    *(b"<!DOCTYPE a>", b"<track>", b"</track>", b"&#0;", b"&x;", b"encoding='utf-7'"),
    *(b"{", b"]", b"[" * 3000, b"\\ud800"),
    *(b"#EXTENC:latin-1\n", b"#QFZZ:", b"#EXTINF:", b"File99999999999="),
    *(b"file://", b"urn:qfzz:%ff", b"C:\\", b"http://["),
)


@pytest.mark.parametrize("suffix", FORMATS)
def test_whatever_was_damaged_it_is_a_list_or_a_sentence_that_names_the_file(tmp_path: Path, suffix: str) -> None:
    drawn = random.Random(suffix)
    whole = written(
        [track(n, location=f"/m/{n}\n", recording_mbid=MBID, artist="A - é") for n in "abc"], suffix
    ).encode()
    path = tmp_path / f"list.{suffix}"
    for _ in range(200):
        damaged = bytearray(whole)
        for _ in range(drawn.randint(1, 5)):
            place = drawn.randrange(len(damaged) + 1)
            damaged[place : place + drawn.choice((0, 0, 1, 30))] = drawn.choice((b"", *TOKENS))
        try:
            read(path, bytes(damaged))
        except ImportFileError as error:
            assert str(error).startswith(str(path))  # noqa: PT017 - or it is a list


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_bomb_is_refused_by_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"list.{suffix}.gz"
    with pytest.raises(ImportFileError, match=r"list\..*expands to more than 200 times its size"):
        read(path, gzip.compress(bytes(20_000_000)))
    with pytest.raises(ImportFileError, match=r"list\..*not a valid gzip file"):
        read(path, b"x")
    with pytest.raises(ImportFileError, match="No such file"):
        PlaylistReaders.of(built_in_registry(), refuse).read(tmp_path / f"gone.{suffix}")


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_list_of_too_many_entries_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"list.{suffix}"
    path.write_text(written([track(name, location=f"/{name}") for name in "abc"], suffix))
    readers = PlaylistReaders(built_in_registry().playlist_readers, refuse, limits=Limits(entries=2))
    with pytest.raises(ImportFileError, match=r"list\..*a playlist of more than 2 entries"):
        readers.read(path)


def test_a_file_that_is_larger_than_a_playlist_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playlists, "MAX_BYTES", 10)
    with pytest.raises(ImportFileError, match="more than 10 bytes"):
        read(tmp_path / "list.m3u", "/a/b/c\n" * 2)


# ---- plugins --------------------------------------------------------------------------------------------------------


@attrs.frozen
class Reading:
    read: Callable[[TrackFile], Any]
    name: str = "mine"
    suffixes: Any = (".mine",)


def reads(function: Callable[[TrackFile], Any], **more: Any) -> Any:
    return plugin("mine", qfzz_playlist_readers=lambda: [Reading(function, **more)])


def breaking(file: TrackFile) -> Iterator[Any]:
    yield PlaylistEntry(1)
    raise RuntimeError("it broke")


class TestReadersOfPlugins:
    def test_they_are_chosen_by_suffix_or_name_and_a_built_in_keeps_its_suffix(self, tmp_path: Path) -> None:
        paths = [tmp_path / name for name in ("x.mine", "x.m3u")]
        for path in paths:
            path.write_text("/a\n")
        mine = reads(lambda file: [PlaylistTitle("x")], suffixes=(".mine", ".m3u"))
        with engine_with(mine) as engine:
            readers = PlaylistReaders.of(engine.registry, engine.faults.report)
            assert [readers.read(path).title for path in paths] == ["x", None]
            readers = PlaylistReaders.of(engine.registry, engine.faults.report, "mine")
            assert readers.read(paths[1]) == PlaylistFile(paths[1], "mine", "x", ())
            with pytest.raises(ImportFileError, match='no format "min" for this, did you mean "mine"'):
                PlaylistReaders.of(engine.registry, engine.faults.report, "min")
            with pytest.raises(ImportFileError, match="there is no encoding"):
                PlaylistReaders.of(engine.registry, engine.faults.report, encoding="?")

    @pytest.mark.parametrize(
        ("function", "reason"),
        [
            (breaking, "RuntimeError: it broke"),
            (lambda file: None, "expected several things"),
            (lambda file: [7], "read must give objects of PlaylistEntry and PlaylistTitle, got 7"),
            (lambda file: [PlaylistTitle(7)], "read must give objects of PlaylistEntry and PlaylistTitle"),  # type: ignore[arg-type]
            (lambda file: [PlaylistEntry("1")], "read must give objects of PlaylistEntry"),  # type: ignore[arg-type]
            (lambda file: [PlaylistEntry(1, {})], "a PlaylistEntry has a Description"),  # type: ignore[arg-type]
            (lambda file: [PlaylistEntry(1, Description(title=7))], "a PlaylistEntry has a Description"),  # type: ignore[arg-type]
            (lambda file: [PlaylistEntry(1, Description(duration="7"))], "a PlaylistEntry has a"),  # type: ignore[arg-type]
        ],
    )
    def test_a_broken_one_is_reported(self, tmp_path: Path, function: Any, reason: str) -> None:
        path = tmp_path / "x.mine"
        path.write_text("")
        with engine_with(reads(function), config={"strict": False}) as engine:
            with (
                pytest.warns(PluginWarning, match="^playlist reader mine of plugin"),
                pytest.raises(ImportFileError) as e,
            ):
                PlaylistReaders.of(engine.registry, engine.faults.report).read(path)
            assert engine.faults.of("mine") == {"playlist reader mine": 1}
        assert reason in str(e.value)

    def test_suffixes_that_are_none_are_refused_at_the_start(self) -> None:
        with pytest.raises(PluginError, match='PlaylistReader "mine": suffixes must be a tuple'):
            engine_with(reads(breaking, suffixes=".mine"))
