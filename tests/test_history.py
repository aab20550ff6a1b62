"""Listening histories in the log: each play once, whatever is imported again, and matched when the track comes."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.cli_runs import Cli, isolated, json_lines, track

from qfzz_core.contracts import Description, Play
from qfzz_core.engine import Engine
from qfzz_core.importing.plays import description_of, identity, interaction_type, words_of
from qfzz_core.matching.matcher import Match

CASES = Path(__file__).resolve().parents[2] / "shared" / "cases" / "tables"
START = datetime(2021, 1, 1, tzinfo=UTC)


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    return isolated(tmp_path, monkeypatch)


def short(minute: int, title: str = "Sinnerman", played: int = 200_000, artist: str = "Nina Simone") -> dict[str, Any]:
    ended = START + timedelta(minutes=minute)
    return {"endTime": f"{ended:%Y-%m-%d %H:%M}", "artistName": artist, "trackName": title, "msPlayed": played}


def extended(minute: int, title: str = "Sinnerman", played: int = 200_000, **values: Any) -> dict[str, Any]:
    ended = START + timedelta(minutes=minute, seconds=17)
    names = {"master_metadata_track_name": title, "master_metadata_album_artist_name": "Nina Simone"}
    return {"ts": f"{ended:%Y-%m-%dT%H:%M:%SZ}", "ms_played": played, **names, "spotify_track_uri": None, **values}


def write(cli: Cli, name: str, plays: Sequence[Any]) -> str:
    return cli.write(name, json.dumps([*plays]))


def bring(cli: Cli, *files: str) -> Any:
    return cli.json("history", "import", *files, "--user", "alice")


def events(cli: Cli) -> list[Any]:
    with Engine(store=cli.store) as engine:
        assert engine.check_log("alice") == []
        return [event for event in engine.store.events("alice") if event.kind == "feedback"]


# ---- the cases ------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not here")
@pytest.mark.parametrize(
    ("name", "plays", "podcasts"),
    [("StreamingHistory0.json", 1, 1), ("endsong_0.json", 1, 1), ("listenbrainz.jsonl", 1, 0), ("lastfm.csv", 2, 0)],
)
def test_the_cases_are_read_and_refused_as_tracks(cli: Cli, name: str, plays: int, podcasts: int) -> None:
    path = str(CASES / name)
    sentence = cli.fails("import", path)
    assert "listening history" in sentence
    assert "qfzz history import" in sentence
    summary = bring(cli, path)
    assert (summary["plays"], summary["skips"], summary["podcasts"], summary["recorded"]) == (plays, 0, podcasts, plays)
    assert bring(cli, path)["recorded"] == 0
    assert len(events(cli)) == plays


# ---- each play once -------------------------------------------------------------------------------------------------


def test_plays_are_recorded_in_their_order_with_their_own_time(cli: Cli) -> None:
    cli.ok("import", cli.write("t.jsonl", json_lines(track("t1", title="Sinnerman", artist="Nina Simone"))))
    summary = bring(cli, write(cli, "b.json", [short(9)]), write(cli, "a.json", [short(3), short(5, played=9_000)]))
    assert (summary["plays"], summary["skips"], summary["matched"], summary["tracks"]) == (2, 1, 3, 1)
    found = [(event.interaction.type, event.interaction.timestamp[11:16]) for event in events(cli)]
    assert found == [("play", "00:03"), ("skip", "00:05"), ("play", "00:09")]
    with Engine(store=cli.store) as engine:
        profile = engine.store.snapshot("alice")
        assert profile is not None
        assert profile.genres == {"jazz": 0.05}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_exports_that_overlap_add_what_is_new(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Exports are cut between days, and any of them may be of the other form or come twice."""
    days = data.draw(st.lists(st.lists(st.tuples(st.integers(0, 2), st.sampled_from("ab"))), max_size=6))
    plays = [[(day * 1440 + minute, title) for minute, title in of_day] for day, of_day in enumerate(days)]
    cli = Cli(tmp_path_factory.mktemp("overlap"))
    for number in range(data.draw(st.integers(1, 3))):
        first, last = data.draw(st.integers(0, len(days))), data.draw(st.integers(0, len(days)))
        form = data.draw(st.sampled_from([short, extended]))
        export = [form(*play) for of_day in plays[first:last] for play in of_day]
        write(cli, f"StreamingHistory{number}.json", export)
    write(cli, "StreamingHistory9.json", [short(*play) for of_day in plays for play in of_day])
    with Engine(store=cli.store) as engine:
        from qfzz_core.formats.histories import Histories
        from qfzz_core.importing.history import HistoryImport

        listening = engine.listening
        for paths in data.draw(st.permutations([[path] for path in sorted(cli.directory.glob("*.json"))])):
            job = HistoryImport(
                paths, Histories.of(engine.registry, engine.faults.report), listening.find, listening.clock
            )
            job.read()
            listening.record("alice", job.feedback("alice", listening.types))
        recorded = [event.interaction for event in engine.store.events("alice") if event.interaction]
        assert len(recorded) == sum(map(len, plays))


