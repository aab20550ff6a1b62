"""`qfzz tracks`: the catalogue."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from qfzz_core.cli.options import command, json_option
from qfzz_core.cli.output import console, note, print_json, visible
from qfzz_core.cli.session import Session
from qfzz_core.errors import UnknownTrackError
from qfzz_core.model.names import normalise

if TYPE_CHECKING:
    from qfzz_core.model.tracks import Track

_SEARCHED = ("title", "artist", "album")


@click.group()
def tracks() -> None:
    """Search, show or remove tracks of the catalogue."""


@command(tracks)
@click.argument("words", nargs=-1, required=True, metavar="TEXT...")
@click.option(
    "-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="How many tracks."
)
@json_option
def search(session: Session, words: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Find the tracks whose title, artist and album hold every word of TEXT.

    Case and accents do not matter, nor does in which of the three a word stands.
    """
    from qfzz_core.cli.known_tracks import all_tracks

    with session.engine() as engine:
        found = list(islice(matching(all_tracks(engine), " ".join(words)), limit + 1))
    if as_json:
        print_json(found[:limit])
    else:
        _print_found(found, limit)


@command(tracks)
@click.argument("track_id", metavar="ID")
@json_option
def show(session: Session, track_id: str, as_json: bool) -> None:
    """Show everything the catalogue says of a track."""
    from qfzz_core.cli.known_tracks import find_track

    with session.engine() as engine:
        track = find_track(engine, track_id)
    if track is None:
        raise UnknownTrackError(f"the catalogue has no track {track_id!r}; `qfzz tracks search` finds tracks")
    print_json(track) if as_json else _print_track(track)


@command(tracks)
@click.argument("track_ids", nargs=-1, required=True, metavar="ID...")
@json_option
def remove(session: Session, track_ids: tuple[str, ...], as_json: bool) -> None:
    """Remove tracks from the catalogue; what users said of them stays."""
    with session.engine() as engine:
        removed = engine.remove_content(track_ids)
    if as_json:
        print_json({"removed": removed})
    else:
        click.echo(f"Removed {removed} of {len(set(track_ids))} tracks.")


def matching(tracks: Iterable[Track], text: str) -> Iterable[Track]:
    """Yield the tracks whose title, artist and album hold every word of the text, case and accents apart."""
    wanted = folded(text).split()
    for track in tracks:
        said = folded(" ".join(str(track.get(field, "")) for field in _SEARCHED))
        if all(word in said for word in wanted):
            yield track


def folded(text: str) -> str:
    """Return the text as `normalise` gives it, without its accents."""
    decomposed = unicodedata.normalize("NFKD", normalise(text))
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def _print_found(found: list[Track], limit: int) -> None:
    if not found:
        note("No track matches.")
        return
    from qfzz_core.cli.tables import TRACK_LINE, fitting_table, track_cells

    out = console()
    rows = [track_cells(track) for track in found[:limit]]
    out.print(fitting_table(out, rows, (*TRACK_LINE, ("track_id",)), (("title", "sound"), ("artist", "track_id"))))
    if len(found) > limit:
        note(f"There are more than {limit}; -n shows more of them.")


def _print_track(track: dict[str, Any]) -> None:
    width = max(map(len, track))
    for key, value in track.items():
        click.echo(f"{visible(key):<{width}}  {visible(value)}")
