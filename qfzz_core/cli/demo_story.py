"""What happens in the demo: one listener, from knowing nothing to a list that follows."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Any

import attrs

from qfzz_core.cli.learned import record
from qfzz_core.contracts.recommendation import Explanation, Recommendation
from qfzz_core.engine import Engine
from qfzz_core.formats.files import Readers
from qfzz_core.importing.job import Import
from qfzz_core.importing.mapping import FieldMapping

LISTENER = "you"
TONIGHT = {"energy_level": 0.1, "tempo_preference": "slow"}
REACTIONS = (
    ("rec-miles-davis-so-what", "favorite"),
    ("rec-miles-davis-blue-in-green", "favorite"),
    ("rec-nina-simone-feeling-good", "like"),
    ("rec-alice-coltrane-journey-in-satchidananda", "like"),
)
_SHOWN = 6


@attrs.frozen
class Story:
    """Everything that happened, in order; `reactions` and `dislike` are what `record` returns."""

    genres: list[str]
    tracks: int
    first: list[Recommendation]
    why_first: Explanation
    reactions: list[dict[str, Any]]
    profile: dict[str, Any]
    learned: list[Recommendation]
    why_learned: Explanation
    tonight: list[Recommendation]
    dislike: dict[str, Any]
    after_dislike: list[Recommendation]


def live(engine: Engine) -> Story:
    """Go through the demo in an engine whose store is empty."""
    tracks, genres = _import(engine)
    first = _list(engine)
    reactions = [record(engine, LISTENER, track_id, reaction) for track_id, reaction in REACTIONS]
    profile = engine.get_or_create_profile(LISTENER).to_dict()
    learned = _list(engine)
    tonight = _list(engine, TONIGHT)
    dislike = record(engine, LISTENER, _other(learned, reactions).track["track_id"], "dislike")
    return Story(
        tracks=tracks,
        genres=genres,
        first=first,
        why_first=_best(first).explanation,
        reactions=reactions,
        profile=profile,
        learned=learned,
        why_learned=_best(learned).explanation,
        tonight=tonight,
        dislike=dislike,
        after_dislike=_list(engine),
    )


def _import(engine: Engine) -> tuple[int, list[str]]:
    """Import the shipped recordings; return how many there are, and their genres."""
    with as_file(files("qfzz_core.cli") / "data" / "recordings.csv") as path:
        readers = Readers.of(engine.registry, engine.faults.report)
        tracks = list(Import([path], FieldMapping(), strict=True, readers=readers))
    engine.write_tracks(tracks)
    return len(tracks), sorted({track["genre"] for track in tracks})


def _list(engine: Engine, preferences: dict[str, Any] | None = None) -> list[Recommendation]:
    return engine.recommend(
        LISTENER, preferences, limit=_SHOWN, max_per_artist=3, distinct=True, where={"disliked": False}
    )


def _best(found: list[Recommendation]) -> Recommendation:
    return min(found, key=lambda recommendation: recommendation.rank)


def _other(found: list[Recommendation], reactions: list[dict[str, Any]]) -> Recommendation:
    """Return the best track by somebody whom the listener has not reacted to."""
    known = {reaction["track"]["artist"] for reaction in reactions}
    return _best([recommendation for recommendation in found if recommendation.track["artist"] not in known])
