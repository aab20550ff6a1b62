"""A realistic catalogue, straight as columns: the same for the same size and seed.

120 genres by Zipf's law, the documented ones among them; artists, one for twelve tracks, by Zipf's law too, each
keeping mostly to one genre and sometimes to a second; 20 moods whose shares depend on the genre; energies to three
decimals around the genre's; tempos that follow the energy.
"""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from benchmarks.ranking.catalogue import Catalogue, Numbered
from qfzz_plugins.similarity import SIMILAR_GENRES

GENRES = 120
MOODS = (
    "calm",
    "upbeat",
    "energetic",
    "melancholic",
    "romantic",
    "mellow",
    "dark",
    "happy",
    "sad",
    "dreamy",
    "aggressive",
    "hopeful",
    "nostalgic",
    "playful",
    "tense",
    "peaceful",
    "epic",
    "sensual",
    "lonely",
    "triumphant",
)
TRACKS_PER_ARTIST = 12
CHUNK = 1_000_000  # rows made at a time, so that ten million need little beside their columns

_PREFIXES = ("nordic", "deep", "neo", "lo-fi", "live")
_MAIN, _SECOND = 0.85, 0.97  # shares of an artist's tracks up to which they have its genre, its genre or its second one
_SPREAD = 0.12  # standard deviation of the energies of a genre
_TEMPO_SPREAD = 0.15
_SLOW_BELOW, _FAST_FROM = 0.42, 0.68

Numbers = NDArray[np.float64]


def generated(size: int, seed: int = 1) -> Catalogue:
    """Return a catalogue of `size` tracks."""
    world = World.made(max(1, size // TRACKS_PER_ARTIST), seed)
    chunks = [world.tracks(min(CHUNK, size - start)) for start in range(0, size, CHUNK)]
    genre, mood, tempo, artist, energy, duration = (np.concatenate(parts) for parts in zip(*chunks, strict=True))
    return Catalogue(
        genre=genre,
        mood=mood,
        tempo=tempo,
        artist=artist,
        energy=energy,
        duration=duration,
        genres=genre_names(),
        moods=MOODS,
        artists=Numbered("Artist ", len(world.main_genre)),
    )


def with_unknown(catalogue: Catalogue, share: float, seed: int = 1) -> Catalogue:
    """Return a generated catalogue of which a share of the genres, moods, tempos and energies is unknown."""
    lots = np.random.default_rng([seed, 4])

    def thinned(column: NDArray[Any], missing: float) -> NDArray[Any]:
        return np.where(lots.random(len(column)) < share, np.asarray(missing, column.dtype), column)

    codes = {name: thinned(getattr(catalogue, name), -1) for name in ("genre", "mood", "tempo")}
    return attrs.evolve(catalogue, energy=thinned(catalogue.energy, np.nan), **codes)


def genre_names() -> list[str]:
    """Return 120 names: the documented genres and those similar to them, then varieties of these."""
    documented = list(dict.fromkeys([*SIMILAR_GENRES, *(name for names in SIMILAR_GENRES.values() for name in names)]))
    varieties = [f"{prefix} {name}" for prefix in _PREFIXES for name in documented]
    return [*documented, *varieties][:GENRES]


@attrs.frozen(eq=False)
class World:
    """What the tracks of one catalogue are drawn from; `artist_shares` and `mood_shares` are cumulated.

    Genres and moods, and the most productive artists, are the same for every size, so that sizes can be compared.
    Artists are counted from the most productive one; `artist_numbers` are the numbers in their names.
    """

    random: np.random.Generator
    artist_shares: Numbers
    artist_numbers: NDArray[np.int32]
    main_genre: NDArray[np.int32]
    second_genre: NDArray[np.int32]
    genre_energy: Numbers
    mood_shares: Numbers

    @classmethod
    def made(cls, artists: int, seed: int) -> World:
        """Return a world of so many artists."""
        genres, main, second, rest = (np.random.default_rng([seed, part]) for part in range(4))
        return cls(
            random=rest,
            artist_shares=np.cumsum(zipf(artists)),
            artist_numbers=rest.permutation(artists).astype(np.int32),
            main_genre=drawn(zipf(GENRES), main.random(artists)),
            second_genre=drawn(zipf(GENRES), second.random(artists)),
            genre_energy=genres.uniform(0.2, 0.9, GENRES),
            mood_shares=_mood_shares(genres),
        )

    def tracks(self, count: int) -> tuple[NDArray[np.generic], ...]:
        """Return genre, mood, tempo, artist, energy and duration of so many tracks."""
        random = self.random
        place = np.searchsorted(self.artist_shares, random.random(count)).clip(max=len(self.artist_shares) - 1)
        genre = self._genres(place)
        mood = np.searchsorted(self.mood_shares.ravel(), genre + random.random(count)) - genre * len(MOODS)
        energy = np.round((self.genre_energy[genre] + random.normal(0.0, _SPREAD, count)).clip(0.0, 1.0), 3)
        pace = energy + random.normal(0.0, _TEMPO_SPREAD, count)
        tempo = np.searchsorted([_SLOW_BELOW, _FAST_FROM], pace, side="right").astype(np.int32)
        duration = random.normal(220.0, 60.0, count).clip(30.0, 1200.0).astype(np.int32)
        mood = mood.clip(0, len(MOODS) - 1).astype(np.int32)
        return genre, mood, tempo, self.artist_numbers[place], energy, duration

    def _genres(self, artist: NDArray[np.intp]) -> NDArray[np.int32]:
        """Return a genre for each track, of artists counted from the most productive one."""
        share = self.random.random(len(artist))
        anything = drawn(zipf(GENRES), self.random.random(len(artist)))
        own = np.where(share < _MAIN, self.main_genre[artist], self.second_genre[artist])
        return np.where(share < _SECOND, own, anything)


def zipf(count: int) -> Numbers:
    """Return the shares 1/1, 1/2, ... 1/count, scaled to a sum of 1."""
    shares = 1.0 / np.arange(1, count + 1)
    return np.asarray(shares / shares.sum())


def drawn(shares: Numbers, uniform: Numbers) -> NDArray[np.int32]:
    """Return which share each number of [0, 1) falls into."""
    places = np.searchsorted(np.cumsum(shares), uniform, side="right")
    return places.clip(max=len(shares) - 1).astype(np.int32)


def _mood_shares(random: np.random.Generator) -> Numbers:
    """Return for each genre g the cumulated shares of its moods, plus g, so that one search finds both."""
    shares = random.permuted(np.tile(zipf(len(MOODS)), (GENRES, 1)), axis=1)
    return np.asarray(np.cumsum(shares, axis=1) + np.arange(GENRES)[:, None])
