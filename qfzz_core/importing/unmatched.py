"""The plays of a user of which the track was not found: listed by track, and found when the track is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import define, evolve, field, frozen

from qfzz_core.contracts.descriptions import Description
from qfzz_core.contracts.learners import InteractionType
from qfzz_core.importing.history import Find
from qfzz_core.importing.plays import REMATCHED, UNMATCHED_PREFIX, description_of, interaction_type
from qfzz_core.matching.matcher import Match
from qfzz_core.model.events import Event, Interaction
from qfzz_core.profiles.recorder import Clock, Feedback, valid_feedback

_SHOWN = ("title", "artist", "album", "track_id", "recording_mbid", "isrc", "location")


@define
class Unmatched:
    """A track that a history names and the catalogue does not have, or has several times.

    `heard` is what the latest play says of it; `plays` count plays and skips; `last` is when it was heard last.
    `candidates` are the ids of the tracks that it may be.
    """

    track_id: str
    heard: Description
    plays: int = 0
    last: str = ""
    candidates: list[str] = field(factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, with the words that the history has."""
        words = {key: value for key in _SHOWN if (value := getattr(self.heard, key)) is not None}
        return {**words, "plays": self.plays, "last_played": self.last, "candidates": self.candidates}


@frozen
class Rematched:
    """A play of which the track was found: the id of the event that was recorded without it, and what replaces it."""

    event_id: str
    track_id: str
    type: str
    timestamp: str
    source: str | None
    played: float | None

    def feedback(self, user_id: str, types: Mapping[str, InteractionType], clock: Clock) -> Feedback:
        """Return what replaces the event, at the same time, with an id made of its id."""
        own_id = self.event_id + REMATCHED
        event = valid_feedback(
            types, user_id, self.track_id, self.type, event_id=own_id, timestamp=self.timestamp, clock=clock
        )
        kept = {"source": self.source, "played": self.played}
        return evolve(event, extra={key: value for key, value in kept.items() if value is not None})


def unmatched_plays(newest_first: Iterable[Event]) -> Iterator[tuple[Event, Interaction]]:
    """Iterate the plays among events of which the track was not found."""
    for event in newest_first:
        interaction = event.interaction
        if interaction is not None and event.event_id and interaction.track_id.startswith(UNMATCHED_PREFIX):
            yield event, interaction


def unmatched_tracks(newest_first: Iterable[Event]) -> list[Unmatched]:
    """Return the tracks that were not found, those that were heard most first."""
    tracks: dict[str, Unmatched] = {}
    for _, play in unmatched_plays(newest_first):
        track = tracks.get(play.track_id)
        if track is None:
            track = tracks[play.track_id] = Unmatched(play.track_id, _heard(play))
            track.candidates = [str(each) for each in play.extra.get("candidates", ())]
        track.plays += 1
        track.last = max(track.last, play.timestamp)
    return sorted(tracks.values(), key=lambda track: (-track.plays, track.heard.artist or "", track.heard.title or ""))


def rematched(newest_first: Iterable[Event], find: Find) -> list[Rematched]:
    """Return the plays of which the track is found now, the earliest first."""
    found: dict[Description, Match] = {}
    replaced = []
    for event, play in unmatched_plays(newest_first):
        heard = _heard(play)
        if heard not in found:
            found[heard] = find(heard)
        track_id, duration = found[heard].track_id, heard.duration or found[heard].duration
        if track_id is not None:
            extra = play.extra
            kind = interaction_type(extra.get("played"), extra.get("skipped"), duration)
            replaced.append(
                Rematched(
                    event.event_id or "", track_id, kind, play.timestamp, extra.get("source"), extra.get("played")
                )
            )
    return replaced[::-1]


def _heard(play: Interaction) -> Description:
    words = play.extra.get("heard")
    return description_of(words if isinstance(words, Mapping) else {})
