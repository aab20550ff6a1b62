"""Readers of listening histories: each form by files as real tools write them, and what no file may do."""

import contextlib
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.third_party import plugin

from qfzz_core.contracts import Description, ImportFileError, LeftOut, Limits, Play
from qfzz_core.engine import Engine
from qfzz_core.formats.histories import Histories

TRACK = "4uLU6hMCjMI75M1A2tKUQC"


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(installed=[]) as made:
        yield made


Read = Callable[..., list[Play | LeftOut]]


@pytest.fixture
def read(engine: Engine, tmp_path: Path) -> Read:
    """Write a file, and return its entries."""

    def read(name: str, content: str | bytes, **settings: Any) -> list[Play | LeftOut]:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        histories = Histories.of(engine.registry, engine.faults.report, **settings)
        return [entry for _, entry in histories.entries(path)]

    return read


def extended(**values: Any) -> dict[str, Any]:
    """A play of Spotify's extended history."""
    return {
        "ts": "2021-11-15T13:41:44Z",
        "username": "alice",
        "ms_played": 82932,
        "master_metadata_track_name": "Ghost",
        "master_metadata_album_artist_name": "Justin Bieber",
        "master_metadata_album_album_name": "Justice",
        "spotify_track_uri": f"spotify:track:{TRACK}",
        "episode_name": None,
        "reason_end": "trackdone",
        "skipped": None,
        "incognito_mode": False,
        **values,
    }


def listen(**values: Any) -> dict[str, Any]:
    """A listen of ListenBrainz."""
    more = {"duration_ms": 620000, "recording_mbid": "0f4d3a0a-0000-4000-8000-000000000000"}
    metadata = {"artist_name": "Nina Simone", "track_name": "Sinnerman", "release_name": "P", "additional_info": more}
    return {"listened_at": 1600000000, "track_metadata": metadata, **values}


EPISODE = extended(master_metadata_track_name=None, spotify_track_uri=None, episode_name="E")
SHORT = {"endTime": "2021-04-21 05:30", "artistName": "Fall Out Boy", "trackName": "Sugar", "msPlayed": 215710}
PLAY = {"timestamp": "2020-01-01T10:00:00Z", "artist": "Nina Simone", "title": "Sinnerman"}
MALOJA = {"time": 1600000000, "track": {"artists": ["A", "B"], "title": "T", "album": {"albumtitle": "L"}, "length": 9}}
PANO = {"timeMs": 1600000000000, "artist": "A", "track": "T", "album": "", "durationMs": 0, "event": "scrobble"}


HEADER = "uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid\n"


def lines(*entries: Any) -> str:
    return "".join(json.dumps(entry) + "\n" for entry in entries)


def zipped(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/"), content)
    return buffer.getvalue()


# ---- the forms ------------------------------------------------------------------------------------------------------


def test_the_extended_history_of_spotify_says_what_was_played_and_how_it_ended(read: Read) -> None:
    play, *others = read("endsong_0.json", json.dumps([extended(), EPISODE, extended(incognito_mode=True)]))
    assert play == Play(
        line=1,
        heard=Description(
            title="Ghost",
            artist="Justin Bieber",
            album="Justice",
            track_id=TRACK,
            location=f"spotify:track:{TRACK}",
        ),
        timestamp=datetime(2021, 11, 15, 13, 41, 44, tzinfo=UTC),
        played=82.932,
        skipped=False,
        source="spotify",
        family="spotify",
    )
    assert others == [LeftOut(2, "podcast"), LeftOut(3, "incognito")]


@pytest.mark.parametrize(
    ("skipped", "reason_end", "said"),
    [
        (None, "trackdone", False),
        (True, "trackdone", False),
        (True, "endplay", True),
        (None, "fwdbtn", True),
        (False, "backbtn", True),
        (False, "logout", None),
        (None, None, None),
    ],
)
def test_the_reason_why_a_play_ended_counts_more_than_the_flag(
    read: Read, skipped: bool | None, reason_end: str | None, said: bool | None
) -> None:
    (play,) = read("x.json", json.dumps([extended(skipped=skipped, reason_end=reason_end)]))
    assert isinstance(play, Play)
    assert play.skipped is said


def test_the_short_history_of_spotify_is_read(read: Read) -> None:
    podcast = {"endTime": "2021-04-21 05:31", "podcastName": "P", "episodeName": "E", "msPlayed": 1000}
    other, play = read("StreamingHistory0.json", json.dumps([podcast, SHORT]))
    assert other == LeftOut(1, "podcast")
    assert isinstance(play, Play)
    assert (play.timestamp, play.played) == (datetime(2021, 4, 21, 5, 30, tzinfo=UTC), 215.71)
    assert play.heard == Description(title="Sugar", artist="Fall Out Boy")


def test_an_empty_history_is_known_by_its_name(read: Read) -> None:
    assert read("StreamingHistory3.json", "[]") == read("Streaming_History_Audio_2020_1.json", " [ ]\n") == []


def test_listens_are_read_from_lines_lists_and_archives(read: Read) -> None:
    (play,) = read("listens.jsonl", lines(listen()))
    assert isinstance(play, Play)
    assert play.timestamp == datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC)
    assert (play.heard.title, play.heard.duration) == ("Sinnerman", 620)
    assert play.heard.recording_mbid == "0f4d3a0a-0000-4000-8000-000000000000"
    assert read("listens.json", json.dumps([listen()])) == read("listens.json", lines(listen())) == [play]
    assert read("listens.jsonl.gz", gzip.compress(lines(listen()).encode())) == [play]
    files = {"user.json": "{}", "listens__2020__1.jsonl": lines(listen()), "listens__2020__2.jsonl": lines(listen())}
    assert read("export.zip", zipped(**files)) == [play, play]


