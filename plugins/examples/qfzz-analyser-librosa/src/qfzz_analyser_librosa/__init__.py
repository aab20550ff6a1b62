"""A QFZZ analyser on librosa: beats per minute, key and energy of the middle of a track."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from attrs import field, frozen, validators
from qfzz_core import hookimpl
from qfzz_core.contracts import AnalysisError

_RATE = 22_050  # samples a second: beats and chords need no more
_NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
# How well each step of the scale fits a key, by listeners' ratings: C. L. Krumhansl, Cognitive Foundations of Musical
# Pitch, 1990, p. 30.
_MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
_MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
# Root mean square in decibels below full scale: quiet chamber music lies near the first, loud masters near the second.
_QUIET, _LOUD = -40.0, -8.0


@frozen(kw_only=True)
class Options:
    """The table `[plugins.librosa]`: how many seconds of each file are heard, from its middle."""

    seconds: float = field(default=60.0, validator=[validators.ge(5.0), validators.le(3600.0)])


@frozen
class Librosa:
    """Hears a part of a file, of every form that libsndfile knows, in about two seconds."""

    seconds: float = 60.0
    name: str = "librosa"
    fields: tuple[str, ...] = ("bpm", "key", "energy")

    def analyse(self, path: Path) -> Mapping[str, Any] | None:
        """Return beats per minute, key and energy; what cannot be said is left out."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the packages that librosa imports, and of each file that it retries
            return self._heard(path)

    def _heard(self, path: Path) -> dict[str, Any]:
        import librosa

        try:
            whole = librosa.get_duration(path=str(path))
            begin = max(0.0, (whole - self.seconds) / 2)
            sound, _ = librosa.load(str(path), sr=_RATE, mono=True, offset=begin, duration=self.seconds)
        except Exception as error:  # noqa: BLE001 - each form has errors of its own
            raise AnalysisError(f"librosa cannot decode it: {error}") from None
        if sound.size < _RATE or not np.any(sound):
            raise AnalysisError("it is silent, or shorter than a second")
        tempo, _ = librosa.beat.beat_track(y=sound, sr=_RATE)
        beats = float(np.atleast_1d(tempo)[0])
        heard: dict[str, Any] = {"energy": energy(sound), "key": key(librosa.feature.chroma_cqt(y=sound, sr=_RATE))}
        return {**heard, "bpm": round(beats, 1)} if beats > 0 else heard


def energy(sound: np.ndarray[Any, Any]) -> float:
    """Return how loud a sound is: 0 at 40 decibels below full scale, 1 at 8 below, in a straight line between."""
    level = 20 * np.log10(max(float(np.sqrt(np.mean(np.square(sound, dtype=float)))), 1e-9))
    return round(float(np.clip((level - _QUIET) / (_LOUD - _QUIET), 0, 1)), 3)


def key(chroma: np.ndarray[Any, Any]) -> str:
    """Return the key whose profile correlates best with the notes that sound: "C", or "Am" for a minor one."""
    notes = chroma.mean(axis=1)
    fits = [
        (float(np.corrcoef(np.roll(profile, tonic), notes)[0, 1]), f"{_NOTES[tonic]}{minor}")
        for profile, minor in ((_MAJOR, ""), (_MINOR, "m"))
        for tonic in range(12)
    ]
    return max(fits, key=lambda each: each[0])[1]


@hookimpl
def qfzz_options() -> type[Options]:
    """Give the class of the options."""
    return Options


@hookimpl
def qfzz_analysers(setup: Any) -> list[Librosa]:
    """Register the analyser."""
    return [Librosa(setup.options.seconds)]
