"""Files of tracks and playlists: which format a file has, reading it and writing it, through plugins."""

from qfzz_core.contracts.formats import Header, ImportFileError, Playlist, PlaylistError, Reader, Row, TrackFile, Writer

__all__ = ["Header", "ImportFileError", "Playlist", "PlaylistError", "Reader", "Row", "TrackFile", "Writer"]
