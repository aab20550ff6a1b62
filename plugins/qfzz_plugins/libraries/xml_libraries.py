"""The format `library-xml`: what iTunes, Apple's Music and Rekordbox export, by the root of the document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from qfzz_core.contracts.formats import Row, TrackFile
from qfzz_core.hookspecs import hookimpl
from qfzz_core.importing.values import shown
from qfzz_plugins.libraries.values import known, number, place, whole
from qfzz_plugins.libraries.xml_events import Element, elements

_NO_MUSIC = ("Podcast", "Movie", "TV Show", "Music Video", "Audiobook", "iTunesU")
_SCALARS = frozenset({"string", "integer", "real", "date", "true", "false"})


class XmlLibraryReader:
    """Reads `Library.xml` of iTunes and Music, and the collections of Rekordbox."""

    name = "library-xml"
    suffixes = (".xml",)

    def read(self, file: TrackFile) -> Iterator[Row]:
        """Yield a row for each track; raises `ImportFileError` for any other document."""
        found = elements(file)
        root = next(found, None)
        if root is not None and root.name == "plist":
            yield from _rows_of_itunes(file, found)
        elif root is not None and root.name == "DJ_PLAYLISTS":
            yield from _rows_of_rekordbox(found)
        else:
            said = f"its root is {shown(root.name)}" if root else "it has no element"
            raise file.unusable(
                f"no library of tracks: {said}; <plist> of iTunes and Music and <DJ_PLAYLISTS> of Rekordbox are read"
            )


# ---- iTunes and Music -----------------------------------------------------------------------------------------------


def _rows_of_itunes(file: TrackFile, found: Iterator[Element]) -> Iterator[Row]:
    """Yield the rows of the dictionaries in that of "Tracks"; the elements are those within the root."""
    path: list[str] = []
    keys: list[str] = [""]
    track: dict[str, str] = {}
    has_tracks = False
    for element in found:
        if not element.ends:
            path.append(element.name)
            keys.append("")
            if path == ["dict", "dict", "dict"]:
                track = {}
                line = element.line
            has_tracks = has_tracks or (path == ["dict", "dict"] and keys[1] == "Tracks")
            continue
        if not path:
            break
        ended = path.pop()
        keys.pop()
        if ended == "key":
            keys[-1] = element.text
        elif path == ["dict", "dict", "dict"] and ended in _SCALARS:
            track[keys[-1]] = ended if ended in ("true", "false") else element.text
        elif path == ["dict", "dict"] and ended == "dict" and keys[1] == "Tracks":
            yield _row_of_itunes(line, track)
    if not has_tracks:
        raise file.unusable('a property list without a dictionary of "Tracks": no library of iTunes or Music')


def _row_of_itunes(line: int, track: Mapping[str, str]) -> Row:
    kind = next((kind for kind in _NO_MUSIC if track.get(kind) == "true"), None)
    if kind is not None:
        return Row(line, problem=f"{shown(track.get('Name', ''))} is no music: {kind}")
    identity = track.get("Persistent ID")
    values = {
        **({"track_id": f"itunes-{identity}"} if identity else {}),
        "title": track.get("Name"),
        "artist": track.get("Artist"),
        "album": track.get("Album"),
        "album_artist": track.get("Album Artist"),
        "genre": track.get("Genre"),
        "duration": whole((number(track.get("Total Time")) or 0) / 1000),
        "bpm": number(track.get("BPM")),
        "year": whole(track.get("Year")),
        "track_number": whole(track.get("Track Number")),
        "disc_number": whole(track.get("Disc Number")),
        "play_count": whole(track.get("Play Count")),
        "date_added": track.get("Date Added"),
        "location": place(track.get("Location")),
    }
    return Row(line, known(values), typed=True)


# ---- Rekordbox ------------------------------------------------------------------------------------------------------


def _rows_of_rekordbox(found: Iterator[Element]) -> Iterator[Row]:
    """Yield the rows of the tracks of the collection; those of playlists only repeat their keys."""
    path: list[str] = []
    for element in found:
        if element.ends:
            del path[-1:]
            continue
        if path == ["COLLECTION"] and element.name == "TRACK":
            yield _row_of_rekordbox(element)
        path.append(element.name)


def _row_of_rekordbox(element: Element) -> Row:
    track = element.attributes
    identity = track.get("TrackID")
    values = {
        **({"track_id": f"rekordbox-{identity}"} if identity else {}),
        "title": track.get("Name"),
        "artist": track.get("Artist"),
        "album": track.get("Album"),
        "genre": track.get("Genre"),
        "duration": whole(track.get("TotalTime")),
        "bpm": number(track.get("AverageBpm")),
        "key": track.get("Tonality"),
        "year": whole(track.get("Year")),
        "track_number": whole(track.get("TrackNumber")),
        "disc_number": whole(track.get("DiscNumber")),
        "play_count": whole(track.get("PlayCount")),
        "date_added": track.get("DateAdded"),
        "label": track.get("Label"),
        "remixer": track.get("Remixer"),
        "location": place(track.get("Location")),
    }
    return Row(element.line, known(values), typed=True)


@hookimpl
def qfzz_readers() -> list[XmlLibraryReader]:
    """Register the reader."""
    return [XmlLibraryReader()]
