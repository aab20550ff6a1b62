"""Directories of audio files: what is tagged is taken, what is not stays unknown, and a second import reads changes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.audio_files import FORMS, cover, id3, mp3, put
from support.built_in import built_in_readers
from support.cli_runs import Cli, isolated, json_lines, track

from qfzz_core.formats import ImportFileError
from qfzz_core.importing.collection import Collection, known_files, scanned
from qfzz_core.importing.file_names import named
from qfzz_core.importing.job import Import
from qfzz_core.importing.mapping import FieldMapping

UNKNOWN = ("genre", "mood", "energy", "tempo")


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    return isolated(tmp_path, monkeypatch)


@pytest.fixture
def music(tmp_path: Path) -> Path:
    made = tmp_path / "Music"
    made.mkdir()
    return made


def tracks_of(cli: Cli) -> dict[str, dict[str, Any]]:
    """The tracks of the store by title."""
    return {each["title"]: each for _, each in cli.content()["tracks"]}


def read(*paths: Path) -> list[dict[str, Any]]:
    readers = built_in_readers()
    return [*Import([], FieldMapping(), readers, collection=Collection(paths, readers, {}))]


class TestTags:
    @pytest.mark.parametrize("suffix", FORMS)
    def test_a_file_of_every_form_with_artist_title_and_length_is_a_track_without_an_invented_value(
        self, cli: Cli, music: Path, suffix: str
    ) -> None:
        path = put(music, f"x{suffix}", {"title": "Éire", "artist": "Björk"}, 3)
        assert cli.json("import", str(music))["added"] == 1
        (found,) = tracks_of(cli).values()
        stated = path.stat()
        assert found == {
            **dict.fromkeys(UNKNOWN),
            "track_id": found["track_id"],
            "title": "Éire",
            "artist": "Björk",
            "duration": 3,
            "location": str(path),
            "file_size": stated.st_size,
            "file_mtime": stated.st_mtime,
        }

    @pytest.mark.parametrize("suffix", [".mp3", ".flac", ".ogg", ".opus", ".aiff", ".m4a"])
    def test_whatever_is_tagged_is_taken(self, music: Path, suffix: str) -> None:
        mbids = [f"0000000{n}-0000-4000-8000-000000000000" for n in range(3)]
        tags: dict[str, str | list[str]] = {
            "title": "T",
            "artist": ["A", "B"],
            "album": "L",
            "genre": ["Rock", "Pop"],
            "date": "1999-12-31",
            "bpm": "128",
            "initialkey": "Am",
            "isrc": "USRC17607839",
            "musicbrainz_trackid": mbids[0],
            "MusicBrainz Album Id": mbids[1],
            "MusicBrainz Artist Id": mbids[1:],
        }
        put(music, f"x{suffix}", tags)
        (found,) = read(music)
        wanted = {
            "title": "T",
            "artist": "A",
            "artists": ["A", "B"],
            "album": "L",
            "genre": "Rock",
            "genres": ["Rock", "Pop"],
            "year": 1999,
            "bpm": 128,
            "tempo": "medium",
            "key": "Am",
            "isrc": "USRC17607839",
            "recording_mbid": mbids[0],
            "release_mbid": mbids[1],
            "artist_mbids": mbids[1:],
            "mood": None,
            "energy": None,
        }
        assert {key: found[key] for key in wanted} == wanted

    def test_a_cover_of_many_megabytes_is_not_read(self, music: Path) -> None:
        (music / "x.mp3").write_bytes(mp3({"title": "T", "artist": "A"}, 2, cover(40_000_000)))
        assert [each["duration"] for each in read(music)] == [2]

    def test_without_tags_names_come_from_the_path_and_that_is_counted(self, cli: Cli, music: Path) -> None:
        put(music, "Nina/Pastel/02 - Feeling.wav", {})
        put(music, "Ada - Blue.wav", {})
        put(music, "untitled.wav", {})
        counts = cli.json("import", str(music))["collection"]
        assert {key: each["artist"] for key, each in tracks_of(cli).items()} == {
            "Feeling": "Nina",
            "Blue": "Ada",
            "untitled": "Unknown artist",
        }
        assert [counts[key] for key in ("titles_of_names", "artists_of_paths", "unknown_artists")] == [3, 2, 1]

    @pytest.mark.parametrize(
        ("path", "title", "artist"),
        [
            ("A/B/01 T.mp3", "T", "A"),
            ("A/B/01_-_T.mp3", "T", "A"),
            ("A/B/CD 1/1-01. T.mp3", "T", "A"),
            ("Various Artists/B/01 T.mp3", "T", None),
            ("B/01 T.mp3", "T", None),
            ("A/B/99 Luftballons.mp3", "Luftballons", "A"),
            ("A/B/T.mp3", "T", None),
            ("A - T.mp3", "T", "A"),
            ("A - B - T.mp3", "A - B - T", None),
            ("07.mp3", "07", None),
            (" .mp3", ".mp3", None),
        ],
    )
    def test_a_path_says_the_artist_only_by_a_convention(self, path: str, title: str, artist: str | None) -> None:
        found = named(Path("/m") / path, Path("/m"))
        assert (found.title, found.artist) == (title, artist)

    def test_a_single_audio_file_is_imported_as_one_of_a_directory_is(self, cli: Cli, music: Path) -> None:
        path = put(music, "x.flac", {"title": "T", "artist": "A"})
        table = cli.write("more.jsonl", json_lines(track()))
        assert cli.json("import", str(path), table)["added"] == 2
        assert cli.json("import", str(music))["collection"]["unchanged"] == 1


class TestBadFiles:
    def test_an_unreadable_file_is_reported_and_the_others_are_imported(self, cli: Cli, music: Path) -> None:
        put(music, "good.mp3", {"title": "T", "artist": "A"})
        (music / "bad.flac").write_bytes(b"no sound")
        (music / "empty.mp3").write_bytes(b"")
        result = cli("import", str(music))
        assert result.exit_code == 0
        assert f"{music}/bad.flac: its tags cannot be read: Invalid FLAC header" in result.stderr
        assert f"{music}/empty.mp3: it holds neither tags nor sound of a known form" in result.stderr

    def test_where_no_file_is_of_use_the_import_fails(self, cli: Cli, music: Path) -> None:
        assert "There is no audio file below" in cli("import", str(music)).stderr
        (music / "bad.mp3").write_bytes(b"no sound")
        result = cli("import", str(music))
        assert result.exit_code == 1
        assert "No row could be used" in result.stderr

    def test_strict_stops_at_an_unreadable_file(self, cli: Cli, music: Path) -> None:
        put(music, "a.mp3", {"title": "T", "artist": "A"})
        (music / "b.mp3").write_bytes(b"no sound")
        assert f"{music}/b.mp3: it holds neither" in cli.fails("import", "--strict", str(music))

    @given(st.data())
    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_whatever_bytes_a_file_holds_it_is_a_valid_track_or_refused(self, music: Path, data: st.DataObject) -> None:
        suffix = data.draw(st.sampled_from([*FORMS]))
        tags = {"title": "T" * 20, "artist": "A", "genre": "G", "bpm": "120"}
        content = bytearray(FORMS[suffix](tags, 0.1))
        places = st.integers(0, min(len(content), 600) - 1)
        for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=8)):
            content[place] = value
        cut = data.draw(st.none() | places)
        (music / f"x{suffix}").write_bytes(content[:cut])
        readers = built_in_readers()
        job = Import([], FieldMapping(), readers, collection=Collection((music,), readers, {}))
        assert len([*job]) + job.summary.bad_rows == 1
        (music / f"x{suffix}").unlink()

    def test_a_file_that_would_be_read_without_end_is_refused(self, music: Path) -> None:
        (music / "x.mp3").write_bytes(id3({"title": "T", "artist": "A"}) + b"\xff" * 3_000_000)
        readers = built_in_readers()
        bad: list[Any] = []
        collection = Collection((music,), readers, {})
        assert not [*Import([], FieldMapping(), readers, on_bad_row=bad.append, collection=collection)]
        assert "no end of it is found" in str(bad[0])

    def test_a_tag_of_more_than_memory_should_hold_is_refused(self, music: Path) -> None:
        with (music / "x.mp3").open("wb") as file:
            file.write(b"ID3\x04\0\0\x7f\x7f\x7f\x7fTIT2\x20\0\0\0\0\0")
            file.truncate(200_000_000)
        with pytest.raises(ImportFileError, match="more than 32,000,000 bytes"):
            list(built_in_readers().rows(music / "x.mp3"))


class TestScan:
    def test_hidden_files_and_files_of_other_kinds_are_left_out_and_links_end(self, music: Path) -> None:
        for name in ("b.mp3", "a/c.MP3", ".hidden.mp3", ".cache/d.mp3", "cover.jpg"):
            (music / name).parent.mkdir(exist_ok=True)
            (music / name).write_bytes(b"x")
        (music / "a" / "up").symlink_to(music)
        (music / "a" / "again.mp3").symlink_to(music / "b.mp3")
        (music / "a" / "lost.mp3").symlink_to(music / "nothing.mp3")
        os.mkfifo(music / "pipe.mp3")
        scan = scanned([music, music / "a"], {".mp3"})
        assert [str(each.path.relative_to(music)) for each in scan.files] == ["a/c.MP3", "b.mp3"]

    def test_a_name_that_is_no_text_is_located_by_a_uri(self, cli: Cli, music: Path) -> None:
        made = put(music, "x.wav", {})
        os.rename(os.fsencode(made), os.fsencode(music) + b"/\xff.wav")
        assert cli.json("import", str(music))["added"] == 1
        (found,) = tracks_of(cli).values()
        assert found["location"].endswith("/%FF.wav")
        assert cli.json("import", str(music))["collection"]["unchanged"] == 1

    def test_a_missing_directory_makes_no_store(self, cli: Cli, tmp_path: Path) -> None:
        assert "cannot be read" in cli("import", str(tmp_path / "nothing")).stderr
        assert not (tmp_path / "store.db").exists()


class TestSecondImport:
    @pytest.fixture
    def imported(self, cli: Cli, music: Path) -> dict[str, Any]:
        for name in "abc":
            put(music, f"{name}.flac", {"title": name, "artist": "A"})
        cli.ok("import", str(music))
        return {title: each["track_id"] for title, each in tracks_of(cli).items()}

    def again(self, cli: Cli, music: Path, *options: str) -> dict[str, int]:
        counts = cli.json("import", str(music), *options)["collection"]
        return {name: count for name, count in counts.items() if count}

    def test_reads_what_changed_only_and_keeps_ids(self, cli: Cli, music: Path, imported: dict[str, Any]) -> None:
        put(music, "a.flac", {"title": "a", "artist": "Another"})
        put(music, "d.flac", {"title": "d", "artist": "A"})
        assert self.again(cli, music) == {"new": 1, "changed": 1, "unchanged": 2}
        found = tracks_of(cli)
        assert found["a"]["artist"] == "Another"
        assert {title: found[title]["track_id"] for title in imported} == imported

    def test_a_tag_that_was_removed_is_unknown_again_and_what_others_added_stays(self, cli: Cli, music: Path) -> None:
        path = put(music, "a.flac", {"title": "a", "artist": "A", "genre": "Rock", "album": "L"})
        cli.ok("import", str(music))
        found = tracks_of(cli)["a"]
        added: dict[str, Any] = {"energy": 0.5, "lyrics": "la", "bpm": 90, "tempo": "slow"}
        added["analysed_by"] = {"bpm": "x 1", "tempo": "x 1"}
        cli.ok("import", cli.write("more.jsonl", json_lines({**found, **added})))
        put(path.parent, path.name, {"title": "a", "artist": "A"}, 4)
        assert self.again(cli, music) == {"changed": 1}
        again = tracks_of(cli)["a"]
        assert {key: again.get(key) for key in added} == added
        assert (again["genre"], again.get("album"), again["duration"]) == (None, None, 4)

    def test_a_file_that_moved_keeps_its_id(self, cli: Cli, music: Path, imported: dict[str, Any]) -> None:
        (music / "sub").mkdir()
        (music / "a.flac").rename(music / "sub" / "x.flac")
        assert self.again(cli, music, "--prune") == {"moved": 1, "unchanged": 2}
        assert tracks_of(cli)["a"]["track_id"] == imported["a"]
        assert tracks_of(cli)["a"]["location"] == str(music / "sub" / "x.flac")

    def test_copies_of_one_file_are_tracks_of_their_own(self, cli: Cli, music: Path, imported: dict[str, Any]) -> None:
        for name in ("x.flac", "y.flac"):
            shutil.copy2(music / "a.flac", music / name)
        (music / "a.flac").unlink()
        assert self.again(cli, music) == {"new": 2, "gone": 1, "unchanged": 2}

    def test_prune_removes_what_is_gone_below_the_directory_and_nothing_else(
        self, cli: Cli, music: Path, imported: dict[str, Any], tmp_path: Path
    ) -> None:
        elsewhere = put(tmp_path, "Other/z.flac", {"title": "z", "artist": "A"})
        lost = track("mine", title="mine", location=str(music / "lost.flac"))
        cli.ok("import", str(elsewhere), cli.write("more.jsonl", json_lines(lost)))
        elsewhere.unlink()
        (music / "a.flac").unlink()
        assert self.again(cli, music) == {"unchanged": 2, "gone": 1}
        assert self.again(cli, music, "--prune") == {"unchanged": 2, "gone": 1, "removed": 1}
        assert tracks_of(cli).keys() == {"b", "c", "z", "mine"}

    def test_nothing_is_pruned_where_no_file_is_found(self, cli: Cli, music: Path, imported: dict[str, Any]) -> None:
        shutil.rmtree(music)
        music.mkdir()
        result = cli("import", "--prune", str(music))
        assert result.exit_code == 1
        assert "There is no audio file below" in result.stderr
        assert tracks_of(cli).keys() == imported.keys()

    def test_what_is_below_a_directory_that_cannot_be_listed_is_not_gone(self, music: Path) -> None:
        put(music, "sub/a.flac", {"title": "a", "artist": "A"})
        put(music, "b.flac", {"title": "b", "artist": "A"})
        known = known_files(read(music))
        shutil.rmtree(music / "sub")
        assert Collection((music,), built_in_readers(), known).counts.gone == 1
        (music / "sub").symlink_to(music / "sub")  # a loop, which raises as a directory of somebody else's does
        assert Collection((music,), built_in_readers(), known).counts.gone == 0