def test_equal_plays_of_one_file_are_several_and_of_two_files_the_same(cli: Cli) -> None:
    twice = write(cli, "a.json", [short(1), short(1)])
    summary = bring(cli, twice, write(cli, "b.json", [extended(1), short(2)][:1]))
    assert (summary["plays"], summary["repeated"], summary["recorded"]) == (2, 1, 2)
    assert bring(cli, twice)["recorded"] == 0


def test_scrobbles_are_the_same_whoever_exports_them(cli: Cli) -> None:
    listen = {"listened_at": 1577873100, "track_metadata": {"artist_name": "Björk", "track_name": "Jóga"}}
    assert bring(cli, cli.write("l.csv", "Björk,Homogenic,Jóga,01 Jan 2020 10:05\n"))["recorded"] == 1
    assert bring(cli, cli.write("l.jsonl", json_lines(listen)))["recorded"] == 0


def test_a_play_that_was_retracted_does_not_come_back(cli: Cli) -> None:
    path = write(cli, "a.json", [short(1)])
    bring(cli, path)
    with Engine(store=cli.store) as engine:
        assert engine.retract("alice", next(e.event_id for e in engine.store.events("alice") if e.event_id))
    assert bring(cli, path)["recorded"] == 0


def test_the_identity_of_a_play_never_changes() -> None:
    """The log of users holds these: another one would make every export that was imported before count twice."""
    heard = Description(artist="BJÖRK ", title="Jóga")
    play = Play(line=1, heard=heard, timestamp=START, source="s", family="f", played=1.5)
    assert identity(play).hex() == "a4af705c3a3f07f8729b892196e72e2a"
    own = Play(line=1, heard=heard, timestamp=START, source="s", family="f", source_id="7")
    assert identity(own).hex() == "3f4509cb54ac7a9e9ae68229345db5d5"


# ---- what is left out -----------------------------------------------------------------------------------------------


def test_every_entry_is_accounted_for(cli: Cli) -> None:
    spoken = extended(3, master_metadata_track_name=None, episode_name="E")
    ahead = extended(0, ts="2999-01-01T00:00:00Z")
    plays = [extended(1), spoken, extended(4, incognito_mode=True), extended(5, played=100), {"ts": 1, "ms_played": 1}]
    first, second = write(cli, "a.json", [*plays, ahead]), write(cli, "b.json", [short(1)])
    result = cli("history", "import", first, second, "--user", "alice", "--json")
    summary = json.loads(result.stdout)
    assert result.stderr.splitlines() == [
        f"{first}:5: names neither a track nor an episode",
        f"{first}:6: 2999-01-01T00:00:00.000000+00:00 is more than a day ahead of the clock",
    ]
    counts = {name: summary[name] for name in ("plays", "skips", "repeated", "podcasts", "incognito", "others", "bad")}
    assert counts == {"plays": 1, "skips": 1, "repeated": 1, "podcasts": 1, "incognito": 1, "others": 0, "bad": 2}
    assert summary["entries"] == sum(counts.values())
    assert summary["plays"] + summary["skips"] == sum(summary[name] for name in ("matched", "ambiguous", "unmatched"))


def test_the_summary_reads_as_a_table(cli: Cli) -> None:
    lines = cli.ok("history", "import", write(cli, "a.json", [short(1), 5]), "--user", "alice").splitlines()
    assert lines[0].startswith("Recorded 1 events from 1 file in ")
    assert "        1  bad entries, left out" in lines


