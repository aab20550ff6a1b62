"""Exact inner-product search of faiss, `IndexFlatIP`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import faiss

from benchmarks.ranking.catalogue import Catalogue, Rows
from benchmarks.ranking.taste import taste
from benchmarks.ranking.vectors import DIFFERS, track_vectors, wanted_vector


class Faiss:
    """One query at a time, on one thread."""

    name = "faiss IndexFlatIP"
    exact = False
    differs = DIFFERS

    def prepare(self, catalogue: Catalogue) -> None:
        """Add all vectors."""
        faiss.omp_set_num_threads(1)
        vectors = track_vectors(catalogue)
        self._catalogue = catalogue
        self._index = faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(vectors)

    def answer(self, preferences: Mapping[str, Any], count: int) -> Rows:
        """Search."""
        query = wanted_vector(taste(preferences, self._catalogue))[None]
        rows: Rows = self._index.search(query, min(count, len(self._catalogue)))[1][0]
        return rows


RIVAL = Faiss