def test_artists_that_musicbrainz_parts_are_kept_apart(read: Read) -> None:
    mapped = {"recording_mbid": "m", "artists": [{"artist_credit_name": "A"}, {"artist_credit_name": "B"}]}
    (play,) = read("x.jsonl", lines(listen(track_metadata={**listen()["track_metadata"], "mbid_mapping": mapped})))
    assert isinstance(play, Play)
    assert (play.heard.artists, play.heard.recording_mbid) == (("A", "B"), "m")


@pytest.mark.parametrize(
    "table",
    [
        'Björk,Homogenic,"Jóga, live",01 Jan 2020 10:05\n',
        "Björk;Homogenic;Jóga, live;01 Jan 2020, 10:05\n",
        f'{HEADER}"1577873100","01 Jan 2020, 10:05","Björk","","Homogenic","","Jóga, live",""\n',
        'Artist,Album,Title,Date\nBjörk,Homogenic,"Jóga, live",2020-01-01 10:05\n',
        'timeMs,artist,track,album,durationMs,event\n1577873100000,Björk,"Jóga, live",Homogenic,,scrobble\n',
    ],
)
def test_tables_of_scrobbles_are_read_with_a_header_and_without(read: Read, table: str) -> None:
    (play,) = read("scrobbles.csv", table)
    assert isinstance(play, Play)
    assert play.timestamp == datetime(2020, 1, 1, 10, 5, tzinfo=UTC)
    assert play.heard == Description(artist="Björk", album="Homogenic", title="Jóga, live")
    assert play.skipped is False


def test_a_duration_that_can_be_none_is_unknown(read: Read) -> None:
    entries = read("plays.jsonl", lines({**PLAY, "duration": 0}, {**PLAY, "duration": -1}, {**PLAY, "duration": "x"}))
    assert [entry.heard.duration for entry in entries if isinstance(entry, Play)] == [None] * 3


def test_maloja_is_read(read: Read) -> None:
    document = {"maloja": {"export_time": 1}, "scrobbles": [MALOJA]}
    (play,) = read("maloja.json", json.dumps(document, indent=1))
    assert isinstance(play, Play)
    assert play.heard == Description(title="T", artist="A", artists=("A", "B"), album="L", duration=9)


def test_pano_logs_what_is_no_play_too(read: Read) -> None:
    play, other = read("pano.jsonl", lines(PANO, {**PANO, "event": "love"}))
    assert isinstance(play, Play)
    assert play.heard == Description(title="T", artist="A")
    assert other == LeftOut(2, "other")


def test_the_form_of_our_own_takes_all_that_a_description_says(read: Read) -> None:
    more = {"album": "P", "duration": 620, "played": 12.5, "skipped": True, "track_id": "t", "isrc": "i"}
    (play,) = read("plays.jsonl", lines({**PLAY, **more, "event_id": "7", "artists": ["Nina Simone", "X"]}))
    assert isinstance(play, Play)
    assert play.heard == Description(
        title="Sinnerman",
        artist="Nina Simone",
        artists=("Nina Simone", "X"),
        album="P",
        duration=620,
        track_id="t",
        isrc="i",
    )
    assert (play.played, play.skipped, play.source_id) == (12.5, True, "7")


