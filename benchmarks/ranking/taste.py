"""The documented formula by codes: what every contestant makes of the same preferences, and the exact numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from benchmarks.ranking.catalogue import Catalogue, Rows
from qfzz_core.model.names import Similarity, normalise, normalise_genre
from qfzz_core.model.tracks import TEMPOS
from qfzz_core.ranking.formula import GRAIN
from qfzz_plugins.similarity import SIMILAR_GENRES

Numbers = NDArray[np.float64]

GENRE, ARTIST, ENERGY, TEMPO, MOOD = 0.30, 0.25, 0.20, 0.15, 0.10  # the weights, which sum to 1.0 in doubles too
LIKE = 0.1

_SIMILARITY = Similarity([SIMILAR_GENRES])


@attrs.frozen(eq=False)
class Taste:
    """One listener's values: float64 by code of genre, tempo and mood; `artists` are the liked codes, ascending."""

    genre: Numbers
    tempo: Numbers
    mood: Numbers
    artists: NDArray[np.int64]
    artist_values: Numbers
    energy: float


def taste(preferences: Mapping[str, Any], catalogue: Catalogue) -> Taste:
    """Return what preferences mean for a catalogue."""
    liked = catalogue.artist_codes
    artists = {
        code: weight
        for name, weight in preferences["artists"].items()
        if weight > 0 and (code := liked.get(normalise(name), -1)) >= 0
    }
    codes = np.fromiter(artists, dtype=np.int64, count=len(artists))
    order = np.argsort(codes)
    weights = np.fromiter(artists.values(), dtype=np.float64, count=len(artists))
    return Taste(
        genre=_genre_values(preferences["genres"], catalogue),
        tempo=_tempo_values(preferences["tempo_preference"]),
        mood=_by_code({normalise(name): weight for name, weight in preferences["moods"].items()}, catalogue.mood_codes),
        artists=codes[order],
        artist_values=weights[order],
        energy=preferences["energy_level"],
    )


def _genre_values(weights: Mapping[str, float], catalogue: Catalogue) -> Numbers:
    liked = [normalise_genre(name) for name, weight in weights.items() if weight > 0]
    values = {similar: 0.5 for name in liked for similar in _SIMILARITY.similar_to(name)}
    return _by_code({**values, **dict.fromkeys(liked, 1.0)}, catalogue.genre_codes)


def _tempo_values(preference: str) -> Numbers:
    return np.array([1.0 if preference in ("varied", tempo) else 0.0 for tempo in TEMPOS])


def _by_code(values: Mapping[str, float], codes: Mapping[str, int]) -> Numbers:
    by_code = np.zeros(len(codes))
    for name, value in values.items():
        if name in codes:
            by_code[codes[name]] = value
    return by_code


def exact_scores(taste: Taste, catalogue: Catalogue, rows: Rows) -> Numbers:
    """Return the scores of rows to the last bit."""
    return rounded(exact_sums(taste, catalogue, rows))


def rounded(scores: Numbers) -> Numbers:
    """Return scores rounded to the grain, halves to even."""
    return np.asarray(np.rint(scores / GRAIN) * GRAIN)


def exact_sums(taste: Taste, catalogue: Catalogue, rows: Rows) -> Numbers:
    """Return what rows score before the rounding, added in the documented order."""
    sums = GENRE * taste.genre[catalogue.genre[rows]]
    sums += ARTIST * artist_values(taste, catalogue.artist[rows])
    sums += ENERGY * (1.0 - np.abs(catalogue.energy[rows] - taste.energy))
    sums += TEMPO * taste.tempo[catalogue.tempo[rows]]
    sums += MOOD * taste.mood[catalogue.mood[rows]]
    return np.asarray(sums)


def artist_values(taste: Taste, artists: NDArray[np.int32]) -> Numbers:
    """Return the value of each artist's code, 0.0 for those who are not liked."""
    if not len(taste.artists):
        return np.zeros(len(artists))
    places = np.searchsorted(taste.artists, artists).clip(max=len(taste.artists) - 1)
    return np.where(taste.artists[places] == artists, taste.artist_values[places], 0.0)


def best(taste: Taste, catalogue: Catalogue, candidates: Rows, count: int) -> tuple[Rows, Numbers]:
    """Return the best `count` of the candidates, in order, with their exact scores; equal ones in catalogue order."""
    scores = exact_scores(taste, catalogue, candidates)
    order = np.lexsort((candidates, -scores))[:count]
    return candidates[order], scores[order]


def learned(preferences: Mapping[str, Any], catalogue: Catalogue, row: int) -> dict[str, Any]:
    """Return preferences after a like of a row's track."""
    names = {
        "genres": catalogue.genres[catalogue.genre[row]],
        "artists": catalogue.artists[catalogue.artist[row]],
        "moods": catalogue.moods[catalogue.mood[row]],
    }
    moved = {field: {**preferences[field], name: _liked(preferences[field], name)} for field, name in names.items()}
    return {**preferences, **moved}


def _liked(weights: Mapping[str, float], name: str) -> float:
    return min(1.0, round(weights.get(name, 0.0) + LIKE, 12))
