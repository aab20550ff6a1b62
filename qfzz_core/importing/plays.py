"""Rules for the plays of a listening history: which play is which, what is a skip, and what is kept of an unknown one.

What identifies a play must give the same in every later version, or an export that was imported would count twice; so
its names are folded here, and not by the normal forms by which the catalogue compares.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import attrs

from qfzz_core.contracts.descriptions import Description
from qfzz_core.contracts.histories import Play

EVENT_PREFIX, UNMATCHED_PREFIX = "history:", "unmatched:"
REMATCHED = ":matched"  # what the id of an event has behind it that took the place of an unmatched one

_ENOUGH = 30.0  # seconds that make a play wherever a service counts or pays one
_HALF = 0.5
_WHOLE = 0.9  # of a track: the end is often faded out, and durations differ between editions

_DIGEST = 16  # bytes: two of a billion plays are the same by chance once in 10^20


# ---- which play is which --------------------------------------------------------------------------------------------


def identity(play: Play) -> bytes:
    """Return what is the same for the same play in every export, and for another one of equal time and names."""
    if play.source_id is not None:
        return _digest(play.family, "id", play.source_id)
    moment = int(play.timestamp.timestamp()) // play.resolution * play.resolution
    played = "" if play.played is None else str(round(play.played * 1000))
    return _digest(play.family, str(moment), *_names(play.heard), played)


def numbered(identity: bytes, number: int) -> bytes:
    """Return the identity of one of several plays that a file has of one identity, by how many came before."""
    return identity if number == 0 else _digest(identity.hex(), str(number))


def event_id(identity: bytes) -> str:
    """Return the id of the event that a play of this identity is recorded as."""
    return EVENT_PREFIX + identity.hex()


def unmatched_id(heard: Description) -> str:
    """Return the id that stands in the log for a track that the catalogue lacks, the same for the same names."""
    return UNMATCHED_PREFIX + _digest(*_names(heard)).hex()


def _names(heard: Description) -> tuple[str, str]:
    others = (heard.track_id, heard.recording_mbid, heard.isrc, heard.location)
    return folded(heard.artist or ""), folded(heard.title or "") or next(filter(None, others), "")


@lru_cache(maxsize=65_536)
def folded(name: str) -> str:
    """Return the form by which plays compare names: NFKC(casefold(NFKC(name))), each run of white space one space."""
    form = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(form.split())


def _digest(*facts: str) -> bytes:
    return blake2b("\0".join(facts).encode(), digest_size=_DIGEST).digest()


# ---- play or skip ---------------------------------------------------------------------------------------------------


def interaction_type(played: float | None, skipped: bool | None, duration: float | None) -> str:
    """Return "play" or "skip": by the seconds that were played, what the source says, and the duration if it is known.

    A play that the source counts as one, and nine tenths of a track, are plays. Less than 30 seconds are a skip. What
    the source says was skipped is one too if less than half of the track was played; of a track of unknown duration,
    30 seconds are enough. Where the source says no time, its word counts.
    """
    if played is None:
        return "skip" if skipped else "play"
    if skipped is False or (duration and played >= _WHOLE * duration):
        return "play"
    if played < _ENOUGH or (skipped and duration and played < _HALF * duration):
        return "skip"
    return "play"


# ---- what the log keeps of a track that is not there ----------------------------------------------------------------


def words_of(heard: Description) -> dict[str, Any]:
    """Return what a description says, as plain data."""
    said = attrs.asdict(heard, recurse=False, filter=lambda attribute, value: value is not None and value != ())
    return {key: list(value) if isinstance(value, tuple) else value for key, value in said.items()}


def description_of(words: Mapping[str, Any]) -> Description:
    """Return the description that `words_of` made `words` of; keys that it does not know are left out."""
    known = {attribute.name for attribute in attrs.fields(Description)}
    said: dict[str, Any] = {
        key: tuple(value) if key == "artists" else value for key, value in words.items() if key in known
    }
    return Description(**said)
