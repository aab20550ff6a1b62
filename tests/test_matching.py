"""From what another list says to a track of the catalogue."""

import csv
import gzip
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.matching.damage import damaged
from qfzz_core import Config, Engine
from qfzz_core.contracts.descriptions import Description
from qfzz_core.errors import RequestError
from qfzz_core.matching.lookup import IDENTIFIERS
from qfzz_core.matching.matcher import Match, Matcher
from qfzz_core.matching.trigrams import Trigrams
from qfzz_core.model.strings import EncodedStrings
from qfzz_core.testing.samples import a_track

DATA = Path(__file__).parents[2] / "shared" / "data" / "spotify_songs.csv.gz"


def matcher_of(*tracks: dict[str, Any]) -> Matcher:
    engine = Engine(store="memory:")
    engine.add_content([{**a_track(f"t{n}"), "duration": 200, **each} for n, each in enumerate(tracks)])
    return engine.matcher()


def song(title: str, artist: str = "ABBA", **more: Any) -> dict[str, Any]:
    return {"title": title, "artist": artist, **more}


def found(matcher: Matcher, title: str, artist: str = "ABBA", **more: Any) -> str | None:
    return matcher.match(Description(title=title, artist=artist, **more)).track_id


CATALOGUE = (
    song("Waterloo"),
    song("Dancing Queen - Remastered", duration=230),
    song("Mamma Mia (Live)", duration=240),
    song("Mamma Mia", duration=210),
    song("Crazy in Love", "Beyonc\u00e9", artists=["Beyonc\u00e9", "JAY-Z"]),
    song("Don't Stop, Pt. 1", "The Beatles"),
    song("Don't Stop, Pt. 2", "The Beatles"),
    song("Memories - Dillon Francis Remix", "Maroon 5"),
)


@pytest.mark.parametrize(
    ("title", "artist", "track_id"),
    [
        ("WATERLOO", "abba", "t0"),
        ("Waterlo", "Aa", None),  # two letters say nothing
        ("Watreloo", "ABBA", "t0"),
        ("Waterloo (feat. Somebody)", "ABBA & Others", "t0"),
        ("Waterloo - 2011 Remaster", "ABBA", "t0"),
        ("Waterloo (Live)", "ABBA", "t0"),  # of which there is no live recording
        ("Waterloo", "Abbott", None),
        ("Dancing Queen", "ABBA", "t1"),
        ("Mamma Mia", "ABBA", "t3"),
        ("Mamma Mia - Live at Wembley", "ABBA", "t2"),
        ("Mamma Mia (Acoustic)", "ABBA", None),
        ("Memories - Live", "Maroon 5", None),
        ("Crazy In Love (feat. Jay\u2010Z)", "Beyonce", "t4"),
        ("Crazy in Love", "JAY-Z", "t4"),
        ("Crazy in Lvoe", "Beyonce & Somebody", "t4"),
        ("Crazy in Love", "Somebody & Jay Z", None),
        ("Dont Stop Pt. 2", "Beatles", "t6"),
        ("Dont Stop Pt. 3", "Beatles", None),
        ("Memories", "Maroon 5", None),
        ("Memories (Dillon Francis Remix)", "Maroon 5", "t7"),
        ("Memories - Other Remix", "Maroon 5", None),
        ("Memories - Dillon Francis Rmeix", "Marron 5", "t7"),
    ],
)
def test_the_same_recording_is_found_however_it_is_written(title: str, artist: str, track_id: str | None) -> None:
    assert found(matcher_of(*CATALOGUE), title, artist) == track_id


def test_a_length_that_no_recording_has_speaks_against_a_track() -> None:
    matcher = matcher_of(*CATALOGUE)
    assert [found(matcher, "Waterloo", duration=seconds) for seconds in (197.0, 203.4, 209.0, 230.0, 0.0)] == [
        "t0",
        "t0",
        "t0",
        None,
        "t0",
    ]


def test_a_live_entry_is_never_the_studio_track_where_both_are_there() -> None:
    matcher = matcher_of(song("Mamma Mia", duration=210), song("Mamma Mia (Live)", duration=300))
    assert found(matcher, "Mamma Mia - Live") == "t1"
    assert found(matcher, "Mamma Mia - Live", duration=301.0) == "t1"
    assert found(matcher, "Mamma Mia - Live", duration=210.0) is None
    assert found(matcher, "Mamma Mia", duration=300.0) is None


def test_a_guest_alone_is_the_artist_only_if_the_lengths_agree() -> None:
    matcher = matcher_of(song("Icy", "Gucci Mane"))
    said = "Icy (feat. Gucci Mane)", "Logic"
    assert [found(matcher, *said, duration=seconds) for seconds in (None, 200.0, 203.0, 209.0)] == [
        None,
        "t0",
        "t0",
        None,
    ]


