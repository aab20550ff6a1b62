"""From a list of tracks to the bytes of a file, through a writer that a plugin registered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from qfzz_core.contracts.formats import Playlist, PlaylistError, Writer
from qfzz_core.formats.asking import answered
from qfzz_core.formats.choice import by_name, by_suffix
from qfzz_core.plugins.faults import BrokenContractError, Report, described

if TYPE_CHECKING:
    from qfzz_core.plugins.registry import Registered, Registry


def chosen_writer(registry: Registry, path: Path, name: str | None = None) -> Registered[Writer]:
    """Return the writer of a name, or of what `path` ends in; raises `PlaylistError` if there is none."""
    if name is not None:
        return by_name(registry.writers, name, PlaylistError)
    return by_suffix(registry.writers, path, PlaylistError)


def playlist_bytes(writer: Registered[Writer], playlist: Playlist, report: Report) -> bytes:
    """Return a playlist as a file holds it.

    A writer that fails is reported, and `PlaylistError` raised, which names it.
    """
    name = writer.value.name
    try:
        return "".join(_pieces(writer.value, playlist)).encode()
    except Exception as error:
        report(writer.origin, f"writer {name}", error)
        raise PlaylistError(f"writer {name} of {writer.origin} failed: {described(error)}") from error


def _pieces(writer: Writer, playlist: Playlist) -> Iterator[str]:
    for piece in answered(writer.write, playlist):
        if not isinstance(piece, str):
            raise BrokenContractError(f"write must give text, got {piece!r}")
        yield piece