def test_a_terminal_sees_how_far_the_import_is(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    plays = [short(minute, artist="A" * 100) for minute in range(1000)]
    result = cli("history", "import", write(cli, "a.json", plays), write(cli, "b.json", plays), "--user", "alice")
    assert result.exit_code == 0
    assert "Reading" in result.stderr
    assert "Recording" in result.stderr


def test_an_archive_of_histories_is_no_list_of_tracks(cli: Cli) -> None:
    path = cli.directory / "my_spotify_data.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("MyData/Userdata.json", "{}")
        archive.writestr("MyData/StreamingHistory0.json", json.dumps([short(1)]))
    assert "this is listening history (spotify)" in cli.fails("import", str(path))
    path.write_bytes(b"PK")
    assert "must end in one of" in cli.fails("import", str(path))
    assert "not a valid zip archive" in cli.fails("history", "import", str(path), "--user", "alice")


def test_many_bad_entries_are_counted_beyond_those_that_are_shown(cli: Cli) -> None:
    result = cli("history", "import", write(cli, "a.json", [short(1), *range(50)]), "--user", "alice")
    assert result.stderr.splitlines()[-1] == "... and 30 more"


def test_a_dry_run_records_nothing(cli: Cli) -> None:
    path = write(cli, "a.json", [short(1)])
    output = cli.ok("history", "import", path, "--user", "alice", "--dry-run")
    assert output.startswith("Would record 1 events")
    assert cli.content()["users"] == []


@pytest.mark.parametrize(
    ("content", "arguments", "sentence"),
    [
        (None, ["--user", "alice"], "No such file"),
        ("{}", ["--user", "alice"], "known by its content"),
        ("[1]", ["--user", "alice", "--format", "spotify"], "No entry could be used"),
        (json.dumps([short(1)])[:-3], ["--user", "alice"], "not valid JSON"),
        (json.dumps([short(1)]), ["--user", " "], "user_id must not be blank"),
        (json.dumps([short(1)]), ["--user", "alice", "--format", "spottify"], 'did you mean "spotify"?'),
    ],
)
def test_what_cannot_be_imported_is_a_sentence(
    cli: Cli, content: str | None, arguments: list[str], sentence: str
) -> None:
    path = str(cli.directory / "x.json") if content is None else cli.write("x.json", content)
    result = cli("history", "import", path, *arguments)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert cli.content()["users"] == []


# ---- play or skip ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("played", "skipped", "duration", "type_"),
    [
        (None, None, None, "play"),
        (None, False, 100, "play"),
        (None, True, None, "skip"),
        (29.9, None, None, "skip"),
        (30, None, None, "play"),
        (20, None, 21, "play"),
        (20, False, None, "play"),
        (0, False, None, "play"),
        (89, True, 180, "skip"),
        (91, True, 180, "play"),
        (40, True, None, "play"),
        (40, None, 600, "play"),
    ],
)
def test_a_skip_is_what_was_cut_short(
    played: float | None, skipped: bool | None, duration: float | None, type_: str
) -> None:
    assert interaction_type(played, skipped, duration) == type_


# ---- what the catalogue lacks ---------------------------------------------------------------------------------------


def test_a_description_comes_back_from_the_log_as_it_was() -> None:
    heard = Description(title="T", artists=("A", "B"), duration=1.5, location="x")
    assert description_of(json.loads(json.dumps(words_of(heard)))) == heard
    assert description_of({"title": "T", "later": 1}) == Description(title="T")


CUTS = (("x", 174), ("y", 190))


def test_unmatched_plays_are_listed_by_how_often_they_were_heard(cli: Cli) -> None:
    same = json_lines(*(track(each, title="Feeling Good", artist="Nina Simone", duration=n) for each, n in CUTS))
    cli.ok("import", cli.write("t.jsonl", same))
    plays = [short(1), short(2), short(3, "Feeling Good"), short(4, "Lilac Wine")]
    summary = bring(cli, write(cli, "a.json", plays))
    assert (summary["ambiguous"], summary["unmatched"]) == (1, 3)
    listed = cli.json("history", "unmatched", "--user", "alice")
    assert [(each["title"], each["plays"], each["candidates"]) for each in listed] == [
        ("Sinnerman", 2, []),
        ("Feeling Good", 1, ["x", "y"]),
        ("Lilac Wine", 1, []),
    ]
    assert listed[0]["last_played"] == "2021-01-01T00:02:00.000000+00:00"
    lines = cli.ok("history", "unmatched", "--user", "alice", "--limit", "2").splitlines()
    assert lines == [
        "     2  Nina Simone: Sinnerman (last 2021-01-01)",
        "     1  Nina Simone: Feeling Good (last 2021-01-01)",
        "        may be x, y",
    ]
    assert [event.interaction.strength for event in events(cli)] == [None] * 4


