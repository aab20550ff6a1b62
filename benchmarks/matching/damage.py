"""Entries as other lists write them: misspelt, with guests and editions, a few seconds off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from string import ascii_lowercase
from typing import Any

from qfzz_core.contracts.descriptions import Description

Words = dict[str, Any]  # title, artist and duration


def slip(text: str, chance: Random) -> str:
    """Return a text with a letter left out, put in, changed, or in the place of its neighbour."""
    if len(text) < 5:
        return text
    at, letter = chance.randrange(1, len(text) - 1), chance.choice(ascii_lowercase)
    kinds = (
        text[:at] + text[at + 1 :],
        text[:at] + letter + text[at:],
        text[:at] + letter + text[at + 1 :],
        text[:at] + text[at + 1] + text[at] + text[at + 2 :],
    )
    return chance.choice(kinds)


def _with(words: Words, **changed: Any) -> Words:
    return {**words, **changed}


DAMAGES: Mapping[str, Callable[[Words, Random], Words]] = {
    "slip in the title": lambda words, chance: _with(words, title=slip(words["title"], chance)),
    "slip in the artist": lambda words, chance: _with(words, artist=slip(words["artist"], chance)),
    "guest in the title": lambda words, chance: _with(
        words, title=words["title"] + chance.choice((" (feat. Somebody)", " feat. Somebody", " [ft. Somebody]"))
    ),
    "guest in the artist": lambda words, chance: _with(
        words, artist=words["artist"] + chance.choice((" feat. Somebody", " & Somebody", ", Somebody", " ft. Somebody"))
    ),
    "edition": lambda words, chance: _with(
        words, title=words["title"] + chance.choice((" - Remastered 2011", " (Remastered)", " (Deluxe Edition)"))
    ),
    "seconds": lambda words, chance: _with(words, duration=words["duration"] + chance.choice((-3, -2, 2, 3))),
    "case": lambda words, chance: _with(words, title=words["title"].upper(), artist=words["artist"].lower()),
    "signs": lambda words, chance: _with(words, title=words["title"].replace("'", "\u2019").replace("-", "\u2013")),
}


def damaged(track: Mapping[str, Any], chance: Random, most: int = 3) -> Description:
    """Return what another list says of a track, with one to `most` damages."""
    words: Words = {"title": track["title"], "artist": track["artist"], "duration": float(track["duration"])}
    for _ in range(chance.randint(1, most)):
        words = DAMAGES[chance.choice(list(DAMAGES))](words, chance)
    return Description(**words)


def live(track: Mapping[str, Any]) -> Description:
    """Return an entry for a live recording of the same song."""
    return Description(
        title=f"{track['title']} - Live at Wembley", artist=track["artist"], duration=float(track["duration"])
    )
