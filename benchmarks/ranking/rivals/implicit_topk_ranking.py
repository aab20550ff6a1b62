"""The `topk` of implicit: a matrix product, then a selection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from implicit.cpu.topk import topk

from benchmarks.ranking.catalogue import Catalogue, Rows
from benchmarks.ranking.taste import taste
from benchmarks.ranking.vectors import DIFFERS, track_vectors, wanted_vector


class ImplicitTopk:
    """One query at a time, on one thread."""

    name = "implicit topk"
    exact = False
    differs = DIFFERS

    def prepare(self, catalogue: Catalogue) -> None:
        """Keep all vectors."""
        self._catalogue = catalogue
        self._vectors = track_vectors(catalogue)

    def answer(self, preferences: Mapping[str, Any], count: int) -> Rows:
        """Multiply and select."""
        query = wanted_vector(taste(preferences, self._catalogue))[None]
        rows: Rows = topk(self._vectors, query, min(count, len(self._catalogue)), num_threads=1)[0][0]
        return rows


RIVAL = ImplicitTopk
