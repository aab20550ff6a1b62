"""The fields of a track that XSPF and JSPF share: how they are named, and what identifiers mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from qfzz_core.contracts.descriptions import Description
from qfzz_core.model.places import unquoted
from qfzz_plugins.formats.described import seconds
from qfzz_plugins.formats.places import IN_URIS, place_of_reference, uri_of

# where a track, and a list, has what the format cannot say
TRACK = "urn:qfzz-track"
TITLE = "urn:qfzz-title"

_OWN = "urn:qfzz:"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # at least two letters, or the drive of C:\music would be a scheme
_RECORDING = re.compile(r"https?://(?:beta\.)?musicbrainz\.org/recording/([0-9a-f-]{36})/?", re.IGNORECASE)
_ISRC = re.compile(r"(?:urn:)?isrc:([A-Z]{2}-?[A-Z0-9]{3}-?\d{2}-?\d{5})", re.IGNORECASE | re.ASCII)


def elements(description: Description) -> Iterator[tuple[str, str]]:
    """Yield the names and the text of what is known, in the order of the format; lengths are milliseconds."""
    if description.location is not None:
        yield "location", uri_of(description.location)
    if description.track_id is not None:
        yield "identifier", _identifier(description.track_id)
    if description.recording_mbid is not None:
        yield "identifier", f"https://musicbrainz.org/recording/{quote(description.recording_mbid, safe='')}"
    for name, text in (("title", description.title), ("creator", description.artist), ("album", description.album)):
        if text:
            yield name, text
    if description.duration is not None:
        yield "duration", str(round(description.duration * 1000))


def understood(fields: Mapping[str, Iterable[str]], directory: Path | None = None) -> Description:
    """Return what the fields of a track say, of each of which there may be several."""

    def first(name: str) -> str | None:
        return next(iter(fields.get(name, ())), None)

    identifiers = list(fields.get("identifier", ()))
    linked = [*identifiers, *fields.get("link", ()), *fields.get("meta", ())]
    recording = _found(_RECORDING, linked)
    isrc = _found(_ISRC, linked)
    place, milliseconds = first("location"), seconds(first("duration"))
    return Description(
        track_id=_track_id(identifiers),
        title=first("title"),
        artist=first("creator"),
        album=first("album"),
        duration=None if milliseconds is None else milliseconds / 1000,
        location=None if place is None else place_of_reference(place, directory),
        recording_mbid=recording.lower() if recording else None,
        isrc=isrc.upper().replace("-", "") if isrc else None,
    )


def _identifier(track_id: str) -> str:
    return quote(track_id, safe=IN_URIS) if _SCHEME.match(track_id) else f"{_OWN}{quote(track_id, safe='')}"


def _track_id(identifiers: Iterable[str]) -> str | None:
    """Return the first identifier that may be an id of ours: one of MusicBrainz or an ISRC is none."""
    for each in identifiers:
        if each.startswith(_OWN):
            return unquoted(each.removeprefix(_OWN))
        if not _RECORDING.fullmatch(each) and not _ISRC.fullmatch(each):
            return each
    return None


def _found(pattern: re.Pattern[str], given: Iterable[str]) -> str | None:
    return next((found[1] for each in given if (found := pattern.fullmatch(each))), None)
