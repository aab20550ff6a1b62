"""polars: an expression over a frame, then the best by score and position."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from benchmarks.ranking.catalogue import Catalogue, Rows
from benchmarks.ranking.sql import COLUMNS, TABLES, values_of
from benchmarks.ranking.taste import ARTIST, ENERGY, GENRE, MOOD, TEMPO, taste
from qfzz_core.ranking.formula import GRAIN

_WEIGHTS = {"genre": GENRE, "artist": ARTIST, "tempo": TEMPO, "mood": MOOD}


class Polars:
    """A lazy query on one thread, which the environment variable POLARS_MAX_THREADS asks for."""

    name = "polars"
    exact = True
    differs = ""

    def prepare(self, catalogue: Catalogue) -> None:
        """Make the frame."""
        self._catalogue = catalogue
        self._frame = pl.DataFrame({name: getattr(catalogue, name) for name in COLUMNS}).with_row_index("position")

    def answer(self, preferences: Mapping[str, Any], count: int) -> Rows:
        """Map the codes, sum, and take the best."""
        wanted = taste(preferences, self._catalogue)
        tables = {name: dict(pairs) for name, pairs in values_of(wanted).items()}
        terms = {name: _WEIGHTS[name] * _mapped(name, tables[name]) for name in TABLES}
        energy = ENERGY * (1.0 - (pl.col("energy") - wanted.energy).abs())
        score = terms["genre"] + terms["artist"] + energy + terms["tempo"] + terms["mood"]
        steps = (score * (1.0 / GRAIN)).round(0, mode="half_to_even")
        ranked = self._frame.lazy().select("position", steps=-steps).bottom_k(count, by=["steps", "position"])
        found = ranked.sort("steps", "position").collect()
        return found["position"].to_numpy().astype("intp")


def _mapped(column: str, values: dict[int, float]) -> pl.Expr:
    if not values:
        return pl.lit(0.0)
    return pl.col(column).replace_strict(values, default=0.0, return_dtype=pl.Float64)


RIVAL = Polars