def test_a_rematch_learns_from_what_came_later(cli: Cli) -> None:
    path = write(cli, "a.json", [short(1), short(2, played=100_000), short(3, "Lilac Wine")])
    bring(cli, path)
    later = cli.write("t.jsonl", json_lines(track("t1", title="Sinnerman", artist="Nina Simone", duration=600)))
    cli.ok("import", later)
    assert cli.json("history", "rematch", "--user", "alice") == {"user_id": "alice", "rematched": 2, "unmatched": 1}
    before = cli.content()
    assert cli.json("history", "rematch", "--user", "alice") == {"user_id": "alice", "rematched": 0, "unmatched": 1}
    assert bring(cli, path)["recorded"] == 0
    assert cli.content() == before
    learned = [event.interaction for event in events(cli) if event.interaction.strength is not None]
    assert [(each.track_id, each.timestamp[11:16]) for each in learned] == [("t1", "00:01"), ("t1", "00:02")]
    assert "0 findings" in cli.ok("store", "check")
    assert [each["title"] for each in cli.json("history", "unmatched", "--user", "alice")] == ["Lilac Wine"]


def test_a_rematch_gives_what_an_import_with_the_tracks_had_given(cli: Cli, tmp_path: Path) -> None:
    plays = [extended(minute, played=40_000, skipped=minute % 2 == 0) for minute in range(6)]
    tracks = cli.write("t.jsonl", json_lines(track("t1", title="Sinnerman", artist="Nina Simone", duration=600)))
    path = write(cli, "a.json", plays)
    bring(cli, path)
    cli.ok("import", tracks)
    cli.ok("history", "rematch", "--user", "alice")
    other = Cli(cli.directory / "other")
    other.directory.mkdir()
    for arguments in (["import", tracks], ["history", "import", path, "--user", "alice"]):
        cli.ok("--store", other.store, *arguments)
    with Engine(store=cli.store) as one, Engine(store=other.store) as two:
        first, second = one.store.snapshot("alice"), two.store.snapshot("alice")
        assert first is not None
        assert second is not None
        assert (first.genres, first.artists, first.moods) == (second.genres, second.artists, second.moods)


def test_there_is_nothing_to_list_or_to_match_of_nobody(cli: Cli) -> None:
    cli.ok("import", cli.write("t.jsonl", json_lines(track())))
    for name in ("unmatched", "rematch"):
        assert 'there is no user "alice"' in cli.fails("history", name, "--user", "alice").replace("'", '"')
    cli.ok("feedback", "alice", "t1", "like")
    assert "is in the catalogue" in cli("history", "unmatched", "--user", "alice").stderr


def test_a_track_is_found_by_what_names_it_best(cli: Cli) -> None:
    ids = {"by_mbid": {"recording_mbid": "m"}, "by_isrc": {"isrc": "i"}, "by_place": {"location": "file:///a.mp3"}}
    same = {"title": "Jóga", "artist": "Björk"}
    others = [track(name, title=name, **more) for name, more in ids.items()]
    cli.ok("import", cli.write("t.jsonl", json_lines(track("t1", **same), track("t2", **same), *others)))
    with Engine(store=cli.store) as engine:
        find = engine.listening.find
        assert find(Description(track_id="t2", **same)).track_id == "t2"
        assert find(Description(track_id="t3", recording_mbid="m", **same)).track_id == "by_mbid"
        assert find(Description(isrc="i")).track_id == "by_isrc"
        assert find(Description(location="file:///a.mp3")).track_id == "by_place"
        assert find(Description(**same)).candidates == ("t1", "t2")
        assert find(Description(title="BY_ISRC", artist="ADA")).duration == 180
        assert find(Description(title="Jóga")) == find(Description(title="Jóga", artist="B")) == Match()
        engine.remove_content(["by_isrc"])
        assert find(Description(isrc="i")) == Match()


# ---- a kill ---------------------------------------------------------------------------------------------------------


@pytest.mark.once
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_an_import_that_is_killed_leaves_the_old_state(cli: Cli) -> None:
    bring(cli, write(cli, "old.json", [short(0)]))
    before = cli.content()
    path = write(cli, "new.json", [short(minute, f"T{minute % 50}") for minute in range(1, 20_001)])
    command = [sys.executable, "-c", "from qfzz_core.cli import main; main()", "history", "import", path]
    with subprocess.Popen([*command, "--user", "alice"], env=cli.environment, stdout=subprocess.PIPE) as running:
        journal = cli.directory / "store.db-wal"
        deadline = time.monotonic() + 60
        while not (journal.exists() and journal.stat().st_size > 1_000_000) and time.monotonic() < deadline:
            assert running.poll() is None
            time.sleep(0.01)
        os.kill(running.pid, signal.SIGKILL)
    assert cli.content() == before
    assert bring(cli, path)["recorded"] == 20_000