# ---- what is wrong with an entry ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "entry", "reason"),
    [
        ("x.json", extended(ms_played=-1), "ms_played must be from 0"),
        ("x.json", extended(ms_played=True), "ms_played must be a number"),
        ("x.json", extended(ms_played=None), "ms_played is missing"),
        ("x.json", extended(ts="yesterday"), "ts is no time"),
        ("x.json", extended(ts="1066-10-14T00:00:00Z"), "ts is before 1970"),
        ("x.json", extended(master_metadata_track_name=5), "master_metadata_track_name must be text"),
        ("x.json", extended(master_metadata_track_name="x" * 6000), "has 6,000 characters"),
        ("x.json", extended(master_metadata_track_name=None, spotify_track_uri=None), "neither a track nor"),
        ("x.json", {**SHORT, "trackName": "\ud800"}, "lone surrogate"),
        ("x.json", {**SHORT, "artistName": " "}, "artistName is missing"),
        ("x.jsonl", listen(listened_at=1e300), "listened_at is no time"),
        ("x.jsonl", listen(listened_at=None), "listened_at is missing"),
        ("x.jsonl", listen(track_metadata=[]), "track_metadata must be an object"),
        ("x.jsonl", {**PLAY, "timestamp": "2020-01-01T10:00"}, "needs an offset"),
        ("x.jsonl", {**PLAY, "timestamp": "noon"}, "timestamp is no time"),
        ("x.jsonl", {**PLAY, "played": 1e12}, "played must be from 0"),
        ("x.jsonl", {**PLAY, "played": "1e999"}, "played must be a number"),
        ("x.jsonl", {**PLAY, "skipped": 1}, "skipped must be true or false"),
        ("x.jsonl", {"timestamp": PLAY["timestamp"], "artist": "A"}, "names no track"),
        ("x.jsonl", {**PLAY, "timestamp": "9999-12-31T23:59:59-23:00"}, "timestamp is no time"),
        ("x.jsonl", [], "expected an object"),
    ],
)
def test_an_entry_that_is_none_is_left_out_with_its_place(read: Read, name: str, entry: Any, reason: str) -> None:
    first = {"x.json": SHORT if "endTime" in entry else extended(), "x.jsonl": listen()}[name]
    if isinstance(entry, dict) and "timestamp" in entry:
        first = PLAY
    content = json.dumps([first, entry]) if name == "x.json" else lines(first, entry)
    _, bad = read(name, content)
    assert isinstance(bad, LeftOut)
    assert (bad.line, bad.kind) == (2, "bad")
    assert reason in bad.reason


def test_rows_of_a_table_that_say_no_play_are_left_out_with_their_place(read: Read) -> None:
    table = 'A,L,T,01 Jan 2020 10:05\nA,L,,01 Jan 2020 10:06\nA,L,T\nA,L,T,31 Feb 2020 10:00\n\nA,L,T,"x"y\n'
    play, *bad = read("x.csv", table)
    assert isinstance(play, Play)
    assert [(each.line, each.kind) for each in bad if isinstance(each, LeftOut)] == [(n, "bad") for n in (2, 3, 4, 6)]


# ---- which file is a history ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tracks.csv", "artist,title,genre,date\nA,T,jazz,2001-05-05\n"),
        ("tracks.csv", "artist,track,date\n"),
        ("tracks.csv", "artist,track,time\nA,T,3:45\n"),
        ("tracks.csv", "artist,track,date,genre\nA,T,2001-05-05 10:00,jazz\n"),
        ("tracks.csv", 'a,b\n"' + "\r\r" * 3),
        ("tracks.csv", 'a,"b\n'),
        ("tracks.json", json.dumps([{"title": "T", "timestamp": "2020-01-01T10:00Z", "genre": "jazz"}])),
        ("tracks.json", '{"tracks": []}'),
        ("tracks.jsonl", "["),
        ("tracks.txt", "Björk,Homogenic,Jóga,01 Jan 2020 10:05\n"),
        ("empty.csv", ""),
        ("empty.zip", zipped()),
    ],
)
def test_a_list_of_tracks_is_no_history(engine: Engine, read: Read, tmp_path: Path, name: str, content: Any) -> None:
    with pytest.raises(ImportFileError, match="listening history that is known"):
        read(name, content)
    Histories.of(engine.registry, engine.faults.report).refuse(tmp_path / name)


def test_a_format_that_was_asked_for_reads_what_nobody_recognises(read: Read) -> None:
    assert read("x.txt", lines({**PLAY, "more": 1}), format="plays")
    assert read("x.zip", zipped(readme="x", x="[]", **{"y.jsonl": lines({**PLAY, "more": 1})}), format="plays")
    assert read("empty.csv", "", format="lastfm") == []
    with pytest.raises(ImportFileError, match="names no artist, track and time"):
        read("x.csv", "artist,track\n", format="lastfm")
    with pytest.raises(ImportFileError, match="there is no format"):
        read("x.txt", "", format="lastfmm")


# ---- hostile files --------------------------------------------------------------------------------------------------


