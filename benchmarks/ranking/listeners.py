"""Listeners of a catalogue: a fifth cold, some varied, some with two thousand liked artists, most of them ordinary."""

from __future__ import annotations

from typing import Any, Literal

import attrs
import numpy as np

from benchmarks.ranking.catalogue import Catalogue
from benchmarks.ranking.taste import learned
from qfzz_core.model.tracks import TEMPOS

Kind = Literal["cold", "varied", "devoted", "typical"]

# Of each ten listeners two are cold and one takes any tempo; of each twenty, one likes two thousand artists.
_KINDS: tuple[Kind, ...] = ("cold", "typical", "typical", "varied", "typical") + ("cold", "typical") + ("typical",) * 3
_DEVOTED_EVERY = 20
DEVOTED_ARTISTS = 2_000


@attrs.define
class Listener:
    """One user: an id, the kind, and the preferences as `recommend` takes them, which feedback changes."""

    user_id: str
    kind: Kind
    preferences: dict[str, Any]

    def likes(self, catalogue: Catalogue, row: int) -> None:
        """Learn from a like of a row's track, as the library does."""
        self.preferences = learned(self.preferences, catalogue, row)


def listeners(catalogue: Catalogue, count: int = 200, seed: int = 1) -> list[Listener]:
    """Return so many listeners; the same for the same catalogue and seed."""
    random = np.random.default_rng([seed, count])
    return [_listener(catalogue, number, random) for number in range(count)]


def _listener(catalogue: Catalogue, number: int, random: np.random.Generator) -> Listener:
    kind: Kind = "devoted" if number % _DEVOTED_EVERY == 1 else _KINDS[number % len(_KINDS)]
    return Listener(f"user-{number:04d}", kind, _preferences(catalogue, kind, random))


def _preferences(catalogue: Catalogue, kind: Kind, random: np.random.Generator) -> dict[str, Any]:
    cold = kind == "cold"
    genres = _some(catalogue.genre, int(random.integers(0, 3) if cold else random.integers(2, 7)), random)
    moods = _some(catalogue.mood, int(random.integers(0, 2) if cold else random.integers(1, 5)), random)
    wanted = {"cold": 0, "devoted": DEVOTED_ARTISTS}.get(kind, int(random.integers(5, 51)))
    return {
        "genres": _weights([catalogue.genres[code] for code in genres], random),
        "artists": _weights([catalogue.artists[code] for code in _artists(catalogue, genres, wanted, random)], random),
        "moods": _weights([catalogue.moods[code] for code in moods], random),
        "energy_level": 0.5 if cold else round(float(random.uniform(0.1, 0.95)), 2),
        "tempo_preference": "varied" if kind == "varied" else "medium" if cold else str(random.choice(TEMPOS)),
        "discovery_factor": 0.0,
    }


def _some(codes: Any, count: int, random: np.random.Generator) -> list[int]:
    """Return `count` different codes, those of many tracks more likely; fewer if there are not so many."""
    found: dict[int, None] = {}
    for code in codes[random.integers(0, len(codes), 20 * count)].tolist():
        if len(found) < count:
            found[code] = None
    return list(found)


def _artists(catalogue: Catalogue, genres: list[int], count: int, random: np.random.Generator) -> list[int]:
    """Return the artists of random tracks, half by their number of tracks, half evenly, mostly of liked genres."""
    rows = random.integers(0, len(catalogue), 40 * count)
    liked = rows[np.isin(catalogue.genre[rows], genres)]
    by_tracks = catalogue.artist[np.concatenate([liked, rows])].tolist()
    evenly = random.integers(0, len(catalogue.artists), count).tolist()
    known = list(dict.fromkeys(by_tracks))[: count // 2]
    return list(dict.fromkeys([*known, *evenly]))[:count]


def _weights(names: list[str], random: np.random.Generator) -> dict[str, float]:
    """Return weights as feedback leaves them: multiples of 0.05."""
    return {name: round(0.05 * int(random.integers(1, 21)), 2) for name in names}
