"""Libraries of other programs: iTunes, Rekordbox, beets, Navidrome and MPD, read without changing them."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.built_in import built_in_readers
from support.cli_runs import Cli, isolated

from qfzz_core.contracts.limits import Limits
from qfzz_core.formats import ImportFileError

CASES = Path(__file__).resolve().parents[2] / "shared" / "cases" / "tables"

ITUNES = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple Computer//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Major Version</key><integer>1</integer>
  <key>Library Persistent ID</key><string>8A2E</string>
  <key>Tracks</key>
  <dict>
    <key>101</key>
    <dict>
      <key>Track ID</key><integer>101</integer>
      <key>Name</key><string>Rock &amp; Roll</string>
      <key>Artist</key><string>Led Zeppelin</string>
      <key>Album</key><string>IV</string>
      <key>Genre</key><string>Rock</string>
      <key>Total Time</key><integer>220500</integer>
      <key>Year</key><integer>1971</integer>
      <key>BPM</key><integer>169</integer>
      <key>Persistent ID</key><string>ABCD</string>
      <key>Location</key><string>file://localhost/Volumes/Music/Rock%20%26%20Roll.mp3</string>
      <key>Other</key><dict><key>Name</key><string>not this</string></dict>
    </dict>
    <key>102</key>
    <dict>
      <key>Name</key><string>Daily</string><key>Artist</key><string>Somebody</string><key>Podcast</key><true/>
    </dict>
  </dict>
  <key>Playlists</key>
  <array><dict><key>Name</key><string>Mine</string><key>Playlist Items</key>
    <array><dict><key>Track ID</key><integer>101</integer></dict></array></dict></array>
</dict>
</plist>
"""

REKORDBOX = """<?xml version="1.0" encoding="UTF-8"?>
<DJ_PLAYLISTS Version="1.0.0">
  <PRODUCT Name="rekordbox" Version="6.7.7" Company="AlphaTheta"/>
  <COLLECTION Entries="1">
    <TRACK TrackID="7" Name="Strobe" Artist="deadmau5" Genre="House" TotalTime="637" Year="0" AverageBpm="128.00"
           Tonality="5A" Location="file://localhost/C:/Music/Strobe%20%5Blong%5D.mp3">
      <TEMPO Inizio="0.025" Bpm="128.00" Metro="4/4" Battito="1"/>
    </TRACK>
  </COLLECTION>
  <PLAYLISTS><NODE Type="0" Name="ROOT"><NODE Name="x" Type="1"><TRACK Key="7"/></NODE></NODE></PLAYLISTS>
</DJ_PLAYLISTS>
"""

MPD = """info_begin
format: 2
mpd_version: 0.23.5
fs_charset: UTF-8
tag: Artist
info_end
directory: Ada
mtime: 1600000000
begin: Ada
directory: Blue
begin: Ada/Blue
song_begin: 01.flac
Time: 225.400
Artist: Ada
Artist: Bob
Title: One: Two
Album: Blue
Track: 1/9
Genre: Jazz
Genre: Soul
Date: 1999-01-02
MUSICBRAINZ_TRACKID: 00000000-0000-4000-8000-000000000000
Format: 44100:16:2
mtime: 1600000000
song_end
end: Ada/Blue
song_begin: x.mp3
Artist: Ada
song_end
end: Ada
"""


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    return isolated(tmp_path, monkeypatch)


def rows(path: Path, content: str | bytes | None = None, **limits: Any) -> list[dict[str, Any]]:
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    readers = attrs.evolve(built_in_readers(), limits=Limits(**limits))
    return [dict(row.values) if row.problem is None else {"problem": row.problem} for row in readers.rows(path)]


def database(path: Path, table: str, items: Iterable[Mapping[str, Any]], more: str = "") -> Path:
    items = [*items]
    columns = [*dict.fromkeys(key for item in items for key in item)]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(more)
        connection.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
        marks = ", ".join("?" * len(columns))
        connection.executemany(
            f"INSERT INTO {table} VALUES ({marks})", ([item.get(key) for key in columns] for item in items)
        )
    return path


BEETS = {
    "id": 3,
    "path": b"/music/\xc3\xa9.mp3",
    "title": "T",
    "artist": "A feat. B",
    "artists": "A\\␀B",
    "album": "L",
    "genre": "Rock",
    "length": 225.6,
    "bpm": 0,
    "year": 2001,
    "original_year": 0,
    "initial_key": "Am",
    "mb_trackid": "00000000-0000-4000-8000-000000000000",
    "isrc": "",
    "track": 4,
}
NAVIDROME = {
    "id": "x1",
    "path": "Ada/1.mp3",
    "library_id": 1,
    "title": "T",
    "artist": "A",
    "album_id": "y",
    "genre": "",
    "duration": 100.5,
    "bpm": 90,
    "year": 0,
    "mbz_recording_id": "00000000-0000-4000-8000-000000000000",
    "tags": '{"genre": [{"id": "1", "value": "Rock"}, {"id": "2", "value": "Pop"}], "mood": ["calm"], "x": 1}',
}


