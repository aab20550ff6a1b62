"""Two small structures that several scans share: cells of the category columns, and each artist's rows."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from benchmarks.ranking.catalogue import Catalogue, Rows
from benchmarks.ranking.taste import GENRE, MOOD, TEMPO, Numbers, Taste
from qfzz_core.model.tracks import TEMPOS


def cell_numbers(catalogue: Catalogue) -> NDArray[np.integer[Any]]:
    """Return each track's number among all combinations of genre, tempo and mood, in two bytes if that is enough."""
    moods, tempos = len(catalogue.moods), len(TEMPOS)
    cells = (catalogue.genre * tempos + catalogue.tempo) * moods + catalogue.mood
    return cells.astype(np.uint16 if len(catalogue.genres) * tempos * moods <= 2**16 else np.int32)


def cell_sums(taste: Taste) -> Numbers:
    """Return by cell what genre, tempo and mood add to the score."""
    genre, tempo, mood = GENRE * taste.genre, TEMPO * taste.tempo, MOOD * taste.mood
    return np.asarray((genre[:, None, None] + tempo[:, None] + mood).ravel())


@attrs.frozen(eq=False)
class Postings:
    """The rows of each artist, ascending: those of code c are `rows[starts[c]:starts[c + 1]]`."""

    starts: NDArray[np.int64]
    rows: Rows

    @classmethod
    def of(cls, catalogue: Catalogue) -> Postings:
        """Return the postings of a catalogue."""
        counts = np.bincount(catalogue.artist, minlength=len(catalogue.artists))
        return cls(np.concatenate([[0], np.cumsum(counts)]), np.argsort(catalogue.artist, kind="stable"))

    def places(self, artists: NDArray[np.int64]) -> tuple[Rows, NDArray[np.int64]]:
        """Return where in `rows` those of some artists are, one artist after the other, and how many each has."""
        starts = self.starts[artists]
        counts = self.starts[artists + 1] - starts
        before = np.cumsum(counts) - counts
        return np.arange(counts.sum()) + np.repeat(starts - before, counts), counts
