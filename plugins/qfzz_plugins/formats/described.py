"""What a list says of a track of ours, and what it has to add where its format cannot say it.

Each format has words of its own for the fields of a `Description`, and holds some of them only: M3U has no ids, and
"A - B - C" does not say where the artist ends. So a writer reads back what it wrote, and adds the fields that did not
come back, as one object of JSON in ASCII, where other programs pass over it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import evolve

from qfzz_core.contracts.descriptions import Description
from qfzz_core.contracts.formats import Playlist, PlaylistError
from qfzz_core.errors import shown
from qfzz_core.model.places import location
from qfzz_plugins.formats.places import place_of

FIELDS = ("track_id", "title", "artist", "album", "duration", "location", "recording_mbid", "isrc")

_SHOWN = 3
_LONGEST_NUMBER = 40  # characters
_LONGEST_DURATION = 1e9  # seconds: 30 years, and no float of a damaged file is infinite


def described(track: Mapping[str, Any]) -> Description:
    """Return what a list has to say of a track of ours."""
    place = location(track)
    return Description(
        track_id=track["track_id"],
        title=track["title"],
        artist=track["artist"],
        album=_string(track.get("album")),
        duration=seconds(track["duration"]),
        location=None if place is None else place_of(place),
        recording_mbid=_string(track.get("recording_mbid")),
        isrc=_string(track.get("isrc")),
    )


def seconds(value: Any) -> float | None:
    """Return a length as a float; None for 0 and less, which lists write for an unknown one, and for no number."""
    if isinstance(value, str) and len(value) > _LONGEST_NUMBER:  # parsing takes the square of the length
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 < number < _LONGEST_DURATION else None


def rest(wanted: Description, understood: Description) -> str | None:
    """Return the fields that would not come back, as a line of JSON; None if all do."""
    differing = {name: value for name in FIELDS if (value := getattr(wanted, name)) != getattr(understood, name)}
    return json.dumps(differing) if differing else None


def completed(understood: Description, line: str, directory: Path) -> Description:
    """Return a description with the fields that such a line gives; as it is if that is no such line.

    A relative location is below `directory`, as one that the format itself says.
    """
    try:
        given = json.loads(line)
    except (ValueError, RecursionError):
        return understood
    if not isinstance(given, dict):
        return understood
    fields = {name: given[name] for name in FIELDS if name in given and _fits(name, given[name])}
    if fields.get("location"):
        fields["location"] = place_of(fields["location"], directory)
    return evolve(understood, **fields)


def title_rest(title: str, understood: str | None) -> str | None:
    """Return the title of a list as JSON if it would not come back."""
    return json.dumps(title) if title != understood else None


def completed_title(understood: str | None, line: str) -> str | None:
    """Return the title that such a line gives; the other one if that is no such line."""
    try:
        given = json.loads(line)
    except (ValueError, RecursionError):
        return understood
    return given if isinstance(given, str) else understood


def named(text: str, artist: str | None = None) -> Description:
    """Return what "artist - title" says; all of it is the title if no artist stands before it."""
    text = text.strip()
    if artist is not None:
        return Description(artist=artist, title=text.removeprefix(f"{artist} - ") or None)
    before, _, after = text.partition(" - ")
    if before.strip() and after.strip():
        return Description(artist=before.strip(), title=after.strip())
    return Description(title=text or None)


def checked_playable(playlist: Playlist) -> Sequence[Mapping[str, Any]]:
    """Return the tracks of a list in a format that only holds locations.

    Raises `PlaylistError` if any has none, unless that is allowed.
    """
    without = [track["track_id"] for track in playlist.tracks if location(track) is None]
    if without and not playlist.allow_unplayable:
        first = ", ".join(map(shown, without[:_SHOWN])) + (", ..." if len(without) > _SHOWN else "")
        raise PlaylistError(
            f"{len(without):,} of {len(playlist.tracks):,} tracks have no location, so no player could open them: "
            f"{first}; give tracks a location (a path or URL), write xspf or jspf, which name tracks by their ids, or "
            "write the ids all the same with --allow-unplayable"
        )
    return playlist.tracks


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _fits(name: str, value: Any) -> bool:
    if name == "duration":
        return value is None or (type(value) in (int, float) and seconds(value) is not None)
    return value is None or isinstance(value, str)