class TestXml:
    def test_itunes_gives_its_music_with_places_as_paths(self, tmp_path: Path) -> None:
        first, second = rows(tmp_path / "Library.xml", ITUNES)
        assert first == {
            "track_id": "itunes-ABCD",
            "title": "Rock & Roll",
            "artist": "Led Zeppelin",
            "album": "IV",
            "genre": "Rock",
            "duration": 221,
            "year": 1971,
            "bpm": 169,
            "location": "/Volumes/Music/Rock & Roll.mp3",
        }
        assert second == {"problem": '"Daily" is no music: Podcast'}

    def test_rekordbox_gives_its_collection_and_no_entry_of_a_playlist(self, tmp_path: Path) -> None:
        assert rows(tmp_path / "rekordbox.xml", REKORDBOX) == [
            {
                "track_id": "rekordbox-7",
                "title": "Strobe",
                "artist": "deadmau5",
                "genre": "House",
                "duration": 637,
                "bpm": 128,
                "key": "5A",
                "location": "C:\\Music\\Strobe [long].mp3",
            }
        ]

    def test_the_case_of_itunes_is_read_rightly(self, tmp_path: Path, cli: Cli) -> None:
        if not CASES.exists():
            pytest.skip("there are no shared cases here")
        result = cli("import", str(CASES / "itunes.xml"))
        if "is missing" in result.stderr:
            pytest.skip("what a row does not say is refused yet")
        ((_, found),) = cli.content()["tracks"]
        assert (found["duration"], found["tempo"], found["energy"], found["mood"]) == (200, "medium", None, None)

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ("<a/>", 'its root is "a"; <plist> of iTunes and Music and <DJ_PLAYLISTS> of Rekordbox are read'),
            ("", "not valid XML: no element found"),
            ("<plist><dict/></plist>", 'without a dictionary of "Tracks"'),
            (ITUNES[:600], "not valid XML: "),
            ("<plist>" + "<dict>" * 200, "nested deeper than 100 levels"),
            ('<?xml version="1.0" encoding="klingon"?><plist/>', "not valid XML: unknown encoding"),
            ('<!DOCTYPE plist [<!ENTITY a "b">]><plist/>', "declares a DTD of its own"),
            ('<!DOCTYPE plist [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><plist>&c;</plist>', "declares a DTD of its own"),
            ('<!DOCTYPE plist SYSTEM "file:///etc/passwd" [ ]><plist/>', "declares a DTD of its own"),
            ("<plist>&lol;</plist>", "not valid XML: undefined entity"),
            (f"<plist><dict><key>{'x' * 5000}</key></dict></plist>", "more than 4,000 characters"),
            (f"<DJ_PLAYLISTS><COLLECTION a='{'x' * 5000}'/></DJ_PLAYLISTS>", "more than 4,000 characters"),
        ],
    )
    def test_any_other_document_is_refused_by_name(self, tmp_path: Path, content: str, reason: str) -> None:
        with pytest.raises(ImportFileError) as caught:
            rows(tmp_path / "x.xml", content, line=4000)
        assert reason in str(caught.value)

    def test_an_entity_that_is_declared_elsewhere_is_not_looked_for(self, tmp_path: Path) -> None:
        (tmp_path / "x.dtd").write_text('<!ENTITY lol "x">')
        with pytest.raises(ImportFileError):
            rows(tmp_path / "x.xml", '<!DOCTYPE plist SYSTEM "x.dtd"><plist>&lol;<a></plist>')