def test_of_two_cuts_the_length_says_which_and_without_it_both_are_listed() -> None:
    matcher = matcher_of(song("Waterloo", duration=160), song("Waterloo", duration=172))
    assert found(matcher, "Waterloo", duration=170.0) == "t1"
    match = matcher.match(Description(title="Waterloo", artist="ABBA"))
    assert (match.track_id, match.candidates, match.is_ambiguous) == (None, ("t0", "t1"), True)


def test_of_one_recording_that_is_there_twice_the_first_is_chosen() -> None:
    match = matcher_of(song("Waterloo"), song("Waterloo")).match(Description(title="Waterloo", artist="ABBA"))
    assert (match.track_id, match.by, match.candidates) == ("t0", "names", ("t0", "t1"))


def test_what_is_misspelt_between_two_songs_is_listed() -> None:
    matcher = matcher_of(song("Starlights"), song("Starlighty"))
    match = matcher.match(Description(title="Starlightz", artist="ABBA"))
    assert (match.track_id, match.candidates) == (None, ("t0", "t1"))


def test_an_identifier_counts_before_words() -> None:
    mbid = "B1A9C0E9-D987-4042-AE91-78D6A3267D69"
    matcher = matcher_of(
        song("One"),
        song("Two", recording_mbid=mbid.lower(), isrc="USRC17607839"),
        song("Three", location="/music/A B/c.mp3"),
        song("Four", isrc=7, location=None),
    )
    said = {"title": "One", "artist": "ABBA"}
    assert matcher.match(Description(track_id="t3", **said)) == Match("t3", "id", 1.0, ("t3",), 200.0)
    assert matcher.match(Description(recording_mbid=mbid, **said)).by == "recording_mbid"
    assert matcher.match(Description(isrc="us-rc1-76-07839", **said)).track_id == "t1"
    assert matcher.match(Description(location="file:///music/A%20B/c.mp3", **said)).track_id == "t2"
    assert matcher.match(Description(track_id="none", recording_mbid="x", location="y", **said)).by == "names"
    assert matcher.match(Description(title="One")) == matcher.match(Description()) == Match()


def test_a_track_that_is_gone_is_not_found() -> None:
    with Engine(store="memory:") as engine:
        engine.add_content([{**a_track("t0"), **song("Waterloo"), "isrc": "X"}])
        matcher = engine.matcher()
        assert matcher.match(Description(isrc="X")).track_id == "t0"
        engine.remove_content(["t0"])
        assert found(engine.matcher(), "Waterloo") is None
        assert matcher.match(Description(isrc="X")).track_id is None


def test_without_the_column_of_artists_there_is_nothing_to_compare() -> None:
    config = Config.from_dict({"plugins": {"disable": ["columns"]}})
    with Engine(store="memory:", config=config) as engine, pytest.raises(RequestError, match="no active plugin"):
        engine.matcher()


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("file:///a%20b/c.mp3", "/a b/c.mp3"),
        ("file://localhost/a/c.mp3", "/a/c.mp3"),
        ("file:///C:/Music/c.mp3", "C:/Music/c.mp3"),
        ("C:\\Music\\c.mp3", "C:/Music/c.mp3"),
        ("./a/c.mp3", "a/c.mp3"),
        ("https://example.org/a%20b", "https://example.org/a%20b"),
    ],
)
def test_a_path_is_a_path_however_it_is_written(location: str, place: str) -> None:
    assert IDENTIFIERS["location"](location) == place


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=30), st.data())
def test_a_name_is_like_itself_first(names: list[str], data: st.DataObject) -> None:
    wanted = data.draw(st.sampled_from(names))
    like = Trigrams(EncodedStrings.of(names)).like(wanted, len(names)).tolist()
    assert not wanted or any(names[number] == wanted for number in like)
    assert len(set(like)) == len(like)


def test_nothing_is_like_a_name_of_which_no_trigram_is_known() -> None:
    empty = Trigrams(EncodedStrings.of([]))
    assert empty.like("abba", 3).tolist() == []
    assert Trigrams(EncodedStrings.of(["zz"])).like("abba", 3).dtype == np.intp


@pytest.mark.exhaustive
def test_damaged_entries_of_a_real_catalogue_are_found_and_no_others() -> None:
    if not DATA.exists():
        pytest.skip("the real catalogue is not here")
    with gzip.open(DATA, "rt", encoding="utf-8") as file:
        rows = {row["track_id"]: row for row in csv.DictReader(file) if row["track_name"]}
    tracks = [
        song(row["track_name"], row["track_artist"], track_id=name, duration=round(int(row["duration_ms"]) / 1000))
        for name, row in rows.items()
    ]
    matcher, by_id = matcher_of(*tracks), {each["track_id"]: each for each in tracks}
    chance = random.Random(7)
    wanted = chance.sample(tracks, 400)
    matches = [(each, matcher.match(damaged(each, chance))) for each in wanted]
    chosen = [(each, by_id[match.track_id]) for each, match in matches if match.track_id is not None]
    right = sum(one["artist"] == other["artist"] and one["title"] == other["title"] for one, other in chosen)
    assert right / len(chosen) >= 0.985
    assert right / len(wanted) >= 0.95
