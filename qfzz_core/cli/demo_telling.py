"""The demo told to somebody who sees QFZZ for the first time."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from qfzz_core.cli.demo_story import TONIGHT, Story
from qfzz_core.cli.learned import learned_lines
from qfzz_core.cli.lists import factors, print_short_list
from qfzz_core.cli.output import visible
from qfzz_core.engine import Engine

NEXT_COMMANDS = {
    "qfzz import FILE.csv": "your own tracks (--help: formats)",
    "qfzz recommend me --genre jazz=0.9": "a list; --explain says why",
    "qfzz feedback me TRACK favorite": "TRACK is an id on the list",
}


def tell(engine: Engine, story: Story, out: Console) -> None:
    """Write the story."""
    for part in (_opening, _reactions, _after, _tonight, _dislike, _ending):
        part(engine, story, out)


def _chapter(out: Console, title: str, text: str) -> None:
    out.print()
    out.print(Text(title, style="bold"))
    out.print(text)
    out.print()


def _opening(engine: Engine, story: Story, out: Console) -> None:
    out.print(Text("QFZZ, the whole loop", style="bold"))
    out.print(
        f"A catalogue of {story.tracks} well-known recordings in {len(story.genres)} genres, in memory: nothing is "
        "stored. Title, artist, album, year and length are facts. Energy, tempo and mood are editorial estimates."
    )
    _chapter(
        out,
        "1. A new listener",
        "Nothing is known of you, so genre, artist and mood cannot count. What does is the default, a medium tempo "
        "and an energy near 0.5. A track that says discovery was drawn from further down the ranking, so that every "
        "list has something to find.",
    )
    print_short_list(story.first)
    _chapter(
        out, "2. Why?", f"Each factor adds its weight times a value. For {_title(story.why_first.track_id, engine)}:"
    )
    out.print(factors(engine, story.why_first))
    out.print(f"The sum is the score, {story.why_first.score:.4f}.")


def _reactions(engine: Engine, story: Story, out: Console) -> None:
    _chapter(
        out,
        "3. You react",
        "A favorite moves the genre, the artist and the mood of a track by 0.2, a like by 0.1. Trust says how far your "
        "own feedback speaks for who published it; it begins at 0.5.",
    )
    for outcome in story.reactions:
        out.print(f"{outcome['type']} {_title(outcome['track_id'], engine)}")
        for line in learned_lines(outcome):
            out.print(f"     {line}")


def _after(engine: Engine, story: Story, out: Console) -> None:
    _chapter(out, "4. The list follows", "This is your profile now, and the list it makes.")
    for field in ("genres", "artists", "moods"):
        weights = ", ".join(f"{name} {weight:.2f}" for name, weight in story.profile[field].items())
        out.print(f"     {field:<8} {weights}")
    out.print()
    print_short_list(story.learned)
    out.print(f"\nWhy {_title(story.why_learned.track_id, engine)} has {story.why_learned.score:.4f}:")
    out.print(factors(engine, story.why_learned))


def _tonight(engine: Engine, story: Story, out: Console) -> None:
    _chapter(
        out,
        "5. Tonight, calmer",
        f"A call can ask for something else: energy {TONIGHT['energy_level']} and a {TONIGHT['tempo_preference']} "
        "tempo, this once. Your profile stays as it is.",
    )
    print_short_list(story.tonight)


def _dislike(engine: Engine, story: Story, out: Console) -> None:
    _chapter(
        out,
        "6. Not this one",
        f"You dislike {_title(story.dislike['track_id'], engine)}. Weights and trust go down, never below 0, and the "
        "command line leaves the track out from now on.",
    )
    for line in learned_lines(story.dislike):
        out.print(f"     {line}")
    out.print()
    print_short_list(story.after_dislike)


def _ending(engine: Engine, story: Story, out: Console) -> None:
    _chapter(
        out,
        "Your turn",
        "Three commands to try next. Until you import tracks, lists are made of invented samples.",
    )
    for command, meaning in NEXT_COMMANDS.items():
        out.print(f"     {command:<36}{meaning}")


def _title(track_id: str, engine: Engine) -> str:
    track = engine.get_track(track_id) or {}
    return visible(f'"{track.get("title")}" by {track.get("artist")}')
