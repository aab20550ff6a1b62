"""One import of listening histories: their entries read and counted, each play once, with the track that it is of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from attrs import define, evolve, field, frozen

from qfzz_core.contracts.descriptions import Description
from qfzz_core.contracts.histories import LeftOut, Play
from qfzz_core.contracts.learners import InteractionType
from qfzz_core.formats.files import Progress, file_size
from qfzz_core.formats.histories import Histories
from qfzz_core.importing.job import BadRow
from qfzz_core.importing.plays import event_id, identity, interaction_type, numbered, unmatched_id, words_of
from qfzz_core.matching.matcher import Match
from qfzz_core.model.timestamps import timestamp
from qfzz_core.profiles.recorder import MOST_AHEAD, Clock, Feedback, valid_feedback

Find = Callable[[Description], Match]


@define
class HistorySummary:
    """What was counted: every entry is a play, a skip, repeated, or left out as one of the rest.

    `repeated` are those that an earlier file of this import had. `matched`, `ambiguous` and `unmatched` count plays and
    skips together; `tracks` are how many different ones they name. `recorded` are those that were new to the log.
    """

    entries: int = 0
    plays: int = 0
    skips: int = 0
    repeated: int = 0
    podcasts: int = 0
    incognito: int = 0
    others: int = 0
    bad: int = 0
    tracks: int = 0
    matched: int = 0
    ambiguous: int = 0
    unmatched: int = 0
    recorded: int = 0


_LEFT_OUT = {"podcast": "podcasts", "incognito": "incognito", "other": "others", "bad": "bad"}


@frozen
class _Taken:
    """A play as it waits to be recorded, in little memory: the track is a number of `HistoryImport.tracks`."""

    moment: datetime
    identity: bytes
    track: int
    type: str
    source: str
    played: float | None
    skipped: bool | None


@define
class HistoryImport:
    """The plays of some files, read by `read` and then given, the earliest first, by `feedback`.

    `find` looks for a track, once for each description. A play more than a day ahead of the `clock` is a bad entry; a
    bad entry is counted and given to `on_bad_row`.
    """

    paths: Sequence[Path]
    histories: Histories
    find: Find
    clock: Clock
    on_bad_row: Callable[[BadRow], None] = lambda row: None
    on_progress: Progress | None = None
    summary: HistorySummary = field(init=False, factory=HistorySummary)
    _tracks: dict[Description, int] = field(init=False, factory=dict)
    _found: list[Match] = field(init=False, factory=list)
    _taken: list[_Taken] = field(init=False, factory=list)
    _latest: datetime = field(init=False, factory=lambda: datetime.max.replace(tzinfo=UTC))

    def read(self) -> HistorySummary:
        """Read all files and return what was counted; raises `ImportFileError` for a file that is of no use."""
        seen: set[bytes] = set()
        self._latest = self.clock() + MOST_AHEAD
        done, report = 0, self.on_progress
        for path in self.paths:
            self._read(path, seen, report and partial(_add, report, done))
            done += file_size(path)
        self._taken.sort(key=lambda taken: taken.moment)
        self.summary.tracks = len(self._found)
        return self.summary

    def _read(self, path: Path, seen: set[bytes], progress: Progress | None) -> None:
        """Read one file; equal plays in it are different ones, equal to those of another file they are the same."""
        inside, equal = path, Counter[bytes]()
        for place, entry in self.histories.entries(path, progress):
            if place != inside:
                inside, equal = place, Counter[bytes]()
            self.summary.entries += 1
            if isinstance(entry, LeftOut):
                self._leave_out(place, entry)
            elif entry.timestamp > self._latest:
                reason = f"{timestamp(entry.timestamp)} is more than a day ahead of the clock"
                self._leave_out(place, LeftOut(entry.line, "bad", reason))
            elif (mine := _identity(entry, equal)) in seen:
                self.summary.repeated += 1
            else:
                seen.add(mine)
                self._take(entry, mine)

    def _leave_out(self, path: Path, entry: LeftOut) -> None:
        name = _LEFT_OUT[entry.kind]
        setattr(self.summary, name, getattr(self.summary, name) + 1)
        if entry.kind == "bad":
            self.on_bad_row(BadRow(path, entry.line, entry.reason))

    def _take(self, play: Play, mine: bytes) -> None:
        number = self._tracks.get(play.heard)
        if number is None:
            number = self._tracks[play.heard] = len(self._found)
            self._found.append(self.find(play.heard))
        found, summary = self._found[number], self.summary
        kind = interaction_type(play.played, play.skipped, play.heard.duration or found.duration)
        summary.plays += kind == "play"
        summary.skips += kind == "skip"
        summary.matched += found.track_id is not None
        summary.ambiguous += found.is_ambiguous
        summary.unmatched += found.track_id is None and not found.is_ambiguous
        self._taken.append(_Taken(play.timestamp, mine, number, kind, play.source, play.played, play.skipped))

    def feedback(self, user_id: str, types: Mapping[str, InteractionType]) -> Iterator[Feedback]:
        """Yield the plays as feedback of a user; raises `FeedbackError` where plays or skips are no types."""
        heard = [*self._tracks]
        for taken in self._taken:
            found = self._found[taken.track]
            extra: dict[str, Any] = {"source": taken.source}
            if taken.played is not None:
                extra["played"] = taken.played
            if found.track_id is None:
                extra |= unmatched_extra(heard[taken.track], found.candidates, taken.skipped)
            track_id = found.track_id or unmatched_id(heard[taken.track])
            own_id, moment = event_id(taken.identity), timestamp(taken.moment)
            event = valid_feedback(
                types, user_id, track_id, taken.type, event_id=own_id, timestamp=moment, clock=self.clock
            )
            yield evolve(event, extra=extra)


def _identity(play: Play, equal: Counter[bytes]) -> bytes:
    base = identity(play)
    equal[base] += 1
    return base if play.source_id is not None else numbered(base, equal[base] - 1)


def _add(report: Progress, done: int, position: int) -> None:
    report(done + position)


def unmatched_extra(heard: Description, candidates: Sequence[str], skipped: bool | None) -> dict[str, Any]:
    """Return what is kept with the event of a play of which the track was not found."""
    extra: dict[str, Any] = {"heard": words_of(heard)}
    if skipped is not None:
        extra["skipped"] = skipped
    if candidates:
        extra["candidates"] = [*candidates]
    return extra
