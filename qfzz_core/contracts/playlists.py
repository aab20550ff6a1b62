"""What readers of playlists promise: the title of a list, and what it says of each of its tracks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from attrs import Factory, frozen

from qfzz_core.contracts.descriptions import Description
from qfzz_core.contracts.formats import TrackFile

__all__ = ["PlaylistEntry", "PlaylistFile", "PlaylistReader", "PlaylistTitle"]


@frozen
class PlaylistTitle:
    """The title of a list; a reader yields it at any place, and the last one counts."""

    text: str


@frozen
class PlaylistEntry:
    """What a list says of one track.

    `line` is where it stands: in the file, the first line being 1, or in a list of JSON, its first item being 1.
    `problem` says why an entry could not be read; its description is empty then.
    """

    line: int
    description: Description = Factory(Description)
    problem: str | None = None


@frozen
class PlaylistFile:
    """A playlist that was read: its path, the name of its format, its title if it has one, and its entries in order."""

    path: Path
    format: str
    title: str | None
    entries: tuple[PlaylistEntry, ...]


@runtime_checkable
class PlaylistReader(Protocol):
    """Reads playlists of one format; `qfzz playlist import --format NAME` chooses it, or the suffix of a file does."""

    @property
    def name(self) -> str:
        """The name of the format."""
        ...

    @property
    def suffixes(self) -> Sequence[str]:
        """The suffixes that it reads, in small letters, such as (".m3u8", ".m3u"); a further `.gz` is taken care of."""
        ...

    def read(self, file: TrackFile) -> Iterable[PlaylistTitle | PlaylistEntry]:
        """Yield what a file says, as it is read.

        An entry that cannot be read has a `problem`, and the rest follows; where the whole file is of no use, raise
        `file.unusable(reason, line)`. Relative locations are resolved against the directory of `file.path`.
        """
        ...
