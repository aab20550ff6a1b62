"""Directories of audio files: what is below them, and which of it the catalogue does not know as it is."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from hashlib import sha256
from pathlib import Path
from typing import Any

from attrs import Factory, define, evolve, field, frozen

from qfzz_core.contracts.formats import ImportFileError, Row
from qfzz_core.formats.files import Progress, Readers
from qfzz_core.importing.analysis import ANALYSED, FAILED
from qfzz_core.importing.file_names import UNKNOWN_ARTIST, named
from qfzz_core.importing.locations import local_path
from qfzz_core.model.names import is_storable
from qfzz_core.model.tracks import Track

# What each scan says of a track again. What else a track has, an application, a user or an analyser gave it, and
# a scan of the file that was changed leaves it.
_OF_TAGS = frozenset(
    (
        *("track_id", "title", "artist", "artists", "album", "album_artist", "genre", "genres", "duration"),
        *("bpm", "tempo", "key", "year", "track_number", "disc_number", "isrc"),
        *("recording_mbid", "release_mbid", "artist_mbids", "location", "file_size", "file_mtime"),
    )
)


@frozen
class AudioFile:
    """A file that was found: its absolute path, its size in bytes, and when it was last changed."""

    path: Path
    size: int
    modified: float

    @property
    def location(self) -> str:
        """The path as text, or as a URI where it holds bytes that are none."""
        text = str(self.path)
        return text if is_storable(text) else self.path.as_uri()


@frozen
class KnownFile:
    """What the catalogue says of a file: the track, what the file was like, and what no scan says of the track."""

    track_id: str
    size: int
    modified: float
    kept: Mapping[str, Any] = field(repr=False)


@define
class CollectionCounts:
    """How many files are new, changed, unchanged, elsewhere than before, gone; and what was made of their paths."""

    new: int = 0
    changed: int = 0
    moved: int = 0
    unchanged: int = 0
    gone: int = 0
    removed: int = 0
    titles_of_names: int = 0
    artists_of_paths: int = 0
    unknown_artists: int = 0


def known_files(tracks: Iterable[Track]) -> dict[str, KnownFile]:
    """Return the tracks that a scan put into the catalogue, by their location."""
    found = {}
    for track in tracks:
        location, size, modified = (track.get(key) for key in ("location", "file_size", "file_mtime"))
        if isinstance(location, str) and isinstance(size, int) and isinstance(modified, int | float):
            found[location] = KnownFile(track["track_id"], size, modified, _kept(track))
    return found


def _kept(track: Track) -> dict[str, Any]:
    analysed = track.get(ANALYSED)
    by_analysers = analysed.keys() if isinstance(analysed, dict) else frozenset()
    replaced = _OF_TAGS - by_analysers | {FAILED}
    return {key: value for key, value in track.items() if value is not None and key not in replaced}


@define
class Scan:
    """What is below some directories, or is one of some files: in order, each once.

    `unlisted` are directories that could not be read, of which nothing is known.
    """

    files: list[AudioFile] = Factory(list)
    unlisted: list[Path] = Factory(list)


def scanned(roots: Iterable[Path], suffixes: AbstractSet[str]) -> Scan:
    """Return the files of some suffixes that are, or are below, these paths; names that begin with a dot are hidden.

    Links are followed after everything else, and no directory and no file is taken twice: what a link shows again
    keeps its own path.
    """
    scan = Scan()
    seen: set[tuple[int, int] | str] = set()
    links: deque[str] = deque()
    waiting = [os.path.abspath(root) for root in reversed([*roots])]
    while waiting or links:
        path = waiting.pop() if waiting else links.popleft()
        try:
            found = os.stat(path)
            identity = (found.st_dev, found.st_ino) if found.st_ino else path
            if identity in seen:
                continue
            seen.add(identity)
            if not os.path.isdir(path):
                if os.path.isfile(path) and os.path.splitext(path)[1].lower() in suffixes:
                    scan.files.append(AudioFile(Path(path), found.st_size, found.st_mtime))
                continue
            entries = sorted(os.scandir(path), key=lambda entry: entry.name, reverse=True)
        except OSError:
            scan.unlisted.append(Path(path))
            continue
        for entry in entries:
            if not entry.name.startswith("."):
                (links if entry.is_symlink() else waiting).append(entry.path)
    return scan


@define
class Collection:
    """The audio files at some paths against what the catalogue knows: `pending` are those to be read.

    `counts` says how many there are; what is made of paths is counted as the rows are taken.
    """

    roots: tuple[Path, ...]
    readers: Readers
    known: Mapping[str, KnownFile]
    counts: CollectionCounts = field(init=False, factory=CollectionCounts)
    pending: list[AudioFile] = field(init=False, factory=list)
    found: int = field(init=False, default=0)
    gone: list[str] = field(init=False, factory=list)
    unlisted: list[Path] = field(init=False, factory=list)
    _moved: dict[str, KnownFile] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self.readers = evolve(self.readers, format=None)
        scan = scanned(self.roots, self.readers.one_track_suffixes())
        self.found, self.unlisted = len(scan.files), scan.unlisted
        here = {file.location for file in scan.files}
        self._compare(scan.files, here)
        moved = {known.track_id for known in self._moved.values()}
        below = tuple(f"{os.path.abspath(root)}{os.sep}" for root in self.roots if os.path.isdir(root))
        unlisted = tuple(f"{path}{os.sep}" for path in scan.unlisted)
        self.gone = [
            known.track_id
            for location, known in self.known.items()
            if location not in here
            and known.track_id not in moved
            and (path := local_path(location)).startswith(below)
            and not path.startswith(unlisted)
        ]
        self.counts.gone = len(self.gone)

    def _compare(self, files: Iterable[AudioFile], here: AbstractSet[str]) -> None:
        missing = _by_form(self.known, here)
        new = Counter((file.size, file.modified) for file in files if file.location not in self.known)
        for file in files:
            known = self.known.get(file.location)
            form = (file.size, file.modified)
            if known is not None and form == (known.size, known.modified):
                self.counts.unchanged += 1
                continue
            self.pending.append(file)
            if known is not None:
                self.counts.changed += 1
            elif new[form] == 1 and (former := missing.get(form)) is not None:
                self._moved[file.location] = former
                self.counts.moved += 1
            else:
                self.counts.new += 1

    @property
    def size(self) -> int:
        """The bytes of the files that are to be read."""
        return sum(file.size for file in self.pending)

    def rows(self, on_progress: Progress | None = None) -> Iterator[tuple[Path, Row]]:
        """Yield each pending file and its row, which has a problem if the file cannot be read."""
        done = 0
        for file in self.pending:
            yield file.path, self._row(file)
            done += file.size
            if on_progress:
                on_progress(done)

    def _row(self, file: AudioFile) -> Row:
        try:
            rows = [*self.readers.rows(file.path)]
        except ImportFileError as error:
            return Row(0, problem=str(error).removeprefix(f"{file.path}: "))
        if len(rows) != 1 or rows[0].problem:
            return Row(0, problem=rows[0].problem if rows else "it holds no track")
        return evolve(rows[0], line=0, values=self._completed(file, rows[0].values))

    def _completed(self, file: AudioFile, tagged: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is known of a track: by its tags, by its path, and by what the catalogue had beside them."""
        location = file.location
        known = self.known.get(location) or self._moved.get(location)
        values = {"track_id": known.track_id if known else file_id(location), **tagged}
        if not values.get("title") or not values.get("artist"):
            guessed = named(file.path, self._root_of(file.path))
            if not values.get("title"):
                self.counts.titles_of_names += 1
                values["title"] = guessed.title
            if not values.get("artist"):
                values["artist"] = guessed.artist or UNKNOWN_ARTIST
                self.counts.artists_of_paths += guessed.artist is not None
                self.counts.unknown_artists += guessed.artist is None
        values |= {"location": location, "file_size": file.size, "file_mtime": file.modified}
        return {**(known.kept if known else {}), **values}

    def _root_of(self, path: Path) -> Path:
        return next((root for root in map(Path.absolute, self.roots) if root in path.parents), path.parent)


def _by_form(known: Mapping[str, KnownFile], here: AbstractSet[str]) -> dict[tuple[int, float], KnownFile]:
    """Return the files that are where they were no more, by what shows them elsewhere, if it is that of one file."""
    missing = [(location, each) for location, each in known.items() if location not in here]
    forms = Counter((each.size, each.modified) for _, each in missing)
    return {
        (each.size, each.modified): each
        for location, each in missing
        if forms[each.size, each.modified] == 1 and not os.path.exists(local_path(location))
    }


def file_id(location: str) -> str:
    """Return the id of the track of a file that the catalogue does not know: `file-` and 128 bits of SHA-256."""
    return f"file-{sha256(location.encode()).hexdigest()[:32]}"