def test_archives_that_expand_beyond_their_size_are_refused(read: Read) -> None:
    many = lines(listen()) + (" " * 999_999 + "\n") * 12
    with pytest.raises(ImportFileError, match="max-expansion"):
        read("bomb.zip", zipped(**{"a.jsonl": many}))
    with pytest.raises(ImportFileError, match="max-expansion"):
        read("several.zip", zipped(**{f"{each}.jsonl": many[: len(many) // 3] for each in "abcd"}))
    with pytest.raises(ImportFileError, match="max-expansion"):
        read("bomb.jsonl.gz", gzip.compress(many.encode()))
    assert len(read("fine.zip", zipped(**{"a.jsonl": many}), limits=Limits(expansion=100_000))) == 1


def test_archives_of_too_many_files_are_refused_before_their_names_are_read(read: Read) -> None:
    with pytest.raises(ImportFileError, match="more than 10,000 files"):
        read("many.zip", zipped(**{f"{number}": "" for number in range(10_001)}))
    claims = bytearray(zipped(x="x"))
    claims[-10:-6] = b"\xff\xff\xff\xff"
    with pytest.raises(ImportFileError, match="more than 10,000 files"):
        read("claims.zip", bytes(claims))


def test_archives_that_cannot_be_unpacked_say_why(read: Read) -> None:
    whole = zipped(**{"a.jsonl": lines(listen())})
    encrypted = bytearray(whole)
    encrypted[whole.index(b"PK\x01\x02") + 8] |= 1
    packed = bytearray(whole)
    packed[whole.index(b"PK\x01\x02") + 10] = 14
    for name, content, sentence in [
        ("encrypted.zip", bytes(encrypted), "encrypted"),
        ("packed.zip", bytes(packed), "other than deflate"),
        ("cut.zip", whole[:-30], "not a valid zip archive"),
        ("text.zip", b"[]", "not a valid zip archive"),
        ("sum.zip", whole.replace(lines(listen()).encode()[:4], b"    "), "not a valid zip archive"),
    ]:
        if content != whole:
            with pytest.raises(ImportFileError, match=sentence):
                read(name, content)


REAL: dict[str, bytes] = {
    "endsong_0.json": json.dumps([extended(), EPISODE]).encode(),
    "StreamingHistory0.json": json.dumps([SHORT]).encode(),
    "listens.jsonl": lines(listen(), listen()).encode(),
    "maloja.json": json.dumps({"maloja": {}, "scrobbles": [MALOJA]}).encode(),
    "pano.jsonl": lines(PANO).encode(),
    "plays.jsonl": lines(PLAY).encode(),
    "lastfm.csv": "Björk,Homogenic,Jóga,01 Jan 2020 10:05\n".encode(),
    "lastfm2.csv": b"uts,artist,track\n1577873100,A,T\n",
    "export.zip": zipped(**{"listens__1.jsonl": lines(listen())}),
    "listens.jsonl.gz": gzip.compress(lines(listen()).encode()),
}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_file_that_was_damaged_gives_entries_or_a_sentence(engine: Engine, tmp_path_factory: Any, data: Any) -> None:
    name = data.draw(st.sampled_from(sorted(REAL)))
    content = bytearray(REAL[name])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content)))
        width = data.draw(st.integers(0, 8))
        content[place : place + width] = data.draw(
            st.binary(max_size=4) | st.sampled_from([b'"', b"[", b"1e999", b"null"])
        )
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(content)
    for form in (None, *sorted(engine.registry.history_readers)):
        with contextlib.suppress(ImportFileError):
            for _, entry in Histories.of(engine.registry, engine.faults.report, form).entries(path):
                assert isinstance(entry, (Play, LeftOut))
    assert not engine.faults.counts


# ---- readers of plugins ---------------------------------------------------------------------------------------------


class Reader:
    name = "mine"
    suffixes = (".mine",)

    def __init__(self, entries: Callable[[], Any], recognises: Callable[[], Any] = lambda: True) -> None:
        self._entries = entries
        self._recognises = recognises

    def recognises(self, name: str, beginning: str) -> bool:
        return bool(self._recognises())

    def read(self, file: Any) -> Any:
        return self._entries()


def fails() -> Any:
    raise OverflowError("oops")


@pytest.mark.parametrize(
    ("reader", "sentence"),
    [
        (Reader(lambda: [1]), "must give objects of Play or LeftOut"),
        (Reader(fails), "oops"),
        (Reader(list, fails), "listening history that is known"),
    ],
)
def test_a_reader_of_a_plugin_that_fails_is_named(tmp_path: Path, reader: Reader, sentence: str) -> None:
    (tmp_path / "x.mine").write_text("x")
    mine = plugin("mine", qfzz_history_readers=lambda: [reader])
    with Engine(installed=[], plugins=[mine]) as engine, pytest.raises(ImportFileError, match=sentence):
        [*Histories.of(engine.registry, engine.faults.report).entries(tmp_path / "x.mine")]


def test_a_play_needs_a_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Play(line=1, heard=Description(), timestamp=datetime(2020, 1, 1), source="x", family="x")
