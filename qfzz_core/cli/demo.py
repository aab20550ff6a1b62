"""The demo: one listener, from an empty profile to a list that follows, and the report of it."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Any

import attrs
from rich.console import Console
from rich.text import Text

from qfzz_core.cli.commands.feedback import learned_lines, record
from qfzz_core.cli.output import visible
from qfzz_core.cli.tables import print_factors, print_list
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
NEXT_COMMANDS = {
    "qfzz import FILE.csv": "your own tracks (--help: formats)",
    "qfzz recommend me --genre jazz=0.9": "a list; --explain says why",
    "qfzz feedback me TRACK favorite": "TRACK is an id on the list",
}
_SHOWN = 6  # tracks; with these the whole report takes about 100 lines


# ---- what happens ---------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
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
        tracks = list(Import([path], FieldMapping(), readers, strict=True))
    engine.write_tracks(tracks)
    return len(tracks), sorted({track["genre"] for track in tracks})


def _list(engine: Engine, preferences: dict[str, Any] | None = None) -> list[Recommendation]:
    return engine.recommend(
        LISTENER, preferences, limit=_SHOWN, max_per_artist=3, distinct=True, where={"disliked": False}
    )


def _best(found: list[Recommendation]) -> Recommendation:
    # by rank: the first on the list may be a discovery from further down the ranking
    return min(found, key=lambda recommendation: recommendation.rank)


def _other(found: list[Recommendation], reactions: list[dict[str, Any]]) -> Recommendation:
    """Return the best track of an artist to whom the listener has not reacted."""
    known = {reaction["track"]["artist"] for reaction in reactions}
    return _best([recommendation for recommendation in found if recommendation.track["artist"] not in known])


# ---- the report -----------------------------------------------------------------------------------------------------


def print_story(engine: Engine, story: Story, out: Console) -> None:
    """Write the story for somebody who sees QFZZ for the first time."""
    for part in (_opening, _reactions, _after, _tonight, _dislike, _ending):
        part(engine, story, out)


def _chapter(out: Console, title: str, text: str) -> None:
    out.print("", Text(title, style="bold"), text, "", sep="\n")


def _opening(engine: Engine, story: Story, out: Console) -> None:
    out.print(Text("QFZZ, the whole loop", style="bold"))
    out.print(
        f"A catalogue of {story.tracks} well-known recordings in {len(story.genres)} genres, in memory: nothing is "
        "stored. Title, artist, album, year and length are facts. Energy, tempo and mood are editorial estimates."
    )
    _chapter(
        out,
        "1. A new listener",
        "Nothing is known about you, so genre, artist and mood cannot count. What counts are the defaults: a medium "
        "tempo and an energy near 0.5. A track marked discovery was drawn from further down the ranking, so that every "
        "list has something to find.",
    )
    print_list(story.first, with_ids=False)
    title = _title(story.why_first.track_id, engine)
    _chapter(out, "2. Why?", f"Each factor adds its weight times a value. For {title}:")
    print_factors(out, engine, story.why_first)
    out.print(f"The sum is the score, {story.why_first.score:.4f}.")


def _reactions(engine: Engine, story: Story, out: Console) -> None:
    _chapter(
        out,
        "3. You react",
        "A favorite moves the genre, the artist and the mood of a track by 0.2, a like by 0.1. Trust says how well "
        "your feedback speaks of a track's publisher; it begins at 0.5.",
    )
    for outcome in story.reactions:
        out.print(f"{outcome['type']} {_title(outcome['track_id'], engine)}")
        _print_learned(outcome, out)


def _after(engine: Engine, story: Story, out: Console) -> None:
    _chapter(out, "4. The list follows", "This is your profile now, and the list that follows from it.")
    for field in ("genres", "artists", "moods"):
        weights = ", ".join(f"{name} {weight:.2f}" for name, weight in story.profile[field].items())
        out.print(f"     {field:<8} {weights}")
    out.print()
    print_list(story.learned, with_ids=False)
    out.print(f"\nWhy {_title(story.why_learned.track_id, engine)} scores {story.why_learned.score:.4f}:")
    print_factors(out, engine, story.why_learned)


def _tonight(engine: Engine, story: Story, out: Console) -> None:
    _chapter(
        out,
        "5. Tonight, calmer",
        f"A call can ask for something else: energy {TONIGHT['energy_level']} and a {TONIGHT['tempo_preference']} "
        "tempo, this once. Your profile stays as it is.",
    )
    print_list(story.tonight, with_ids=False)


def _dislike(engine: Engine, story: Story, out: Console) -> None:
    _chapter(
        out,
        "6. Not this one",
        f"You dislike {_title(story.dislike['track_id'], engine)}. Weights and trust go down, never below 0, and the "
        "command line leaves the track out from now on.",
    )
    _print_learned(story.dislike, out)
    out.print()
    print_list(story.after_dislike, with_ids=False)


def _ending(engine: Engine, story: Story, out: Console) -> None:
    _chapter(
        out,
        "Your turn",
        "Three commands to try next. Until you import tracks, lists are made of invented samples.",
    )
    for command, meaning in NEXT_COMMANDS.items():
        out.print(f"     {command:<36}{meaning}")


def _print_learned(outcome: dict[str, Any], out: Console) -> None:
    for line in learned_lines(outcome):
        out.print(f"     {line}")


def _title(track_id: str, engine: Engine) -> str:
    track = engine.get_track(track_id) or {}
    return visible(f'"{track.get("title")}" by {track.get("artist")}')
