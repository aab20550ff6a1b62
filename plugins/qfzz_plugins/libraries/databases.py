"""The format `library-db`: databases of beets, Navidrome and MPD, by what they hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qfzz_core.contracts.formats import Row, TrackFile
from qfzz_core.formats.decompression import decompressed
from qfzz_core.hookspecs import hookimpl
from qfzz_plugins.libraries.mpd import is_mpd, rows_of_mpd
from qfzz_plugins.libraries.sqlite_libraries import rows_of_sqlite

_GZIP = b"\x1f\x8b"
_SQLITE = b"SQLite format 3\0"


class DatabaseReader:
    """Reads the databases of beets and Navidrome, which are SQLite, and that of MPD, which is text."""

    name = "library-db"
    suffixes = (".db", ".blb", ".sqlite", ".sqlite3")

    def read(self, file: TrackFile) -> Iterator[Row]:
        """Yield a row for each track; raises `ImportFileError` for any other database."""
        content: Any = file.content
        start = content.peek(len(_SQLITE))
        if start.startswith(_SQLITE):
            if file.path.suffix.lower() == ".gz":
                raise file.unusable("an SQLite database is read where it lies: decompress it first")
            yield from rows_of_sqlite(file)
            return
        if start.startswith(_GZIP):  # as MPD writes its own, which no suffix says
            content = decompressed(file.path, content, file.limits.expansion)
            start = content.peek(len(_SQLITE))
        if not is_mpd(start):
            raise file.unusable("neither an SQLite database nor one of MPD")
        yield from rows_of_mpd(file, content)


@hookimpl
def qfzz_readers() -> list[DatabaseReader]:
    """Register the reader."""
    return [DatabaseReader()]