class TestDatabases:
    def test_beets(self, tmp_path: Path) -> None:
        assert rows(database(tmp_path / "library.blb", "items", [BEETS])) == [
            {
                "track_id": "beets-3",
                "title": "T",
                "artist": "A",
                "artists": ["A", "B"],
                "album": "L",
                "genre": "Rock",
                "duration": 226,
                "key": "Am",
                "year": 2001,
                "track_number": 4,
                "recording_mbid": BEETS["mb_trackid"],
                "location": "/music/é.mp3",
            }
        ]

    def test_a_path_of_beets_that_is_no_text_becomes_a_uri(self, tmp_path: Path) -> None:
        made = database(tmp_path / "library.db", "items", [{**BEETS, "path": b"/m/\xff.mp3"}])
        assert rows(made)[0]["location"] == "file:///m/%FF.mp3"

    def test_navidrome(self, tmp_path: Path) -> None:
        library = "CREATE TABLE library (id, path); INSERT INTO library VALUES (1, '/music');"
        assert rows(database(tmp_path / "navidrome.db", "media_file", [NAVIDROME], library)) == [
            {
                "track_id": "navidrome-x1",
                "title": "T",
                "artist": "A",
                "genre": "Rock",
                "genres": ["Rock", "Pop"],
                "mood": "calm",
                "duration": 101,
                "bpm": 90,
                "recording_mbid": NAVIDROME["mbz_recording_id"],
                "location": "/music/Ada/1.mp3",
            }
        ]

    def test_an_older_navidrome_has_whole_paths_and_no_tags(self, tmp_path: Path) -> None:
        item = {"id": 1, "path": "/m/1.mp3", "title": "T", "artist": "A", "album_id": 2, "genre": "Jazz", "tags": "["}
        (found,) = rows(database(tmp_path / "navidrome.db", "media_file", [item]))
        assert (found["genre"], found["location"]) == ("Jazz", "/m/1.mp3")

    @pytest.mark.parametrize("compressed", [False, True])
    def test_mpd_compressed_or_not(self, tmp_path: Path, compressed: bool) -> None:
        content = gzip.compress(MPD.encode()) if compressed else MPD.encode()
        first, second = rows(tmp_path / "mpd.db", content)
        assert first.pop("track_id").startswith("mpd-")
        assert first == {
            "title": "One: Two",
            "artist": "Ada",
            "artists": ["Ada", "Bob"],
            "album": "Blue",
            "genre": "Jazz",
            "genres": ["Jazz", "Soul"],
            "duration": 225,
            "year": 1999,
            "track_number": 1,
            "recording_mbid": "00000000-0000-4000-8000-000000000000",
            "path": "Ada/Blue/01.flac",
        }
        assert (second["path"], second["title"], "duration" in second) == ("Ada/x.mp3", "x.mp3", False)

    def test_reading_writes_nothing_and_sees_what_a_running_program_wrote(self, tmp_path: Path) -> None:
        path = database(tmp_path / "library.db", "items", [BEETS])
        before = path.read_bytes(), sorted(tmp_path.iterdir())
        path.chmod(0o444)
        assert len(rows(path)) == 1
        assert (path.read_bytes(), sorted(tmp_path.iterdir())) == before
        path.chmod(0o644)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("INSERT INTO items SELECT * FROM items")
            connection.commit()
            assert len(rows(path)) == 2

    @pytest.mark.parametrize(
        ("name", "content", "reason"),
        [
            ("a.db", b"", "neither an SQLite database nor one of MPD"),
            ("a.db", b"SQLite format 3\0" + bytes(200), "the database cannot be read: "),
            ("a.db.gz", gzip.compress(b"SQLite format 3\0"), "decompress it first"),
            ("a.db", gzip.compress(b"hello"), "neither an SQLite database nor one of MPD"),
            ("a.db", gzip.compress(b"info_begin\n" + bytes(30_000_000)), "expands to more than 200 times its size"),
            ("a.db", b"info_begin\nsong_begin: x\n", "it ends within a song"),
            ("a.db", b"info_begin\n" + b"x" * 5000, "the line has more than 4,000 characters"),
            ("a.db", b"info_begin\nsong_begin: x\n" + b"a: %s\n" % (b"x" * 900) * 9, "a song has more than 4,000"),
        ],
    )
    def test_any_other_file_is_refused_by_name(self, tmp_path: Path, name: str, content: bytes, reason: str) -> None:
        with pytest.raises(ImportFileError) as caught:
            rows(tmp_path / name, content, line=4000)
        assert reason in str(caught.value)

    @pytest.mark.parametrize(
        ("script", "tables"),
        [
            ("CREATE TABLE songs (id)", "its tables are songs"),
            ("PRAGMA user_version = 3", "it has no tables"),
            ("CREATE TABLE items (id, path)", "its tables are items"),
            ("CREATE VIEW items AS SELECT 1 AS id, '' AS path, '' AS mb_trackid, 1 AS length", "it has no tables"),
            (";".join(f"CREATE TABLE t{n} (x)" for n in range(9)), "t0, t1, t2, t3, t4 and others"),
        ],
    )
    def test_a_database_of_another_program_is_refused_by_its_tables(
        self, tmp_path: Path, script: str, tables: str
    ) -> None:
        with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
            connection.executescript(script)
        with pytest.raises(ImportFileError, match=f"another program .*{tables}"):
            rows(tmp_path / "x.db")


@given(st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_bytes_a_library_holds_its_rows_are_given_or_it_is_refused(
    tmp_path: Path, data: st.DataObject
) -> None:
    whole = tmp_path / "whole.db"
    if not whole.exists():
        database(whole, "items", [BEETS] * 3)
    name, content = data.draw(
        st.sampled_from([("x.xml", ITUNES.encode()), ("x.xml", REKORDBOX.encode()), ("x.db", MPD.encode())])
        | st.just(("x.db", whole.read_bytes()))
    )
    changed = bytearray(content)
    for place, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=6)
    ):
        changed[place] = value
    with suppress(ImportFileError):  # anything else is a fault of the reader
        assert all(isinstance(row, dict) for row in rows(tmp_path / name, bytes(changed)))
