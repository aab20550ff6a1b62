"""The command: damaged entries against a catalogue, beside an exact look-up and rapidfuzz over all names."""

from __future__ import annotations

import csv
import gzip
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import attrs
import click

from benchmarks.matching.damage import damaged, live
from qfzz_core import Engine
from qfzz_core.contracts.descriptions import Description
from qfzz_core.matching.words import artists_of, folded_work
from qfzz_core.model.editions import edition_of
from qfzz_core.model.names import normalise

Track = dict[str, Any]
Find = Callable[[Description], str | None]
_LONGER = 40  # seconds that a song takes live
_SAMPLE = 100  # entries for the rival that compares all names: it takes some 0.3 s for each of a million tracks


@attrs.frozen
class Result:
    """How one way of matching fared: shares, and milliseconds of the processor for an entry."""

    name: str
    entries: int
    precision: float
    recall: float
    absent: int
    milliseconds: float


@click.command()
@click.option("--tracks", "path", type=click.Path(exists=True, path_type=Path), required=True, help="A table of songs.")
@click.option("--entries", default=2_000, show_default=True, help="Damaged entries.")
@click.option("--scale-to", default=0, help="Add made-up tracks up to so many.")
@click.option("--seed", default=7, show_default=True)
def main(path: Path, entries: int, scale_to: int, seed: int) -> None:
    """Match damaged entries, live ones, and entries of tracks that were taken out.

    Of half of the live entries the catalogue has the live recording, which is meant; of the others the song alone. The
    table has the columns of the Spotify songs of TidyTuesday (2020, week 4). A match is right if it is the track,
    or one with the same artist and title; precision counts matches of the absent ones as wrong.
    """
    chance = Random(seed)
    tracks = read(path)
    chance.shuffle(tracks)
    names = {song(each) for each in tracks[entries // 2 :]}
    absent = [damaged(each, chance) for each in tracks[: entries // 2] if song(each) not in names]
    catalogue = tracks[entries // 2 :]
    wanted = [(each, damaged(each, chance)) for each in catalogue[:entries]]
    studio = [each for each in catalogue[entries : entries + entries // 4] if is_studio(each)]
    concerts = [{**each, "duration": each["duration"] + _LONGER} for each in studio[::2]]
    added = [{**each, "track_id": f"live {n}", "title": f"{each['title']} (Live)"} for n, each in enumerate(concerts)]
    wanted += [(track, live(each)) for track, each in zip(added, concerts, strict=True)]
    wanted += [(each, live(each)) for each in studio[1::2]]
    catalogue += added
    catalogue += made_up(catalogue, scale_to - len(catalogue), chance)
    by_id = {each["track_id"]: each for each in catalogue}
    click.echo(f"{len(catalogue):,} tracks, {len(wanted):,} damaged entries, {len(absent):,} of absent tracks")
    with Engine(store="memory:") as engine:
        engine.write_tracks(iter(catalogue))
        matcher = engine.matcher()
        begun = time.process_time()
        matcher.match(Description(title="no such title", artist="no such artist"))
        click.echo(f"the first entry takes {time.process_time() - begun:.1f} s of the processor: it builds the indexes")
        ways: dict[str, tuple[Find, int]] = {
            "QFZZ": (lambda entry: matcher.match(entry).track_id, len(wanted)),
            "exact names": (exact(catalogue), len(wanted)),
            "rapidfuzz over all": (compared(catalogue), min(_SAMPLE, len(wanted))),
        }
        for name, (find, count) in ways.items():
            share = count / len(wanted)
            result = tried(name, find, wanted[:count], absent[: int(share * len(absent))], by_id)
            click.echo(
                f"{result.name:<20} precision {result.precision:.4f}  recall {result.recall:.4f}  "
                f"absent matched {result.absent:>4}  {result.milliseconds:8.3f} ms an entry"
            )


def read(path: Path) -> list[Track]:
    """Return the different tracks of a table."""
    opened: Any = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        rows = {row["track_id"]: row for row in csv.DictReader(file) if row["track_name"] and row["track_artist"]}
    return [
        {
            "track_id": track_id,
            "title": row["track_name"],
            "artist": row["track_artist"],
            "genre": None,
            "mood": None,
            "energy": None,
            "tempo": None,
            "duration": round(int(row["duration_ms"]) / 1000),
        }
        for track_id, row in rows.items()
    ]


def made_up(tracks: Sequence[Track], count: int, chance: Random) -> list[Track]:
    """Return tracks of artists and titles made of the words of others, ten by each artist."""
    titles = [word for each in tracks for word in each["title"].split()]
    artists = [word for each in tracks for word in each["artist"].split()]
    made = []
    for number in range(max(0, count)):
        if not number % 10:
            artist = " ".join(chance.choices(artists, k=chance.randint(1, 3)))
        title = " ".join(chance.choices(titles, k=chance.randint(1, 5)))
        like = chance.choice(tracks)
        made.append({**like, "track_id": f"made-up-{number}", "title": title, "artist": artist})
    return made


def song(track: Track) -> tuple[str, str, frozenset[str]]:
    """Return what says that two tracks are one recording: the artist's first name, the work, and live or remixed."""
    edition = edition_of(normalise(track["title"]))
    return artists_of(normalise(track["artist"]))[-1], folded_work(normalise(track["title"])), edition.recording


def is_studio(track: Track) -> bool:
    """Return whether a title names no recording but the usual one."""
    return not edition_of(normalise(track["title"])).recording


def key(track: Track) -> tuple[str, str]:
    """Return what says that two tracks are one song of one artist."""
    return normalise(track["artist"]), normalise(track["title"])


def exact(catalogue: Sequence[Track]) -> Find:
    """Return a look-up of normal forms, as most importers have it."""
    known: dict[tuple[str, str], str] = {}
    for each in catalogue:
        known.setdefault(key(each), each["track_id"])
    return lambda entry: known.get((normalise(entry.artist or ""), normalise(entry.title or "")))


def compared(catalogue: Sequence[Track]) -> Find:
    """Return a comparison with every track's name, of which the likest counts from 90 of 100 on."""
    from rapidfuzz import fuzz, process

    names = [" ".join(key(each)) for each in catalogue]

    def find(entry: Description) -> str | None:
        name = f"{normalise(entry.artist or '')} {normalise(entry.title or '')}"
        found = process.extractOne(name, names, scorer=fuzz.ratio, score_cutoff=90)
        return None if found is None else str(catalogue[found[2]]["track_id"])

    return find


def tried(
    name: str,
    find: Find,
    wanted: Sequence[tuple[Track, Description]],
    absent: Sequence[Description],
    by_id: dict[str, Track],
) -> Result:
    """Return how a way of matching fares."""
    begun = time.process_time()
    found = [(track, find(entry)) for track, entry in wanted]
    seconds = time.process_time() - begun
    right = sum(track_id is not None and key(by_id[track_id]) == key(track) for track, track_id in found)
    wrong_absent = sum(find(entry) is not None for entry in absent)
    matched = sum(track_id is not None for _, track_id in found) + wrong_absent
    precision = right / matched if matched else 1.0
    return Result(name, len(wanted), precision, right / len(wanted), wrong_absent, 1000 * seconds / len(wanted))
