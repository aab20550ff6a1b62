"""`qfzz tracks`: the catalogue, which is made of samples while the store holds no track."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

import click

from qfzz_core.catalogue.samples import sample_tracks
from qfzz_core.cli.options import command, limit_option
from qfzz_core.cli.output import note, print_json, print_line, print_result
from qfzz_core.cli.session import Session
from qfzz_core.errors import LONGEST_NAME, UnknownTrackError
from qfzz_core.model.names import normalise

if TYPE_CHECKING:
    from qfzz_core.engine import Engine
    from qfzz_core.model.tracks import Track

_SEARCHED = ("title", "artist", "album")
_LOOKED_AT = 20_000  # tracks, in 0.5 s
_NEAREST = 3


@click.group()
def tracks() -> None:
    """Search, show or remove tracks of the catalogue."""


@command(tracks)
@click.argument("words", nargs=-1, required=True, metavar="TEXT...")
@limit_option(1)
def search(session: Session, words: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Find the tracks whose title, artist and album hold every word of TEXT.

    Case and accents do not matter, nor does in which of the three a word stands.
    """
    with session.engine() as engine:
        # one more than is shown, to know whether there are more
        found = list(islice(matching(all_tracks(engine), " ".join(words)), limit + 1))
    if as_json:
        print_json(found[:limit])
    elif not found:
        note("No track matches.")
    else:
        from qfzz_core.cli.tables import print_tracks

        print_tracks(found[:limit])
        if len(found) > limit:
            note(f"There are more than {limit}; -n shows more of them.")


@command(tracks)
@click.argument("track_id", metavar="ID")
def show(session: Session, track_id: str, as_json: bool) -> None:
    """Show everything the catalogue says of a track."""
    with session.engine() as engine:
        track = engine.get_track(track_id)
    if track is None:
        raise UnknownTrackError(f"the catalogue has no track {track_id!r}; `qfzz tracks search` finds tracks")
    if as_json:
        print_json(track)
        return
    width = max(map(len, track))
    for key, value in track.items():
        print_line(f"{key:<{width}}  {'unknown' if value is None else value}")


@command(tracks)
@click.argument("track_ids", nargs=-1, required=True, metavar="ID...")
def remove(session: Session, track_ids: tuple[str, ...], as_json: bool) -> None:
    """Remove tracks from the catalogue; what users said of them stays."""
    with session.engine() as engine:
        removed = engine.remove_content(track_ids)
    print_result({"removed": removed}, as_json, f"Removed {removed} of {len(set(track_ids))} tracks.")


def nearest_tracks(engine: Engine, wanted: str) -> list[Track]:
    """Return a few tracks that somebody may have meant by `wanted`, which is no track's id: by title, or by a near id.

    Only the first 20,000 tracks are looked at, so that a mistyped id does not cost seconds.
    """
    title, by_title, ids = folded(wanted), [], {}
    for track in islice(all_tracks(engine), _LOOKED_AT):
        ids[track["track_id"]] = track
        if title and folded(track["title"]) == title:
            by_title.append(track)
    if by_title or len(wanted) > LONGEST_NAME:
        return by_title[:_NEAREST]
    return [ids[near] for near in difflib.get_close_matches(wanted, ids, n=_NEAREST, cutoff=0.75)]


def serves_samples(engine: Engine) -> bool:
    """Return whether the store never held a track, so that invented ones are served."""
    return engine.store.catalogue_token().counter == 0


def all_tracks(engine: Engine) -> Iterable[Track]:
    """Return all tracks of the catalogue, or the samples while they are served."""
    if serves_samples(engine):
        return sample_tracks()
    return (track for _, track in engine.store.catalogue_since(None).written)


def matching(tracks: Iterable[Track], text: str) -> Iterable[Track]:
    """Yield the tracks whose title, artist and album hold every word of the text, case and accents apart."""
    wanted = folded(text).split()
    for track in tracks:
        searched = folded(" ".join(str(track.get(field) or "") for field in _SEARCHED))
        if all(word in searched for word in wanted):
            yield track


def folded(text: str) -> str:
    """Return the text as `normalise` gives it, without its accents."""
    decomposed = unicodedata.normalize("NFKD", normalise(text))
    return "".join(character for character in decomposed if not unicodedata.combining(character))
