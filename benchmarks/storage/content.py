"""What is stored: tracks and feedbacks, the same for every store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qfzz import PersonalizedDJ

_GENRES = ("jazz", "blues", "rock", "pop", "classical", "electronic", "hip hop", "ambient")
_MOODS = ("calm", "upbeat", "energetic", "melancholic", "romantic")
_TEMPOS = ("slow", "medium", "fast")
_TYPES = ("play", "like", "skip", "favorite", "play")

RATED = 1_000  # tracks that get feedback
_USERS = 20


def track(number: int) -> dict[str, Any]:
    """Return one track."""
    return {
        "track_id": f"track-{number:08d}",
        "title": f"Title {number}",
        "artist": f"Artist {number % 20_000}",
        "genre": _GENRES[number % 8],
        "mood": _MOODS[number % 5],
        "energy": number % 1000 / 1000,
        "tempo": _TEMPOS[number % 3],
        "duration": 120 + number % 300,
        "year": 1950 + number % 75,
    }


def feedback(number: int) -> dict[str, Any]:
    """Return one feedback, as `record_feedback` takes it; those of other numbers have other event ids."""
    return {
        "user_id": f"user-{number % _USERS}",
        "track_id": f"track-{number * 37 % RATED:08d}",
        "interaction_type": _TYPES[number % 5],
        "event_id": f"event-{number}",
    }


def record_singly(dj: PersonalizedDJ, numbers: Iterable[int]) -> None:
    """Record feedbacks, each durable before the next."""
    for number in numbers:
        dj.record_feedback(**feedback(number))


def record_at_once(dj: PersonalizedDJ, numbers: Iterable[int]) -> None:
    """Record feedbacks as one batch."""
    dj.record_many(feedback(number) for number in numbers)
