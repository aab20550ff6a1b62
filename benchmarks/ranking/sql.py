"""What the databases share: tables of tracks and of one listener's values, and the query that ranks them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.ranking.catalogue import Catalogue
from benchmarks.ranking.taste import ARTIST, ENERGY, GENRE, MOOD, TEMPO, Taste
from qfzz_core.ranking.formula import GRAIN

COLUMNS = ("genre", "artist", "tempo", "mood", "energy")
CREATE = (
    "CREATE TABLE tracks (position INTEGER PRIMARY KEY, genre INTEGER, artist INTEGER, tempo INTEGER, mood INTEGER, "
    "energy DOUBLE)"
)
TABLES = ("genre", "artist", "tempo", "mood")

# Joins of a few small tables; a factor that says nothing of a track gives 0.
_QUERY = f"""
SELECT position FROM (
    SELECT position,
        {GENRE!r} * COALESCE(g.value, 0.0) + {ARTIST!r} * COALESCE(a.value, 0.0)
        + {ENERGY!r} * (1.0 - ABS(energy - ?)) + {TEMPO!r} * COALESCE(t.value, 0.0)
        + {MOOD!r} * COALESCE(m.value, 0.0) AS score
    FROM tracks
    LEFT JOIN genre_values g ON g.code = genre
    LEFT JOIN artist_values a ON a.code = artist
    LEFT JOIN tempo_values t ON t.code = tempo
    LEFT JOIN mood_values m ON m.code = mood
) AS scored ORDER BY {{rounded}} DESC, position LIMIT ?
"""
STEPS = f"score * {1.0 / GRAIN!r}"


def query(rounded: str) -> str:
    """Return the query that orders by an expression of the rounded score and takes the energy wanted and the limit."""
    return _QUERY.format(rounded=rounded)


def rows_of(catalogue: Catalogue) -> Iterator[tuple[Any, ...]]:
    """Yield position and columns of each track."""
    columns = [getattr(catalogue, name).tolist() for name in COLUMNS]
    return zip(range(len(catalogue)), *columns, strict=True)


def values_of(wanted: Taste) -> dict[str, list[tuple[int, float]]]:
    """Return for each of `TABLES` its rows (code, value), without the zeros."""
    dense = {"genre": wanted.genre, "tempo": wanted.tempo, "mood": wanted.mood}
    tables = {name: list(enumerate(values.tolist())) for name, values in dense.items()}
    tables["artist"] = list(zip(wanted.artists.tolist(), wanted.artist_values.tolist(), strict=True))
    return {name: [pair for pair in pairs if pair[1] > 0.0] for name, pairs in tables.items()}
