"""The documented genre similarity."""

from __future__ import annotations

from qfzz_core import hookimpl

SIMILAR_GENRES: dict[str, tuple[str, ...]] = {
    "rock": ("alternative", "indie", "punk", "metal"),
    "pop": ("dance", "electronic", "indie-pop", "synth-pop"),
    "jazz": ("blues", "soul", "funk", "swing"),
    "classical": ("orchestral", "baroque", "romantic", "contemporary"),
    "hip-hop": ("rap", "trap", "r&b", "urban"),
    "electronic": ("techno", "house", "trance", "ambient"),
    "folk": ("acoustic", "country", "americana", "singer-songwriter"),
    "metal": ("hard-rock", "progressive", "death-metal", "black-metal"),
}


@hookimpl
def qfzz_genre_similarity() -> dict[str, tuple[str, ...]]:
    """Return the documented map."""
    return SIMILAR_GENRES
