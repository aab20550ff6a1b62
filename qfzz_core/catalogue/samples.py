"""The sample tracks that a store which never held a track serves: invented, and the same for everyone."""

from __future__ import annotations

from functools import cache

from qfzz_core.model.tracks import Track

# Genre, its usual energy, and three invented artists.
_GENRES = (
    ("rock", 0.70, ("The Copper Lanterns", "Northbound Avenue", "Velvet Gravel")),
    ("pop", 0.60, ("Marla Finch", "Paper Satellites", "Jun Okafor")),
    ("jazz", 0.50, ("The Delgado Five", "Ines Marchetti Trio", "Blue Hour Quartet")),
    ("classical", 0.30, ("Aurelia String Ensemble", "Tomas Lindqvist", "Harbour City Philharmonic")),
    ("hip-hop", 0.65, ("MC Ferrovia", "Low Tide Collective", "Sister Cadence")),
    ("electronic", 0.75, ("Circuit Meadow", "Halogen Tide", "Osaka Drift")),
    ("folk", 0.35, ("Wren and Alder", "The Millstone Sisters", "Davit Kobakhidze")),
    ("metal", 0.95, ("Iron Parliament", "Obsidian Choir", "Graveltongue")),
)
_MOODS = ("calm", "upbeat", "energetic", "mellow")
_TEMPOS = ("medium", "slow", "fast")
_WORDS = ("Harbour", "Morning", "Paper", "Silver", "Window", "River")
_ENERGY_STEP = 0.08


@cache
def sample_tracks() -> tuple[Track, ...]:
    """Return 48 invented tracks, six of each documented genre; an artist keeps to one genre and two moods."""
    return tuple(_sample(genre, place) for genre in range(len(_GENRES)) for place in range(6))


def _sample(genre: int, place: int) -> Track:
    name, energy, artists = _GENRES[genre]
    artist, second = place % 3, place // 3
    number = genre * 6 + place + 1
    return {
        "track_id": f"sample_{number:03d}",
        "title": f"{_WORDS[place]} {name.title()}",
        "artist": artists[artist],
        "album": f"Sample {name.title()}",
        "genre": name,
        "mood": _MOODS[(genre + artist + second) % 4],
        "energy": round(min(1.0, energy + _ENERGY_STEP * (place - 2.5)), 2),
        "tempo": _TEMPOS[place % 3],
        "duration": 150 + (number * 37) % 200,
        "content_id": f"sample_content_{number:03d}",
        "creator_id": f"sample_creator_{genre * 3 + artist + 1:02d}",
    }
