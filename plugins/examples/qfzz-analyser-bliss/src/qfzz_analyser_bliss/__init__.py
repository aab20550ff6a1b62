"""A QFZZ analyser on bliss-audio: the tempo of a track, and a vector by which tracks that sound alike are near."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qfzz_core import hookimpl
from qfzz_core.contracts import AnalysisError, Column

_FEATURES = 23  # of version 2 of its analysis, each from -1 to 1
_FASTEST = 206.0  # beats per minute that bliss calls 1; -1 is none


class Bliss:
    """Hears the whole of a file, of every form that FFmpeg knows, in 0.1 to 0.5 seconds."""

    name = "bliss"
    fields = ("bpm", "bliss")

    def analyse(self, path: Path) -> Mapping[str, Any] | None:
        """Return the beats per minute and the vector."""
        from bliss_audio import Song

        try:
            song = Song(str(path))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # what cannot be decoded ends in a panic of Rust, which is no Exception
            if type(error).__name__ != "PanicException" and not isinstance(error, Exception):
                raise
            raise AnalysisError(f"bliss cannot decode it: {error}") from None
        features = [float(value) for value in song.analysis]
        if len(features) != _FEATURES:
            raise AnalysisError(f"bliss gives {len(features)} numbers instead of {_FEATURES}")
        beats = (features[0] + 1) / 2 * _FASTEST
        return {"bliss": features, **({"bpm": round(beats, 1)} if beats >= 0.1 else {})}


@hookimpl
def qfzz_analysers() -> list[Bliss]:
    """Register the analyser."""
    return [Bliss()]


@hookimpl
def qfzz_columns() -> list[Column]:
    """Declare the vector, so that factors and seeds can use it."""
    return [Column(name="bliss", kind="vector", size=_FEATURES)]
