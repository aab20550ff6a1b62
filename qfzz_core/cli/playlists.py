"""A list of recommendations as a file that other programs open."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qfzz_core.cli.exporting import write_bytes
from qfzz_core.cli.output import note, visible
from qfzz_core.contracts.formats import Playlist, Writer
from qfzz_core.formats.files import chosen_writer, playlist_bytes
from qfzz_core.model.plain import copied

if TYPE_CHECKING:
    from qfzz_core.contracts.recommendation import Recommendation
    from qfzz_core.engine import Engine
    from qfzz_core.plugins.registry import Registered

__all__ = ["chosen_writer", "write_playlist"]


def write_playlist(
    engine: Engine, writer: Registered[Writer], output: Path, user: str, found: Sequence[Recommendation]
) -> None:
    """Write recommendations to a file, or to stdout for `-`; raises `PlaylistError` and `ExportError`."""
    playlist = Playlist(f"QFZZ for {user}", [copied(recommendation.track) for recommendation in found])
    content = playlist_bytes(writer, playlist, engine.faults.report)
    if str(output) == "-":
        click.echo(content, nl=False)
        return
    write_bytes(output, content)
    note(visible(f"{output}: {len(found)} tracks, format {writer.value.name}."))
